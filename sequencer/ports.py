"""What the sequencer needs from the house: an engine that builds, a clock, and who says what comes first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from genesis.types import Address, Hash32

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class PooledTransaction:
    """A decoded, signature-checked transaction on its way into a block. Fees are wei per gas."""

    hash: Hash32
    raw: bytes
    sender: Address
    nonce: int
    gas: int
    value_wei: int
    max_fee_wei: int
    max_priority_fee_wei: int
    size_bytes: int
    type: int
    intrinsic_gas: int = 21_000
    """Gas charged before the first instruction."""
    floor_gas: int = 21_000
    """Least gas the transaction can end up paying for its calldata. Source: EIP-7623."""
    may_be_contract: bool = False
    """Whether its sender may have code: a development chain may act as any account."""
    blob_cost_wei: int = 0
    """The most its blobs can cost; only on a chain that takes them."""
    authorities: tuple[Address, ...] = ()
    """Accounts that signed an authorization in it (EIP-7702)."""


@dataclass(frozen=True, slots=True)
class AccountState:
    """`has_code`: the account is a contract; a delegation (EIP-7702) does not count as code."""

    nonce: int
    balance_wei: int
    has_code: bool
    is_delegated: bool = False


class StateView(Protocol):
    """The head's state as admission rules see it."""

    def account(self, address: Address) -> AccountState: ...

    def next_base_fee_wei(self) -> int:
        """Base fee of the block after the head."""
        ...

    def block_gas_limit(self) -> int: ...

    def l1_data_fee_wei(self, raw: bytes) -> int:
        """L1 data fee of a raw transaction now; 0 on a chain that is no rollup."""
        ...


@dataclass(frozen=True, slots=True)
class Included:
    """The transaction is in the block; `gas_used` is what it took of the limit."""

    gas_used: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """`permanent`: it can never become valid (drop it); else it may fit a later block (keep it)."""

    reason: str
    permanent: bool


class OpenBlock(Protocol):
    """One block under construction on top of the head. A rejected transaction leaves no trace in it."""

    @property
    def gas_remaining(self) -> int: ...

    @property
    def base_fee_wei(self) -> int: ...

    def try_transaction(self, raw: bytes) -> Included | Rejected: ...

    def seal(self) -> Hash32:
        """Finish, re-execute from the parent, store and make it the head; returns its hash.

        Raises `errors.StaleParentError` if the parent is not the head any more.
        """
        ...

    def abandon(self) -> None: ...


class BlockMaker(Protocol):
    """Opens blocks on top of the head."""

    async def open_block(self) -> OpenBlock | None:
        """A block with its forced transactions already in (L1 attributes and deposits on a rollup), or None
        while none may be built: before its time, detached, or waiting for L1."""
        ...


class Clock(Protocol):
    def now_s(self) -> float:
        """Unix time in seconds."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SteerableClock(Clock, Protocol):
    """A clock that a dev chain may turn forward, so that mining now never breaks the block time."""

    def advance_s(self, seconds: float) -> None: ...


class Lane(Protocol):
    """The one lane on which blocks execute; off the event loop, one piece of work at a time."""

    async def run(self, work: Callable[[], Answer]) -> Answer: ...
