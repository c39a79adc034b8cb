"""Who leaves a full pool: first whoever has more than a fair share, then whoever pays least.

Both are heaps that find out late: an entry that is no longer true is skipped when it surfaces.
"""

import heapq

from genesis.types import Address, Hash32
from sequencer.mempool.account_queue import AccountQueue, Entry
from sequencer.mempool.ordering import effective_tip_wei

_SLACK = 64


class CheapestFirst:
    """Pooled transactions by what they would pay the builder at one base fee.

    What is below the base fee pays less than nothing, however high its tip. Of those that pay the same the
    latest goes first.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Hash32]] = []
        self._base_fee_wei = 0

    def push(self, entry: Entry) -> None:
        heapq.heappush(self._heap, self._key(entry))

    def pop_cheapest(self, live: dict[Hash32, Entry], base_fee_wei: int) -> Entry | None:
        """Take out the worst transaction that is in `live`; `push` it again if it stays there.

        Takes the time of a rebuild once for each base fee.
        """
        if base_fee_wei != self._base_fee_wei:
            self._base_fee_wei = base_fee_wei
            self._rebuild(live)
        while self._heap:
            found = live.get(heapq.heappop(self._heap)[2])
            if found is not None:
                return found
        return None

    def compact(self, live: dict[Hash32, Entry]) -> None:
        """Forget removed transactions once they are most of the heap, so that its size stays bounded."""
        if len(self._heap) > 2 * len(live) + _SLACK:
            self._rebuild(live)

    def _key(self, entry: Entry) -> tuple[int, int, Hash32]:
        tip_wei = effective_tip_wei(entry.transaction, self._base_fee_wei)
        return tip_wei, -entry.arrival, entry.transaction.hash

    def _rebuild(self, live: dict[Hash32, Entry]) -> None:
        self._heap = [self._key(entry) for entry in live.values()]
        heapq.heapify(self._heap)


class LargestFirst:
    """Accounts by how many transactions they have in the pool."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, Address]] = []

    def grew(self, sender: Address, count: int) -> None:
        heapq.heappush(self._heap, (-count, sender))

    def largest(self, queues: dict[Address, AccountQueue]) -> AccountQueue | None:
        """The account with most transactions. One that shrank is put where it belongs when it surfaces."""
        while self._heap:
            count, sender = self._heap[0]
            queue = queues.get(sender)
            if queue is not None and len(queue) == -count:
                return queue
            heapq.heappop(self._heap)
            if queue is not None and len(queue) < -count:
                self.grew(sender, len(queue))
        return None

    def compact(self, queues: dict[Address, AccountQueue]) -> None:
        """One entry for each account once there are many more."""
        if len(self._heap) > 4 * len(queues) + _SLACK:
            self._heap = [(-len(queue), sender) for sender, queue in queues.items()]
            heapq.heapify(self._heap)


def pays_more(new: Entry, old: Entry, base_fee_wei: int) -> bool:
    """Whether `new` may push `old` out of a full pool."""
    return effective_tip_wei(new.transaction, base_fee_wei) > effective_tip_wei(old.transaction, base_fee_wei)
