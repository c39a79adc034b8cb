"""Who leaves a full pool: the transaction that pays least, the latest of those that pay the same."""

import heapq

from genesis.types import Hash32
from sequencer.mempool.account_queue import Entry


class CheapestFirst:
    """A heap over pooled transactions by what they offer. Removed ones are skipped when they surface."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, Hash32]] = []

    def push(self, entry: Entry) -> None:
        transaction = entry.transaction
        key = (transaction.max_priority_fee_wei, transaction.max_fee_wei, -entry.arrival, transaction.hash)
        heapq.heappush(self._heap, key)

    def cheapest(self, live: dict[Hash32, Entry]) -> Entry | None:
        """The worst transaction still in `live`."""
        while self._heap and self._heap[0][3] not in live:
            heapq.heappop(self._heap)
        return live[self._heap[0][3]] if self._heap else None

    def compact(self, live: dict[Hash32, Entry]) -> None:
        """Forget removed transactions once they are most of the heap, so that its size stays bounded."""
        if len(self._heap) > 2 * len(live) + 64:
            self._heap = [key for key in self._heap if key[3] in live]
            heapq.heapify(self._heap)


def pays_more(new: Entry, old: Entry) -> bool:
    """Whether `new` may push `old` out of a full pool."""
    return (new.transaction.max_priority_fee_wei, new.transaction.max_fee_wei) > (
        old.transaction.max_priority_fee_wei,
        old.transaction.max_fee_wei,
    )
