"""What waits for a block: every pooled transaction, ready or behind a nonce gap, within fixed limits.

A plain data structure over `StateView`: no I/O, no clock (time is an argument), one thread.
Covered: admission, replacement, promotion, demotion, limits in number and bytes, eviction by fair share, by
price and by age, delegated accounts, new heads.
Not covered: order between accounts (`ordering`), durability (`journal`), who may connect (the RPC's limits),
transactions that were pooled before their account was delegated (the builder refuses what is not valid then).
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from genesis.types import Address, Hash32
from sequencer.errors import AdmissionError, AlreadyKnownError, UnderpricedError
from sequencer.mempool import admission
from sequencer.mempool.account_queue import AccountQueue, Entry, check_replacement
from sequencer.mempool.eviction import CheapestFirst, LargestFirst, pays_more
from sequencer.mempool.limits import PoolLimits, Room, charged_bytes
from sequencer.mempool.ordering import effective_tip_wei
from sequencer.ports import AccountState, PooledTransaction, StateView

ACCOUNTS_PER_WATCH = 256


@dataclass(frozen=True, slots=True)
class Added:
    """`ready`: it can run on the head state. `removed`: what it replaced or pushed out."""

    transaction: PooledTransaction
    ready: bool
    removed: tuple[PooledTransaction, ...]


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """Transactions that can run now, that wait for an earlier one, and memory charged for both."""

    ready: int
    gapped: int
    charged_bytes: int


class Pool:
    """Invariant: `_by_hash` holds exactly the queues' entries; `_ready`, `_bytes` and `_reserved` are sums
    over them: how many can run, memory charged, and how often each account has signed an authorization."""

    def __init__(self, view: StateView, limits: PoolLimits | None = None) -> None:
        self._view = view
        self._limits = limits or PoolLimits()
        self._queues: dict[Address, AccountQueue] = {}
        self._by_hash: dict[Hash32, Entry] = {}
        self._prices = CheapestFirst()
        self._sizes = LargestFirst()
        self._reserved: Counter[Address] = Counter()
        self._bytes = 0
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
        return PoolStatistics(self._ready, len(self._by_hash) - self._ready, self._bytes)

    # -- adding

    def add(self, transaction: PooledTransaction, now_s: float) -> Added:
        """Take a transaction in. Raises AdmissionError, and then nothing has changed."""
        if transaction.hash in self._by_hash:
            raise AlreadyKnownError
        admission.check_form(transaction, self._limits.admission, self._view.block_gas_limit())
        account = self._view.account(transaction.sender)
        admission.check_sender(transaction, account)
        queue = self._queue_at(transaction.sender, account.nonce)
        self._check_authorities(transaction, account, queue)
        cost_wei = admission.worst_cost_wei(transaction, self._view)
        replaced = queue.get(transaction.nonce)
        queued_wei = queue.cost_wei - (replaced.cost_wei if replaced else 0)
        admission.check_affordable(account.balance_wei, cost_wei, queued_wei)
        entry = Entry(transaction, self._arrivals, now_s, cost_wei)
        if replaced is None:
            self._check_limits(transaction.nonce, queue)
        else:
            check_replacement(transaction, replaced.transaction)
        return self._put(entry, queue, self._pushed_out_by(entry, queue, replaced))

    def _check_authorities(
        self, transaction: PooledTransaction, account: AccountState, queue: AccountQueue
    ) -> None:
        """Raise AdmissionError where one transaction could make many others of the pool invalid."""
        if account.is_delegated or self._reserved[transaction.sender]:
            admission.check_delegated(transaction, queue.next_nonce, queue.nonces)
        for authority in transaction.authorities:
            if len(self._queues.get(authority, ())) > 1:
                raise AdmissionError("authority already reserved")

    def _queue_at(self, sender: Address, nonce: int) -> AccountQueue:
        """The sender's queue, moved to the head's nonce if a head came without `on_new_head` yet."""
        queue = self._queues.get(sender)
        if queue is None:
            return AccountQueue(nonce)
        if queue.next_nonce != nonce:
            self._move(sender, queue, nonce)
        return queue

    def _check_limits(self, nonce: int, queue: AccountQueue) -> None:
        """Raise AdmissionError for what does not fit whatever it pays."""
        limits, gapped = self._limits, len(queue) - queue.ready_count
        if nonce == queue.ready_end:
            if queue.ready_count >= limits.ready_per_account:
                raise AdmissionError("account limit exceeded")
        elif gapped >= limits.gapped_per_account:
            raise AdmissionError("account limit exceeded")
        elif self.statistics().gapped >= limits.gapped_total:
            raise AdmissionError("txpool is full")

    def _pushed_out_by(self, entry: Entry, queue: AccountQueue, replaced: Entry | None) -> list[Entry]:
        """Who has to leave for `entry`. Raises AdmissionError if it may not push them out."""
        limits, transaction = self._limits, entry.transaction
        count = len(self._by_hash) + (0 if replaced else 1) - limits.total
        size = self._bytes + charged_bytes(transaction) - limits.total_bytes
        room = Room(count, size - (charged_bytes(replaced.transaction) if replaced else 0))
        if room.is_found:
            return []
        base_fee_wei = self._view.next_base_fee_wei()
        return self._beyond_share(entry, queue, room, base_fee_wei) or self._outbid(entry, room, base_fee_wei)

    def _beyond_share(self, entry: Entry, queue: AccountQueue, room: Room, base_fee_wei: int) -> list[Entry]:
        """The last transactions of the largest account, if `entry` has a right to their place."""
        share, transaction = self._limits.guaranteed_per_account, entry.transaction
        runs_next = transaction.nonce == queue.ready_end
        largest = self._sizes.largest(self._queues)
        if not runs_next or effective_tip_wei(transaction, base_fee_wei) < 0 or len(queue) >= share:
            return []
        victims: list[Entry] = []
        for victim in largest.last(max(0, len(largest) - share)) if largest is not None else ():
            victims.append(victim)
            room = room.without(victim)
            if room.is_found:
                return victims
        return []

    def _outbid(self, entry: Entry, room: Room, base_fee_wei: int) -> list[Entry]:
        """The cheapest transactions, all of which `entry` outbids. Raises AdmissionError."""
        victims: list[Entry] = []
        try:
            while not room.is_found:
                victim = self._prices.pop_cheapest(self._by_hash, base_fee_wei)
                if victim is None:
                    raise AdmissionError("txpool is full")
                victims.append(victim)
                room = room.without(victim)
                if not pays_more(entry, victim, base_fee_wei):
                    raise UnderpricedError("transaction underpriced: the pool is full of better offers")
                if victim.transaction.sender == entry.transaction.sender:
                    raise AdmissionError("txpool is full")
        except AdmissionError:
            for victim in victims:
                self._prices.push(victim)
            raise
        return victims

    def _put(self, entry: Entry, queue: AccountQueue, victims: list[Entry]) -> Added:
        ready_before = queue.ready_count
        replaced = queue.put(entry)
        sender = entry.transaction.sender
        self._queues[sender] = queue
        self._ready += queue.ready_count - ready_before
        self._arrivals += 1
        self._count(entry)
        if replaced:
            self._forget(replaced.transaction)
        for victim in victims:
            self.remove(victim.transaction.hash)
        self._sizes.grew(sender, len(queue))
        self._prices.compact(self._by_hash)
        self._sizes.compact(self._queues)
        gone = tuple(old.transaction for old in ([replaced] if replaced else []) + victims)
        return Added(entry.transaction, queue.is_ready(entry.transaction.nonce), gone)

    def _count(self, entry: Entry) -> None:
        self._by_hash[entry.transaction.hash] = entry
        self._prices.push(entry)
        self._bytes += charged_bytes(entry.transaction)
        self._reserved.update(entry.transaction.authorities)

    def _forget(self, transaction: PooledTransaction) -> None:
        """Undo `_count` for a transaction that has left its queue."""
        del self._by_hash[transaction.hash]
        self._bytes -= charged_bytes(transaction)
        for authority in transaction.authorities:
            self._reserved[authority] -= 1
            if not self._reserved[authority]:
                del self._reserved[authority]

    # -- removing

    def remove(self, transaction_hash: Hash32) -> PooledTransaction | None:
        """Drop one transaction; those after it wait for its nonce again."""
        entry = self._by_hash.get(transaction_hash)
        if entry is None:
            return None
        self._forget(entry.transaction)
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
            self._forget(entry.transaction)
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
