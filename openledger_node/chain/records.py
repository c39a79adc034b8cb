"""What the chain tells its readers: heads, changes of the head, log queries and the supply."""

from dataclasses import dataclass
from typing import Self

from genesis.spec import BlockId
from genesis.types import Address, Hash32
from openledger_node.evm.records import Block, Log, Transaction


@dataclass(frozen=True, slots=True)
class Heads:
    """finalized ≤ safe ≤ unsafe; all three are the genesis block at first."""

    unsafe: BlockId
    safe: BlockId
    finalized: BlockId


@dataclass(frozen=True, slots=True)
class HeadChange:
    """A move of the unsafe head: blocks that left the chain (newest first), then blocks that joined it;
    neither if a development method only changed the state on the head."""

    removed: tuple[Block, ...]
    added: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class FoundTransaction:
    block: Block
    index: int
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Inclusive block range; no addresses means any; each topic position is a set of which one must match,
    an empty set matches anything (but the log must have that many topics)."""

    first_block: int
    last_block: int
    addresses: frozenset[Address] = frozenset()
    topics: tuple[frozenset[Hash32], ...] = ()


@dataclass(frozen=True, slots=True)
class FoundLog:
    """`log_index` counts within the block."""

    log: Log
    block_hash: Hash32
    block_number: int
    block_timestamp_s: int
    transaction_hash: Hash32
    transaction_index: int
    log_index: int

    @classmethod
    def of(cls, block: Block, transaction_index: int, log_index: int, log: Log) -> Self:
        return cls(
            log=log,
            block_hash=block.header.hash,
            block_number=block.header.number,
            block_timestamp_s=block.header.timestamp_s,
            transaction_hash=block.transactions[transaction_index].hash,
            transaction_index=transaction_index,
            log_index=log_index,
        )


@dataclass(frozen=True, slots=True)
class Supply:
    """The sum of all balances at a block: genesis plus minted less burned, both cumulative since genesis."""

    genesis_wei: int
    minted_wei: int
    burned_wei: int

    @property
    def total_wei(self) -> int:
        return self.genesis_wei + self.minted_wei - self.burned_wei
