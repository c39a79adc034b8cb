"""What the chain is right now, what it was, and how it grows: the one facade over blocks and state.

One writer calls `open_block`, `import_block`, `rewind_to`, `set_safe`, `set_finalized`, `patch_state`;
any number of threads may read at the same time.
"""

from collections.abc import Callable, Iterator, Mapping

from genesis.spec import ChainSpec
from genesis.types import Address, Hash32
from openledger_node.chain.records import FoundLog, FoundTransaction, HeadChange, Heads, LogQuery, Supply
from openledger_node.evm.engine import Engine
from openledger_node.evm.records import AccountOverride, Block, BlockInputs, GenesisAccount, Header
from openledger_node.evm.snapshot import Snapshot
from openledger_node.storage.keyvalue import KeyValue
from sequencer.ports import OpenBlock


class Chain:
    """Open one with `Chain.open`: it creates the genesis block in an empty store."""

    spec: ChainSpec
    engine: Engine

    @classmethod
    def open(
        cls,
        spec: ChainSpec,
        store: KeyValue,
        alloc: Mapping[Address, GenesisAccount],
        genesis_timestamp_s: int,
    ) -> "Chain":
        """Raises `StartError` if the store belongs to another chain or a newer schema."""
        raise NotImplementedError

    @property
    def genesis(self) -> Block:
        raise NotImplementedError

    @property
    def heads(self) -> Heads:
        raise NotImplementedError

    @property
    def head(self) -> Block:
        """The unsafe head."""
        raise NotImplementedError

    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        """Any known block, canonical or not."""
        raise NotImplementedError

    def header_by_number(self, number: int) -> Header | None:
        raise NotImplementedError

    def block_by_hash(self, block_hash: Hash32) -> Block | None:
        raise NotImplementedError

    def block_by_number(self, number: int) -> Block | None:
        raise NotImplementedError

    def is_canonical(self, block_hash: Hash32) -> bool:
        raise NotImplementedError

    def find_transaction(self, transaction_hash: Hash32) -> FoundTransaction | None:
        raise NotImplementedError

    def find_logs(self, query: LogQuery) -> Iterator[FoundLog]:
        """Matching logs of canonical blocks in order; lazy, so that the caller can stop at its limit."""
        raise NotImplementedError

    def supply(self, number: int) -> Supply:
        raise NotImplementedError

    def snapshot(self, header: Header | None = None) -> Snapshot:
        """State after `header` (the head if None): accounts, storage, calls, estimates, proofs, traces."""
        raise NotImplementedError

    def open_block(self, inputs: BlockInputs) -> OpenBlock:
        """A block on the head; `inputs.transactions` are forced in (a bad one raises `InvalidBlockError`)."""
        raise NotImplementedError

    def import_block(self, inputs: BlockInputs, expected_hash: Hash32 | None = None) -> Block:
        """Execute on the head, store, make it the head. Raises `InvalidBlockError`, nothing changed."""
        raise NotImplementedError

    def rewind_to(self, block_hash: Hash32) -> None:
        """Make an ancestor of the head the head; never below the finalized block unless detached."""
        raise NotImplementedError

    def set_safe(self, block_hash: Hash32) -> None:
        raise NotImplementedError

    def set_finalized(self, block_hash: Hash32) -> None:
        raise NotImplementedError

    def subscribe(self, listener: Callable[[HeadChange], None]) -> Callable[[], None]:
        """Call `listener` in the writer's thread after each change; returns the function that ends it."""
        raise NotImplementedError

    @property
    def detached(self) -> bool:
        """True once a dev method changed state outside of blocks: batching and proposing must stop."""
        raise NotImplementedError

    def patch_state(self, changes: Mapping[Address, AccountOverride]) -> None:
        """Dev only: change accounts under the head (anvil_setBalance and the like) and become detached."""
        raise NotImplementedError
