"""Which of one account's transactions can run now, and which wait for a missing nonce?"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sequencer.errors import UnderpricedError
from sequencer.ports import PooledTransaction

REPLACEMENT_BUMP_PERCENT = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """A pooled transaction with its place in arrival order and its worst cost when it came."""

    transaction: PooledTransaction
    arrival: int
    added_s: float
    cost_wei: int


def outbids(new: PooledTransaction, old: PooledTransaction) -> bool:
    """Whether `new` may replace `old`: both fees at least ten per cent higher, and higher."""
    return _bumped(new.max_fee_wei, old.max_fee_wei) and _bumped(
        new.max_priority_fee_wei, old.max_priority_fee_wei
    )


def _bumped(new_wei: int, old_wei: int) -> bool:
    return new_wei > old_wei and new_wei * 100 >= old_wei * (100 + REPLACEMENT_BUMP_PERCENT)


def check_replacement(new: PooledTransaction, old: PooledTransaction) -> None:
    """Raises UnderpricedError when the bid is too low."""
    if not outbids(new, old):
        raise UnderpricedError("replacement transaction underpriced")


class AccountQueue:
    """One sender's transactions by nonce.

    Invariant: nonces in [next_nonce, ready_end) are all present, ready_end is not, none is below next_nonce.
    """

    def __init__(self, next_nonce: int) -> None:
        self.next_nonce = next_nonce
        self.ready_end = next_nonce
        self.cost_wei = 0
        self._by_nonce: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self._by_nonce)

    def __iter__(self) -> Iterator[Entry]:
        return iter([self._by_nonce[nonce] for nonce in sorted(self._by_nonce)])

    @property
    def ready_count(self) -> int:
        return self.ready_end - self.next_nonce

    @property
    def nonces(self) -> Collection[int]:
        return self._by_nonce.keys()

    def last(self, count: int) -> list[Entry]:
        """The entries of the highest nonces, highest first."""
        return [self._by_nonce[nonce] for nonce in sorted(self._by_nonce, reverse=True)[:count]]

    def get(self, nonce: int) -> Entry | None:
        return self._by_nonce.get(nonce)

    def is_ready(self, nonce: int) -> bool:
        return self.next_nonce <= nonce < self.ready_end

    def ready(self) -> tuple[Entry, ...]:
        return tuple(self._by_nonce[nonce] for nonce in range(self.next_nonce, self.ready_end))

    def gapped(self) -> tuple[Entry, ...]:
        return tuple(self._by_nonce[nonce] for nonce in sorted(self._by_nonce) if nonce >= self.ready_end)

    def put(self, entry: Entry) -> Entry | None:
        """Add or replace; returns what was replaced. Raises UnderpricedError when the bid is too low."""
        nonce = entry.transaction.nonce
        old = self._by_nonce.get(nonce)
        if old is not None:
            check_replacement(entry.transaction, old.transaction)
        self._by_nonce[nonce] = entry
        self.cost_wei += entry.cost_wei - (old.cost_wei if old else 0)
        self._extend()
        return old

    def remove(self, nonce: int) -> Entry | None:
        entry = self._by_nonce.pop(nonce, None)
        if entry is None:
            return None
        self.cost_wei -= entry.cost_wei
        if self.is_ready(nonce):
            self.ready_end = nonce
        return entry

    def move_to(self, next_nonce: int) -> list[Entry]:
        """The account's nonce in the head state is now `next_nonce`; returns what fell below it."""
        stale = [self._by_nonce[nonce] for nonce in sorted(self._by_nonce) if nonce < next_nonce]
        for entry in stale:
            del self._by_nonce[entry.transaction.nonce]
            self.cost_wei -= entry.cost_wei
        self.ready_end = self.next_nonce = next_nonce
        self._extend()
        return stale

    def _extend(self) -> None:
        while self.ready_end in self._by_nonce:
            self.ready_end += 1
