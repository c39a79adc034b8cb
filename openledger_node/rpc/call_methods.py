"""What would happen: `eth_call`, `eth_estimateGas`, `eth_createAccessList`, under a gas cap."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from genesis.types import Address, Hash32
from openledger_node.evm.records import (
    AccessListEntry,
    AccountOverride,
    BlockOverride,
    CallRequest,
    CallResult,
)
from openledger_node.evm.snapshot import Snapshot
from openledger_node.evm.transactions import contract_address
from openledger_node.rpc import encode
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.errors import ExecutionRevertedError, ServerError
from openledger_node.rpc.requests import (
    BlockReference,
    CallObject,
    Tag,
    block_reference,
    call_block_overrides,
    call_object,
    state_overrides,
)
from openledger_node.rpc.table import Table, executor, optional

Overrides = dict[Address, AccountOverride] | None

LEAST_GAS = 21_000
"""A limit below what any transaction needs does not bound an estimate. Source: geth."""
ACCESS_LIST_ROUNDS = 4
"""A list changes the gas and so, rarely, what is touched; it settles within a round or two."""


class CallMethods:
    def __init__(self, context: RpcContext) -> None:
        self._context = context
        self._heads = context.heads

    def table(self) -> Table:
        at = optional(block_reference, Tag.LATEST)
        state, block = optional(state_overrides), optional(call_block_overrides)
        return {
            "eth_call": executor(self.call, call_object, at, state, block),
            "eth_estimateGas": executor(self.estimate, call_object, at, state, block),
            "eth_createAccessList": executor(self.access_list, call_object, at, state),
        }

    def call(
        self, call: CallObject, at: BlockReference, overrides: Overrides, block: BlockOverride | None
    ) -> str:
        state = self._heads.state(at)
        request = self.request(call, state, block)
        result = state.call(request, overrides, block, time_limit_s=self._context.limits.call_time_s)
        return data(_output(result))

    def estimate(
        self, call: CallObject, at: BlockReference, overrides: Overrides, block: BlockOverride | None
    ) -> str:
        state = self._heads.state(at)
        if call.gas is not None and call.gas < LEAST_GAS:
            call = replace(call, gas=None)
        request = self.request(call, state, block, default_gas=state.header.gas_limit)
        time_limit_s = self._context.limits.call_time_s
        return quantity(state.estimate_gas(request, overrides, block, time_limit_s=time_limit_s))

    def access_list(self, call: CallObject, at: BlockReference, overrides: Overrides) -> Json:
        state = self._heads.state(at)
        request = self.request(call, state, None)
        time_limit_s = self._context.limits.call_time_s
        for _ in range(ACCESS_LIST_ROUNDS):
            touched = state.touched_by(request, overrides, time_limit_s=time_limit_s)
            entries = _entries(state, request, touched)
            if entries == request.access_list:
                break
            request = replace(request, access_list=entries)
        result = state.call(request, overrides, time_limit_s=time_limit_s)
        answer: Json = {
            "accessList": encode.access_list(request.access_list),
            "gasUsed": quantity(result.gas_used),
        }
        return answer if result.error is None else answer | {"error": result.error}

    def request(
        self,
        call: CallObject,
        state: Snapshot,
        block: BlockOverride | None,
        default_gas: int | None = None,
    ) -> CallRequest:
        """The message with its gas filled in and capped. Raises ServerError for a foreign chain id."""
        chain_id = self._context.chain.spec.chain_id
        if call.chain_id is not None and call.chain_id != chain_id:
            raise ServerError(f"chainId does not match node's (have={call.chain_id}, want={chain_id})")
        _check_lists(call)
        cap = self._context.limits.call_gas
        base_fee_wei = state.header.base_fee_wei
        if block is not None and block.base_fee_wei is not None:
            base_fee_wei = block.base_fee_wei
        return call.request(min(call.gas or default_gas or cap, cap), base_fee_wei)


def _check_lists(call: CallObject) -> None:
    """Raises ServerError for a blob or delegating transaction that cannot be. Source: geth."""
    if call.blob_hashes is not None and call.to is None:
        raise ServerError("blob transaction of type create")
    if call.blob_hashes is not None and not call.blob_hashes:
        raise ServerError("blob transaction missing blob hashes")
    if call.authorizations is not None and call.to is None:
        raise ServerError("EIP-7702 transaction cannot be used to create contract")
    if call.authorizations is not None and not call.authorizations:
        raise ServerError("EIP-7702 transaction with empty auth list")


def _output(result: CallResult) -> bytes:
    """What the call returned. Raises ExecutionRevertedError or ServerError when it failed."""
    if result.error is None:
        return result.output
    if result.error.startswith("execution reverted"):
        raise ExecutionRevertedError(result.output)
    raise ServerError(result.error)


def _entries(
    state: Snapshot, request: CallRequest, touched: Mapping[Address, Sequence[int]]
) -> tuple[AccessListEntry, ...]:
    """What was touched, less accounts that are warm anyway and had no slot touched."""
    created = contract_address(request.sender, state.account(request.sender).nonce)
    warm = {request.sender, request.to or created, state.header.coinbase, *state.precompiles}
    return tuple(
        AccessListEntry(address, tuple(Hash32(slot.to_bytes(32, "big")) for slot in sorted(touched[address])))
        for address in sorted(touched)
        if touched[address] or address not in warm
    )
