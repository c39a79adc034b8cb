"""Which blocks were read last: kept decoded, as long as they hold no more than so many transactions."""

from collections import OrderedDict
from threading import Lock

from genesis.types import Hash32
from openledger_node.evm.records import Block

MOST_TRANSACTIONS = 20_000
"""Of all blocks together, about 4 KB each with its receipt: full blocks take memory, empty ones do not."""
COST_OF_A_BLOCK = 8
"""What a block without transactions counts for."""


class BlockCache:
    """Any thread may use it."""

    def __init__(self, most_transactions: int = MOST_TRANSACTIONS) -> None:
        self._most = most_transactions
        self._held = 0
        self._blocks: OrderedDict[Hash32, Block] = OrderedDict()
        self._lock = Lock()

    def get(self, block_hash: Hash32) -> Block | None:
        with self._lock:
            found = self._blocks.get(block_hash)
            if found is not None:
                self._blocks.move_to_end(block_hash)
            return found

    def put(self, block: Block) -> None:
        """Keep the block, and forget those unused for longest; one that is too large alone is not kept."""
        with self._lock:
            if block.header.hash not in self._blocks:
                self._blocks[block.header.hash] = block
                self._held += _cost(block)
            while self._held > self._most:
                _, oldest = self._blocks.popitem(last=False)
                self._held -= _cost(oldest)


def _cost(block: Block) -> int:
    return COST_OF_A_BLOCK + len(block.transactions)
