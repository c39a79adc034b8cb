"""What waits for a block: every pooled transaction, ready or behind a nonce gap, within fixed limits.

A plain data structure over `StateView`: no I/O, no clock (time is an argument), one thread.
Covered: admission, replacement, promotion, demotion, limits, eviction by price and by age, new heads.
Not covered: order between accounts (`ordering`), durability (`journal`), who may connect (the RPC's limits),
the stricter limit other clients put on delegated accounts (their transactions are re-checked at every head).
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from genesis.types import Address, Hash32
from sequencer.errors import AdmissionError, AlreadyKnownError, UnderpricedError
from sequencer.mempool import admission
from sequencer.mempool.account_queue import AccountQueue, Entry
from sequencer.mempool.admission import AdmissionLimits
from sequencer.mempool.eviction import CheapestFirst, pays_more
from sequencer.ports import PooledTransaction, StateView

ACCOUNTS_PER_WATCH = 256


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How much may wait. `lifetime_s` is how long a transaction behind a gap is kept."""

    admission: AdmissionLimits = field(default_factory=AdmissionLimits)
    ready_per_account: int = 1_024
    gapped_per_account: int = 64
    total: int = 16_384
    gapped_total: int = 4_096
    lifetime_s: float = 3 * 3600


@dataclass(frozen=True, slots=True)
class Added:
    """`ready`: it can run on the head state. `removed`: what it replaced or pushed out."""

    transaction: PooledTransaction
    ready: bool
    removed: tuple[PooledTransaction, ...]


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    ready: int
    gapped: int


class Pool:
    """Invariant: `_by_hash` holds exactly the queues' entries, `_ready` is the sum of ready counts."""

    def __init__(self, view: StateView, limits: PoolLimits | None = None) -> None:
        self._view = view
        self._limits = limits or PoolLimits()
        self._queues: dict[Address, AccountQueue] = {}
        self._by_hash: dict[Hash32, Entry] = {}
        self._prices = CheapestFirst()
        self._arrivals = 0
        self._ready = 0
        self._watch_from = 0

    # -- reading

    def __len__(self) -> int:
        return len(self._by_hash)

    def __contains__(self, transaction_hash: Hash32) -> bool:
        return transaction_hash in self._by_hash

    def get(self, transaction_hash: Hash32) -> PooledTransaction | None:
        entry = self._by_hash.get(transaction_hash)
        return entry.transaction if entry else None

    def next_nonce(self, sender: Address) -> int:
        """The nonce after the sender's last ready transaction: what `pending` means for a nonce."""
        queue = self._queues.get(sender)
        return queue.ready_end if queue else self._view.account(sender).nonce

    def ready(self) -> list[tuple[Entry, ...]]:
        """Each account's ready transactions in nonce order; the input of `ordering.Candidates`."""
        return [queue.ready() for queue in self._queues.values() if queue.ready_count]

    def ready_by_sender(self) -> dict[Address, tuple[PooledTransaction, ...]]:
        return {s: tuple(e.transaction for e in q.ready()) for s, q in self._queues.items() if q.ready_count}

    def gapped_by_sender(self) -> dict[Address, tuple[PooledTransaction, ...]]:
        waiting = {s: q.gapped() for s, q in self._queues.items() if len(q) > q.ready_count}
        return {s: tuple(e.transaction for e in entries) for s, entries in waiting.items()}

    def transactions(self) -> list[PooledTransaction]:
        """Everything, in arrival order."""
        return [
            entry.transaction for entry in sorted(self._by_hash.values(), key=lambda entry: entry.arrival)
        ]

    def statistics(self) -> PoolStatistics:
        return PoolStatistics(ready=self._ready, gapped=len(self._by_hash) - self._ready)

    # -- adding

    def add(self, transaction: PooledTransaction, now_s: float) -> Added:
        """Take a transaction in. Raises AdmissionError, and then nothing has changed."""
        if transaction.hash in self._by_hash:
            raise AlreadyKnownError
        admission.check_form(transaction, self._limits.admission, self._view.block_gas_limit())
        account = self._view.account(transaction.sender)
        admission.check_sender(transaction, account)
        queue = self._queue_at(transaction.sender, account.nonce)
        cost_wei = admission.worst_cost_wei(transaction, self._view)
        replaced = queue.get(transaction.nonce)
        queued_wei = queue.cost_wei - (replaced.cost_wei if replaced else 0)
        admission.check_affordable(account.balance_wei, cost_wei, queued_wei)
        entry = Entry(transaction, self._arrivals, now_s, cost_wei)
        victim = None if replaced else self._make_room_for(entry, queue)
        return self._put(entry, queue, victim)

    def _queue_at(self, sender: Address, nonce: int) -> AccountQueue:
        """The sender's queue, moved to the head's nonce if a head came without `on_new_head` yet."""
        queue = self._queues.get(sender)
        if queue is None:
            return AccountQueue(nonce)
        if queue.next_nonce != nonce:
            self._move(sender, queue, nonce)
        return queue

    def _make_room_for(self, entry: Entry, queue: AccountQueue) -> Entry | None:
        """Check every limit; returns whom `entry` pushes out of a full pool. Raises AdmissionError."""
        limits = self._limits
        nonce = entry.transaction.nonce
        fills_up = nonce == queue.ready_end
        if fills_up and queue.ready_count >= limits.ready_per_account:
            raise AdmissionError("account limit exceeded")
        if not fills_up and len(queue) - queue.ready_count >= limits.gapped_per_account:
            raise AdmissionError("account limit exceeded")
        if not fills_up and self.statistics().gapped >= limits.gapped_total:
            raise AdmissionError("txpool is full")
        if len(self._by_hash) < limits.total:
            return None
        victim = self._prices.cheapest(self._by_hash)
        if victim is None or victim.transaction.sender == entry.transaction.sender:
            raise AdmissionError("txpool is full")
        if not pays_more(entry, victim):
            raise UnderpricedError("transaction underpriced: the pool is full of better offers")
        return victim

    def _put(self, entry: Entry, queue: AccountQueue, victim: Entry | None) -> Added:
        ready_before = queue.ready_count
        replaced = queue.put(entry)
        sender = entry.transaction.sender
        self._queues[sender] = queue
        self._ready += queue.ready_count - ready_before
        self._arrivals += 1
        self._by_hash[entry.transaction.hash] = entry
        self._prices.push(entry)
        if replaced:
            del self._by_hash[replaced.transaction.hash]
        if victim:
            self.remove(victim.transaction.hash)
        self._prices.compact(self._by_hash)
        gone = tuple(old.transaction for old in (replaced, victim) if old)
        return Added(entry.transaction, queue.is_ready(entry.transaction.nonce), gone)

    # -- removing

    def remove(self, transaction_hash: Hash32) -> PooledTransaction | None:
        """Drop one transaction; those after it wait for its nonce again."""
        entry = self._by_hash.pop(transaction_hash, None)
        if entry is None:
            return None
        sender = entry.transaction.sender
        queue = self._queues[sender]
        ready_before = queue.ready_count
        queue.remove(entry.transaction.nonce)
        self._ready += queue.ready_count - ready_before
        if not len(queue):
            del self._queues[sender]
        return entry.transaction

    def on_new_head(
        self, now_s: float, changed: Collection[Address] | None = None
    ) -> list[PooledTransaction]:
        """Fit the pool to the view's new state; returns what was dropped, included ones among them.

        With `changed`, the senders in the new blocks, only those accounts are looked at, and some others in
        turn: reading every account's state at every block would take longer than the block. Whatever is seen
        late is refused by the builder meanwhile.
        """
        dropped: list[PooledTransaction] = []
        for sender in self._on_watch() | set(changed) if changed is not None else list(self._queues):
            queue = self._queues.get(sender)
            if queue is None:
                continue
            account = self._view.account(sender)
            dropped += self._move(sender, queue, account.nonce)
            dropped += self._drop_unpayable(queue, account.balance_wei)
            dropped += self._drop_expired(queue, now_s)
        return dropped

    def _on_watch(self) -> set[Address]:
        """The next few accounts in turn."""
        everyone = list(self._queues)
        start = self._watch_from if self._watch_from < len(everyone) else 0
        self._watch_from = start + ACCOUNTS_PER_WATCH
        return set(everyone[start : self._watch_from])

    def _move(self, sender: Address, queue: AccountQueue, nonce: int) -> list[PooledTransaction]:
        ready_before = queue.ready_count
        stale = queue.move_to(nonce)
        self._ready += queue.ready_count - ready_before
        for entry in stale:
            del self._by_hash[entry.transaction.hash]
        if not len(queue):
            self._queues.pop(sender, None)
        return [entry.transaction for entry in stale]

    def _drop_unpayable(self, queue: AccountQueue, balance_wei: int) -> list[PooledTransaction]:
        if queue.cost_wei <= balance_wei:
            return []
        return self._drop([e for e in queue if e.cost_wei > balance_wei])

    def _drop_expired(self, queue: AccountQueue, now_s: float) -> list[PooledTransaction]:
        oldest_s = now_s - self._limits.lifetime_s
        return self._drop([e for e in queue.gapped() if e.added_s < oldest_s])

    def _drop(self, entries: list[Entry]) -> list[PooledTransaction]:
        for entry in entries:
            self.remove(entry.transaction.hash)
        return [entry.transaction for entry in entries]
