"""The parameter of `eth_simulateV1`: blocks with overrides and calls, and how to answer.

Source: execution-apis, eth_simulateV1.
"""

from dataclasses import dataclass

from genesis.types import ZERO_ADDRESS, ZERO_HASH
from openledger_node.evm.records import BlockOverride, Withdrawal
from openledger_node.evm.simulation_plan import SimulatedBlock, SimulatedCall
from openledger_node.rpc import parse
from openledger_node.rpc.errors import InvalidParamsError
from openledger_node.rpc.requests import CallObject, block_overrides, call_object, state_overrides

MAXIMUM_LISTED = 20_000
"""Blocks or calls in one list; the simulation's own limits are lower and have their own error."""


@dataclass(frozen=True, slots=True)
class SimulationRequest:
    blocks: tuple[SimulatedBlock, ...]
    calls: tuple[CallObject, ...]
    """All calls of all blocks, as the client wrote them."""
    trace_transfers: bool
    validate: bool
    full_transactions: bool


def simulation_request(value: object) -> SimulationRequest:
    """The parameter of `eth_simulateV1`; raises InvalidParamsError."""
    fields = parse.json_object(value)
    wanted = parse.field(fields, "blockStateCalls", parse.list_of(parse.json_object, most=MAXIMUM_LISTED))
    if not wanted:
        raise InvalidParamsError("empty input")
    calls = [_calls(block) for block in wanted]
    return SimulationRequest(
        blocks=tuple(_block(block, own) for block, own in zip(wanted, calls, strict=True)),
        calls=tuple(call for own in calls for call in own),
        trace_transfers=bool(parse.field(fields, "traceTransfers", parse.boolean)),
        validate=bool(parse.field(fields, "validation", parse.boolean)),
        full_transactions=bool(parse.field(fields, "returnFullTransactions", parse.boolean)),
    )


def _calls(fields: dict[str, object]) -> list[CallObject]:
    return parse.field(fields, "calls", parse.list_of(call_object, most=MAXIMUM_LISTED)) or []


def _block(fields: dict[str, object], calls: list[CallObject]) -> SimulatedBlock:
    own = parse.field(fields, "blockOverrides", parse.json_object) or {}
    return SimulatedBlock(
        block=parse.field(fields, "blockOverrides", block_overrides) or BlockOverride(),
        accounts=parse.field(fields, "stateOverrides", state_overrides) or {},
        calls=tuple(_call(call) for call in calls),
        beacon_root=parse.field(own, "beaconRoot", parse.hash32) or ZERO_HASH,
        withdrawals=tuple(parse.field(own, "withdrawals", parse.list_of(withdrawal)) or ()),
    )


def _call(call: CallObject) -> SimulatedCall:
    return SimulatedCall(
        sender=call.sender or ZERO_ADDRESS,
        to=call.to,
        nonce=call.nonce,
        gas=call.gas,
        value_wei=call.value_wei,
        data=call.data,
        gas_price_wei=call.gas_price_wei,
        max_fee_wei=call.max_fee_wei,
        max_priority_fee_wei=call.max_priority_fee_wei,
        max_blob_fee_wei=call.max_blob_fee_wei,
        access_list=call.access_list,
        blob_hashes=call.blob_hashes,
        authorizations=call.authorizations,
    )


def withdrawal(value: object) -> Withdrawal:
    """A withdrawal of a simulated block; missing numbers are 0."""
    fields = parse.json_object(value)
    address = parse.field(fields, "address", parse.address)
    if address is None:
        raise InvalidParamsError("withdrawal without address")
    return Withdrawal(
        index=parse.field(fields, "index", parse.uint64) or 0,
        validator_index=parse.field(fields, "validatorIndex", parse.uint64) or 0,
        address=address,
        amount_gwei=parse.field(fields, "amount", parse.uint64) or 0,
    )
