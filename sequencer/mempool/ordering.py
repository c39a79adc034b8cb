"""Which transaction comes next in a block: the best effective tip, then arrival, nonces in order."""

import heapq
from collections.abc import Iterable, Sequence

from genesis.types import Address
from sequencer.mempool.account_queue import Entry
from sequencer.ports import PooledTransaction


def effective_tip_wei(transaction: PooledTransaction, base_fee_wei: int) -> int:
    """What the block's builder gets per gas; negative when the fee cap is under the base fee."""
    return min(transaction.max_priority_fee_wei, transaction.max_fee_wei - base_fee_wei)


class Candidates:
    """Ready transactions best first. Only each account's lowest nonce competes.

    Take `next()`, then say what became of it: `advance` brings the account's following nonce into play,
    doing nothing leaves the account out for the rest of the block.
    """

    def __init__(self, accounts: Iterable[Sequence[Entry]], base_fee_wei: int) -> None:
        self._base_fee_wei = base_fee_wei
        self._rest = {
            entries[0].transaction.sender: list(reversed(entries)) for entries in accounts if entries
        }
        self._heap: list[tuple[int, int, Address]] = []
        for sender in list(self._rest):
            self.advance(sender)

    def next(self) -> PooledTransaction | None:
        if not self._heap:
            return None
        _, _, sender = heapq.heappop(self._heap)
        return self._rest[sender].pop().transaction

    def advance(self, sender: Address) -> None:
        """Let the sender's next transaction compete, if it pays the base fee."""
        rest = self._rest[sender]
        if not rest:
            return
        tip_wei = effective_tip_wei(rest[-1].transaction, self._base_fee_wei)
        if tip_wei >= 0:
            heapq.heappush(self._heap, (-tip_wei, rest[-1].arrival, sender))
