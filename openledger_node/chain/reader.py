"""What the chain is right now and what it was: heads, blocks, transactions, logs, supply and states.

Any number of threads may read while one writes (`chain.chain`). Not covered: how it grows.
"""

from collections.abc import Iterator

from genesis.spec import ChainSpec
from genesis.types import Hash32
from openledger_node.chain.block_store import BlockStore
from openledger_node.chain.heads import stored_heads
from openledger_node.chain.log_search import find_logs
from openledger_node.chain.records import FoundLog, FoundTransaction, Heads, LogQuery, Supply
from openledger_node.chain.state_history import kept_states, oldest_state
from openledger_node.chain.steering import Steering
from openledger_node.evm.engine import Engine
from openledger_node.evm.records import Block, Header
from openledger_node.evm.snapshot import Snapshot
from openledger_node.evm.trie import EMPTY_ROOT
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue


class ChainReader:
    """What everyone but the writer needs of a chain."""

    def __init__(
        self, engine: Engine, store: KeyValue, blocks: BlockStore, genesis: Block, genesis_supply_wei: int
    ) -> None:
        self.engine = engine
        self.spec: ChainSpec = engine.spec
        self.genesis = genesis
        self._store = store
        self._blocks = blocks
        self._genesis_supply_wei = genesis_supply_wei
        self._detached = store.get(keys.DETACHED) is not None
        self._heads = stored_heads(store, blocks)
        self.steering = Steering()

    @property
    def heads(self) -> Heads:
        return self._heads

    @property
    def head(self) -> Block:
        """The unsafe head."""
        return self._known_block(self._heads.unsafe.hash)

    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        """Any known block, canonical or not."""
        return self._blocks.header_by_hash(block_hash)

    def header_by_number(self, number: int) -> Header | None:
        block_hash = self._blocks.canonical_hash(number)
        return None if block_hash is None else self._blocks.header_by_hash(block_hash)

    def block_by_hash(self, block_hash: Hash32) -> Block | None:
        return self._blocks.block_by_hash(block_hash)

    def block_by_number(self, number: int) -> Block | None:
        block_hash = self._blocks.canonical_hash(number)
        return None if block_hash is None else self._blocks.block_by_hash(block_hash)

    def is_canonical(self, block_hash: Hash32) -> bool:
        header = self._blocks.header_by_hash(block_hash)
        return header is not None and self._blocks.canonical_hash(header.number) == block_hash

    def find_transaction(self, transaction_hash: Hash32) -> FoundTransaction | None:
        """A transaction of the canonical chain."""
        place = self._blocks.transaction_place(transaction_hash)
        block = None if place is None else self._blocks.block_by_hash(place[0])
        if place is None or block is None:
            return None
        return FoundTransaction(block, place[1], block.transactions[place[1]])

    def find_logs(self, query: LogQuery) -> Iterator[FoundLog]:
        """Matching logs of canonical blocks in order; lazy, so that the caller can stop at its limit."""
        return find_logs(self._blocks, query)

    def supply(self, number: int) -> Supply:
        """Sum of all balances after a canonical block. Raises `ValueError` for a number beyond the head."""
        block_hash = self._blocks.canonical_hash(number)
        if block_hash is None:
            raise ValueError(f"there is no block {number}")
        minted_wei, burned_wei = self._blocks.minted_and_burned(block_hash)
        return Supply(self._genesis_supply_wei, minted_wei, burned_wei)

    @property
    def kept_states(self) -> int | None:
        """How many states behind the head are kept, None if all of them."""
        return None if self._detached else kept_states(self._store)

    @property
    def oldest_state(self) -> int:
        """Number of the first block whose state can be read; 0 unless the store is pruned."""
        return oldest_state(self._store)

    def snapshot(self, header: Header | None = None) -> Snapshot:
        """State after `header` (the head if None): accounts, storage, calls, estimates, proofs, traces.

        Reading one that is not kept raises `MissingStateError`.
        """
        header = header or self._known_header(self._heads.unsafe.hash)
        return self.engine.snapshot(header, self._state_root(header))

    def base_fee_after(self, header: Header) -> int:
        """Base fee in wei per gas of a block on `header`, which a development chain may have been given."""
        steered = self.steering.base_fee_after(header.hash)
        return self.snapshot(header).next_base_fee_wei() if steered is None else steered

    @property
    def detached(self) -> bool:
        """True once a dev method changed state outside of blocks: batching and proposing must stop."""
        return self._detached

    def has_state(self, block_hash: Hash32, state_root: Hash32) -> bool:
        """Whether the block is canonical and the state is in the store."""
        return self.is_canonical(block_hash) and self._is_readable(state_root)

    # -- internal ----------------------------------------------------------------------------------------

    def _state_root(self, header: Header) -> Hash32:
        """The header's, or the one a dev method put in its place."""
        if not self._detached:
            return header.state_root
        patched = self._store.get(keys.by_hash(keys.PATCHED_ROOT, header.hash))
        return header.state_root if patched is None else Hash32(patched)

    def _known_header(self, block_hash: Hash32) -> Header:
        header = self._blocks.header_by_hash(block_hash)
        assert header is not None, "a head is always stored"
        return header

    def _known_block(self, block_hash: Hash32) -> Block:
        block = self._blocks.block_by_hash(block_hash)
        assert block is not None, "a canonical block is always stored"
        return block

    def _is_readable(self, state_root: Hash32) -> bool:
        return state_root == EMPTY_ROOT or self._store.get(keys.node(state_root)) is not None
