"""What a client wants simulated, and which blocks that makes: numbers and times in order, gaps filled.

Source: execution-apis, eth_simulateV1 and the notes on it; geth for what those leave open.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from genesis.types import ZERO_HASH, Address, Hash32
from openledger_node.evm.errors import Refusal, SimulationError
from openledger_node.evm.overrides import Overrides
from openledger_node.evm.records import AccessListEntry, Authorization, BlockOverride, Header, Withdrawal

MAXIMUM_BLOCKS = 256
MAXIMUM_CALLS_PER_BLOCK = 5_000
MAXIMUM_CALLS = 10_000
DEFAULT_INTERVAL_S = 12


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """A transaction that nobody signed; None for what the simulation fills in."""

    sender: Address
    to: Address | None = None
    nonce: int | None = None
    gas: int | None = None
    value_wei: int = 0
    data: bytes = b""
    gas_price_wei: int | None = None
    max_fee_wei: int | None = None
    max_priority_fee_wei: int | None = None
    max_blob_fee_wei: int | None = None
    access_list: tuple[AccessListEntry, ...] | None = None
    blob_hashes: tuple[Hash32, ...] | None = None
    authorizations: tuple[Authorization, ...] | None = None


@dataclass(frozen=True, slots=True)
class SimulatedBlock:
    """One block to simulate. `accounts` are changed before its first call."""

    block: BlockOverride = field(default_factory=BlockOverride)
    accounts: Overrides = field(default_factory=dict)
    calls: tuple[SimulatedCall, ...] = ()
    beacon_root: Hash32 = ZERO_HASH
    withdrawals: tuple[Withdrawal, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """`validate`: refuse what a real block would refuse, but for signatures and senders with code."""

    blocks: tuple[SimulatedBlock, ...]
    trace_transfers: bool = False
    validate: bool = False
    gas_cap: int = 50_000_000
    """For all calls together."""
    interval_s: int = DEFAULT_INTERVAL_S
    """Between blocks whose time is left open."""


def check_size(plan: Plan) -> None:
    """Raises `SimulationError` for more than one request may ask."""
    if len(plan.blocks) > MAXIMUM_BLOCKS:
        raise SimulationError(Refusal.LIMIT, "too many blocks")
    if any(len(block.calls) > MAXIMUM_CALLS_PER_BLOCK for block in plan.blocks):
        raise SimulationError(Refusal.LIMIT, "too many calls in block")
    if sum(len(block.calls) for block in plan.blocks) > MAXIMUM_CALLS:
        raise SimulationError(Refusal.LIMIT, "too many calls")


def blocks_in_order(base: Header, blocks: Sequence[SimulatedBlock], interval_s: int) -> list[SimulatedBlock]:
    """Every block of the simulation with its number and time. Raises `SimulationError`."""
    ordered: list[SimulatedBlock] = []
    number, time_s = base.number, base.timestamp_s
    for wanted in blocks:
        own = number + 1 if wanted.block.number is None else wanted.block.number
        if own <= number:
            raise SimulationError(Refusal.BLOCK_NUMBER, f"block numbers must be in order: {own} <= {number}")
        if own - base.number > MAXIMUM_BLOCKS:
            raise SimulationError(Refusal.LIMIT, "too many blocks")
        for missing in range(number + 1, own):
            time_s += interval_s
            ordered.append(SimulatedBlock(BlockOverride(number=missing, timestamp_s=time_s)))
        given_s = wanted.block.timestamp_s
        if given_s is not None and given_s <= time_s:
            raise SimulationError(
                Refusal.BLOCK_TIME, f"block timestamps must be in order: {given_s} <= {time_s}"
            )
        time_s = time_s + interval_s if given_s is None else given_s
        number = own
        ordered.append(replace(wanted, block=replace(wanted.block, number=own, timestamp_s=time_s)))
    return ordered
