"""The ports of the sequencer held in the hand: a settable state, a counting block, a clock to turn."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from sequencer.ports import AccountState, Answer, Included, OpenBlock, PooledTransaction, Rejected

GWEI = 10**9


def address(number: int) -> Address:
    return Address(number.to_bytes(20, "big"))


ALICE, BOB, CAROL = address(1), address(2), address(3)


def transaction(  # noqa: PLR0917 - a test's shorthand
    sender: Address = ALICE,
    nonce: int = 0,
    tip: int = GWEI,
    cap: int = 10 * GWEI,
    gas: int = 21_000,
    value: int = 0,
    size: int = 110,
    type_: int = 2,
    salt: int = 0,
    authorities: tuple[Address, ...] = (),
) -> PooledTransaction:
    raw = repr((sender, nonce, tip, cap, gas, value, size, type_, salt, authorities)).encode()
    return PooledTransaction(
        hash=keccak256(raw),
        raw=raw,
        sender=sender,
        nonce=nonce,
        gas=gas,
        value_wei=value,
        max_fee_wei=cap,
        max_priority_fee_wei=tip,
        size_bytes=size,
        type=type_,
        authorities=authorities,
    )


@dataclass
class FakeState:
    accounts: dict[Address, AccountState] = field(default_factory=dict)
    base_fee_wei: int = GWEI
    gas_limit: int = 30_000_000
    l1_fee_wei: int = 0

    def account(self, address: Address) -> AccountState:
        return self.accounts.get(address, AccountState(0, 10**18, has_code=False))

    def next_base_fee_wei(self) -> int:
        return self.base_fee_wei

    def block_gas_limit(self) -> int:
        return self.gas_limit

    def l1_data_fee_wei(self, raw: bytes) -> int:
        return self.l1_fee_wei

    def set(
        self,
        address: Address,
        *,
        nonce: int = 0,
        balance: int = 10**18,
        code: bool = False,
        delegated: bool = False,
    ) -> None:
        self.accounts[address] = AccountState(nonce, balance, code, delegated)


@dataclass
class FakeBlock:
    """Includes everything except what `answers` says otherwise, by raw bytes."""

    gas_limit: int = 30_000_000
    base_fee_wei: int = GWEI
    gas_per_transaction: int = 21_000
    answers: dict[bytes, Rejected] = field(default_factory=dict)
    tried: list[bytes] = field(default_factory=list)
    sealed: bool = False
    abandoned: bool = False
    gas_used: int = 0

    @property
    def gas_remaining(self) -> int:
        return self.gas_limit - self.gas_used

    def try_transaction(self, raw: bytes) -> Included | Rejected:
        self.tried.append(raw)
        if raw in self.answers:
            return self.answers[raw]
        self.gas_used += self.gas_per_transaction
        return Included(self.gas_per_transaction)

    def seal(self) -> Hash32:
        self.sealed = True
        return keccak256(b"".join(self.tried))

    def abandon(self) -> None:
        self.abandoned = True


@dataclass
class FakeMaker:
    """Hands out the blocks given to it, then None."""

    blocks: list[OpenBlock]

    async def open_block(self) -> OpenBlock | None:
        return self.blocks.pop(0) if self.blocks else None


class InlineLane:
    async def run(self, work: Callable[[], Answer]) -> Answer:
        return work()


class ManualClock:
    """Stands still until turned; sleepers wake when their time has come."""

    def __init__(self, now_s: float = 1_000.0) -> None:
        self._now_s = now_s
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now_s(self) -> float:
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self._now_s + seconds, woken))
        await woken.wait()

    def advance_s(self, seconds: float) -> None:
        self._now_s += seconds
        for due_s, woken in self._sleepers:
            if due_s <= self._now_s:
                woken.set()
        self._sleepers = [(due_s, woken) for due_s, woken in self._sleepers if not woken.is_set()]


async def settle(rounds: int = 20) -> None:
    """Let every task that can run, run."""
    for _ in range(rounds):
        await asyncio.sleep(0)
