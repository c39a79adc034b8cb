"""How the chain grows, goes back and moves its heads: with its reader, the one facade over blocks and state.

One writer calls `open_block`, `import_block`, `import_encoded`, `rewind_to`, `set_heads` and
`patch_state`; any number of threads may read at the same time.

Covered: one synced write batch per block (state, receipts, indexes, head), so that a crash leaves the block
before or the block after. Not covered: which blocks to build or to follow.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from genesis.spec import BlockId, ChainSpec
from genesis.types import Address, Hash32
from openledger_node.chain.block_store import BlockStore, Puts, canonical_entries, canonical_keys
from openledger_node.chain.ethereum_genesis import EthereumGenesis
from openledger_node.chain.fork_watch import assert_forks_known
from openledger_node.chain.genesis import genesis_block, genesis_entries, genesis_supply_wei
from openledger_node.chain.head_block import HeadBlock
from openledger_node.chain.heads import assert_linked, head_entries, id_of, lower, stored_heads
from openledger_node.chain.natives import native_precompiles
from openledger_node.chain.reader import ChainReader
from openledger_node.chain.records import HeadChange, Heads
from openledger_node.chain.state_history import (
    AllStates,
    StateHistory,
    must_start_pruning,
    state_history,
)
from openledger_node.chain.state_pruning import keep_recent_states
from openledger_node.errors import CriticalError, StartError
from openledger_node.evm.allocation import Allocation
from openledger_node.evm.blocks import decode_block
from openledger_node.evm.engine import Engine
from openledger_node.evm.errors import InvalidBlockError
from openledger_node.evm.records import AccountOverride, Block, BlockInputs, ExecutedBlock, Header
from openledger_node.evm.rlp_codec import RlpError
from openledger_node.storage import keys
from openledger_node.storage.identity import check_identity
from openledger_node.storage.keyvalue import KeyValue
from openledger_node.storage.migrations import migrate
from sequencer.errors import StaleParentError
from sequencer.ports import OpenBlock

log = structlog.get_logger(__name__)

Listener = Callable[[HeadChange], None]

BLOCKS_CHECKED_AT_START = 1_024


class Chain(ChainReader):
    """Open one with `Chain.open`."""

    def __init__(
        self, engine: Engine, store: KeyValue, blocks: BlockStore, genesis: Block, genesis_supply_wei: int
    ) -> None:
        super().__init__(engine, store, blocks, genesis, genesis_supply_wei)
        self._states: StateHistory = state_history(store)
        self._listeners: tuple[Listener, ...] = ()

    @classmethod
    def open(
        cls,
        spec: ChainSpec,
        store: KeyValue,
        alloc: Allocation,
        genesis_timestamp_s: int,
        *,
        state_history: int | None = None,
    ) -> "Chain":
        """Open the chain in `store`; an empty store gets the genesis block.

        `state_history` is how many states behind the head to keep, 0 for all, None for what the store does
        already. Raises `StartError` if the store belongs to another chain or a newer schema, or cannot keep
        so many states, or if the program lacks a fork or a native library.
        """
        natives = native_precompiles() if spec.is_rollup else {}
        engine = Engine(spec, store, BlockStore(store, spec.chain_id), natives)
        genesis = genesis_block(spec, alloc, genesis_timestamp_s)
        return cls._open(engine, store, genesis, genesis_supply_wei(alloc), state_history)

    @classmethod
    def open_ethereum(
        cls, genesis: EthereumGenesis, store: KeyValue, *, state_history: int | None = None
    ) -> "Chain":
        """Like `open`, for a plain Ethereum chain with forks of its own."""
        spec = genesis.spec
        engine = Engine(spec, store, BlockStore(store, spec.chain_id), {}, genesis.schedule)
        return cls._open(engine, store, genesis.block, genesis.supply_wei, state_history)

    @classmethod
    def _open(
        cls,
        engine: Engine,
        store: KeyValue,
        genesis: ExecutedBlock,
        genesis_supply_wei: int,
        state_history: int | None,
    ) -> "Chain":
        spec = engine.spec
        blocks = BlockStore(store, spec.chain_id)
        genesis_hash = genesis.block.header.hash
        known = check_identity(store, genesis_hash, spec.chain_id)
        migrate(store)
        if not known:
            store.write(genesis_entries(blocks, genesis, spec.chain_id))
        head = stored_heads(store, blocks).unsafe
        assert_linked(blocks, head, BLOCKS_CHECKED_AT_START)
        if must_start_pruning(store, state_history, head.number):
            keep_recent_states(store, [(0, genesis.block.header.state_root)], state_history or 0)
        chain = cls(engine, store, blocks, genesis.block, genesis_supply_wei)
        chain._step_back_to_readable_state()
        return chain

    # -- heads -------------------------------------------------------------------------------------------

    def set_heads(self, *, safe: Hash32 | None = None, finalized: Hash32 | None = None) -> None:
        """Move one or both, in one write. Raises `ValueError` for a block that is not canonical.

        Not synced by itself: it is on disk with the next block, and what a power failure takes back until
        then is derived again.
        """
        heads = replace(
            self._heads,
            safe=self._heads.safe if safe is None else self._canonical_id(safe),
            finalized=self._heads.finalized if finalized is None else self._canonical_id(finalized),
        )
        if heads != self._heads:
            self._store.write(head_entries(heads), sync=False)
            self._heads = heads

    # -- growing -----------------------------------------------------------------------------------------

    def open_block(self, inputs: BlockInputs) -> OpenBlock:
        """A block on the head; `inputs.transactions` are forced in (a bad one raises `InvalidBlockError`)."""
        parent = self._parent_of(inputs.timestamp_s)
        steered = self.steering.applied(parent, inputs)
        return HeadBlock(self.engine, parent, self._state_root(parent), steered, self._accept)

    def import_block(self, inputs: BlockInputs, expected_hash: Hash32 | None = None) -> Block:
        """Execute on the head, store, make it the head. Raises `InvalidBlockError`, nothing changed."""
        parent = self._parent_of(inputs.timestamp_s)
        executed = self.engine.execute_block(parent, inputs, self._state_root(parent))
        found = executed.block.header.hash
        if expected_hash is not None and found != expected_hash:
            raise InvalidBlockError(f"the block executes to 0x{found.hex()}, not 0x{expected_hash.hex()}")
        self._accept(executed)
        return executed.block

    def import_encoded(self, encoded: bytes) -> Block:
        """Verify, on the head, a block that came as RLP, and make it the head. Raises `InvalidBlockError`."""
        try:
            raw = decode_block(encoded)
        except RlpError as error:
            raise InvalidBlockError(str(error)) from error
        parent = self._parent_of(raw.header.timestamp_s)
        executed = self.engine.verify_block(parent, raw)
        self._accept(executed)
        return executed.block

    def rewind_to(self, block_hash: Hash32) -> None:
        """Make an ancestor of the head the head. Raises `ValueError` for any other block, for one whose
        state is not kept, and for one below the finalized block unless the chain is detached."""
        target = self._canonical_id(block_hash)
        if target.number < self._heads.finalized.number and not self._detached:
            raise ValueError(f"block {target.number} is below the finalized {self._heads.finalized.number}")
        if target.number < self.oldest_state:
            raise ValueError(f"the state of block {target.number} is not kept any more")
        removed = self._removed_above(target.number)
        heads = Heads(target, lower(self._heads.safe, target), lower(self._heads.finalized, target))
        gone = [key for block in removed for key in canonical_keys(block)]
        state = self._states.take_back(block.header.number for block in removed)
        self._store.write([*state.puts, *head_entries(heads)], [*state.deletes, *gone])
        self._heads = heads
        self._announce(HeadChange(removed, ()))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` in the writer's thread after each change; returns the function that ends it."""
        self._listeners = (*self._listeners, listener)

        def end() -> None:
            self._listeners = tuple(other for other in self._listeners if other is not listener)

        return end

    def patch_state(self, changes: Mapping[Address, AccountOverride]) -> None:
        """Dev only: change accounts under the head (anvil_setBalance and the like) and become detached."""
        header = self._known_header(self._heads.unsafe.hash)
        root, writes = self.engine.patched_state(self._state_root(header), changes)
        patch = (keys.by_hash(keys.PATCHED_ROOT, header.hash), bytes(root))
        self._detach([*writes, patch])

    def restore_state(self, state_root: Hash32) -> None:
        """Dev only: put a state that is in the store on the head, in place of whatever is there."""
        head_hash = self._heads.unsafe.hash
        self._detach([(keys.by_hash(keys.PATCHED_ROOT, head_hash), bytes(state_root))])

    def _detach(self, puts: Puts) -> None:
        self._store.write([*puts, (keys.DETACHED, b"")])
        self._detached = True
        self._states = AllStates()
        self._announce(HeadChange((), ()))

    # -- internal ----------------------------------------------------------------------------------------

    def _accept(self, executed: ExecutedBlock) -> None:
        """Store a block and make it the head, all in one write."""
        block = executed.block
        if block.header.parent_hash != self._heads.unsafe.hash:
            raise StaleParentError(f"the head moved while block {block.header.number} was built")
        heads = replace(self._heads, unsafe=id_of(block.header))
        state = self._states.accept(executed, self._heads.finalized.number)
        puts = [*state.puts, *self._blocks.block_entries(block), *canonical_entries(block)]
        self._store.write([*puts, *head_entries(heads)], state.deletes)
        self._blocks.remember(block)
        self._heads = heads
        self._announce(HeadChange((), (block,)))

    def _announce(self, change: HeadChange) -> None:
        for listener in self._listeners:
            listener(change)

    def _parent_of(self, timestamp_s: int) -> Header:
        """The head, if this build knows the rules of a block at that time. Raises `UnknownForkError`."""
        parent = self._known_header(self._heads.unsafe.hash)
        if self.spec.is_rollup:
            assert_forks_known(self.engine.snapshot(parent, self._state_root(parent)), timestamp_s)
        return parent

    def _removed_above(self, number: int) -> tuple[Block, ...]:
        """Canonical blocks above `number`, newest first."""
        top = self._heads.unsafe.number
        hashes = (self._blocks.canonical_hash(height) for height in range(top, number, -1))
        return tuple(self._known_block(block_hash) for block_hash in hashes if block_hash is not None)

    def _canonical_id(self, block_hash: Hash32) -> BlockId:
        if not self.is_canonical(block_hash):
            raise ValueError(f"block 0x{block_hash.hex()} is not on the canonical chain")
        return id_of(self._known_header(block_hash))

    def _step_back_to_readable_state(self) -> None:
        """A damaged store may lack the head's state: fall back to the newest block that has it."""
        header = self._known_header(self._heads.unsafe.hash)
        while not self._is_readable(self._state_root(header)):
            parent = self._blocks.header_by_hash(header.parent_hash)
            if parent is None:
                raise StartError("the database holds no readable state", "restore a backup")
            header = parent
        if header.hash == self._heads.unsafe.hash:
            return
        log.warning("head without its state", head=self._heads.unsafe.number, stepping_back_to=header.number)
        try:
            self.rewind_to(header.hash)
        except (ValueError, CriticalError) as error:
            raise StartError(
                f"the database is damaged: it lacks the state of its head ({error})",
                "restore a backup, or remove it to derive the chain again from the L1",
            ) from None
