"""What the rollup needs from the house: an L1 to read and write, an L2 engine to drive, and a clock.

Every record is frozen; every method may raise `errors.TemporaryError` when the other side does not answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from genesis.spec import BlockId
from genesis.types import Address, Hash32

BlockTag = Literal["latest", "safe", "finalized"]


@dataclass(frozen=True, slots=True)
class L1Block:
    """What derivation reads of an L1 header. Fields a pre-merge L1 lacks are zero."""

    hash: Hash32
    number: int
    parent_hash: Hash32
    timestamp_s: int
    base_fee_wei: int
    blob_base_fee_wei: int
    prev_randao: Hash32
    parent_beacon_block_root: Hash32

    @property
    def id(self) -> BlockId:
        return BlockId(self.hash, self.number)


@dataclass(frozen=True, slots=True)
class L1Log:
    """One event of an L1 receipt; `topics[0]` names it, unless it is anonymous."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class L1Receipt:
    """`logs` are in order; a log's index in its block is its position over all receipts of the block."""

    transaction_hash: Hash32
    succeeded: bool
    logs: tuple[L1Log, ...]


@dataclass(frozen=True, slots=True)
class L1Transaction:
    """`sender` is the recovered signer; `to` is None for a creation."""

    hash: Hash32
    type: int
    sender: Address
    to: Address | None
    data: bytes
    blob_hashes: tuple[Hash32, ...] = ()


class L1Source(Protocol):
    """Reads L1 blocks. None means the L1 does not know the block (yet, or any more)."""

    async def block_by_number(self, number: int) -> L1Block | None: ...

    async def block_by_hash(self, block_hash: Hash32) -> L1Block | None: ...

    async def block_by_tag(self, tag: BlockTag) -> L1Block | None: ...

    async def receipts(self, block_hash: Hash32) -> tuple[L1Receipt, ...]:
        """Receipts of all transactions in order; `TemporaryError` if the block is unknown."""
        ...

    async def transactions(self, block_hash: Hash32) -> tuple[L1Transaction, ...]:
        """All transactions in order; `TemporaryError` if the block is unknown."""
        ...


class BlobSource(Protocol):
    """Gives back the blobs of L1 blocks, as long as somebody keeps them."""

    async def blobs(self, block: L1Block, versioned_hashes: Sequence[Hash32]) -> tuple[bytes, ...]:
        """Blobs of 131,072 bytes in the order asked, already checked against their hashes."""
        ...


class L1Contracts(Protocol):
    """Reads the rollup's contracts on the L1."""

    async def call(self, to: Address, data: bytes) -> bytes:
        """Return data of a read at the L1 head; `TransactionError` if it reverts."""
        ...


@dataclass(frozen=True, slots=True)
class UnsignedTransaction:
    """An EIP-1559 transaction before it is signed; an EIP-4844 one where there are blobs.

    `cell_proofs` says in which of two forms the blobs travel: since Osaka with a proof for every cell.
    """

    chain_id: int
    nonce: int
    to: Address
    value_wei: int
    data: bytes
    gas: int
    max_fee_wei: int
    max_priority_fee_wei: int
    blobs: tuple[bytes, ...] = field(default=(), repr=False)
    max_blob_fee_wei: int = 0
    cell_proofs: bool = True


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """`raw` is what a node is sent; a blob transaction's hash is that of its form without the blobs."""

    hash: Hash32
    raw: bytes


class Signer(Protocol):
    """Holds one L1 key, here or elsewhere."""

    @property
    def address(self) -> Address: ...

    async def sign(self, transaction: UnsignedTransaction) -> SignedTransaction: ...


@dataclass(frozen=True, slots=True)
class L1Fees:
    """Base fee of the L1 head and the tip its node suggests, wei per gas; the price of blob gas."""

    base_fee_wei: int
    tip_wei: int
    blob_base_fee_wei: int = 1


@dataclass(frozen=True, slots=True)
class L1Inclusion:
    """Where and how an L1 transaction was mined."""

    transaction_hash: Hash32
    block: BlockId
    succeeded: bool
    gas_used: int
    fee_wei: int
    logs: tuple[L1Log, ...]


class FeeSource(Protocol):
    """What gas costs on the L1 now."""

    async def fees(self) -> L1Fees: ...


class L1Network(Protocol):
    """What a transaction manager needs of an L1 node."""

    async def chain_id(self) -> int: ...

    async def head_number(self) -> int: ...

    async def next_nonce(self, address: Address, tag: Literal["latest", "pending"]) -> int: ...

    async def fees(self) -> L1Fees: ...

    async def estimate_gas(self, sender: Address, to: Address, value_wei: int, data: bytes) -> int:
        """`TransactionError` if the call reverts."""
        ...

    async def send_raw(self, raw: bytes) -> None:
        """Hand over a signed transaction; `TransactionError` carries the node's refusal verbatim."""
        ...

    async def inclusion(self, transaction_hash: Hash32) -> L1Inclusion | None:
        """None while the transaction is in no canonical block."""
        ...


class TransactionSender(Protocol):
    """Sends L1 transactions to their end. Implemented by `txmgr.manager`."""

    @property
    def address(self) -> Address: ...

    async def send(
        self,
        to: Address,
        data: bytes,
        *,
        value_wei: int = 0,
        gas: int | None = None,
        blobs: tuple[bytes, ...] = (),
    ) -> L1Inclusion:
        """Mined and confirmed, reverted or not; `TransactionError` if it was given up."""
        ...


@dataclass(frozen=True, slots=True)
class L2Block:
    """A canonical L2 block as derivation compares it; `transactions` are raw, the first one from L1."""

    hash: Hash32
    number: int
    parent_hash: Hash32
    timestamp_s: int
    prev_randao: Hash32
    fee_recipient: Address
    gas_limit: int
    parent_beacon_block_root: Hash32
    extra_data: bytes
    transactions: tuple[bytes, ...]

    @property
    def id(self) -> BlockId:
        return BlockId(self.hash, self.number)


@dataclass(frozen=True, slots=True)
class L2Reference:
    """An L2 block's place: its parent, its time, its L1 origin and how many blocks of that origin precede
    it."""

    hash: Hash32
    number: int
    parent_hash: Hash32
    timestamp_s: int
    l1_origin: BlockId
    sequence_number: int

    @property
    def id(self) -> BlockId:
        return BlockId(self.hash, self.number)


@dataclass(frozen=True, slots=True)
class Attributes:
    """Everything that decides the block on top of `parent`. Source: OP Stack specification, payload
    attributes.

    `transactions[:forced_count]` come from L1 (L1 attributes, then deposits of a new epoch); the rest from a
    batch. `no_pool` tells a sequencer that nothing else may be added.
    """

    parent: BlockId
    timestamp_s: int
    prev_randao: Hash32
    fee_recipient: Address
    gas_limit: int
    parent_beacon_block_root: Hash32
    transactions: tuple[bytes, ...]
    forced_count: int
    no_pool: bool
    l1_origin: BlockId
    sequence_number: int


class L2Engine(Protocol):
    """Drives the chain facade. Heads only move through these calls and the sequencer's own sealing."""

    async def unsafe_head(self) -> L2Block: ...

    async def safe_head(self) -> L2Block: ...

    async def finalized_head(self) -> L2Block: ...

    async def block_by_number(self, number: int) -> L2Block | None:
        """The canonical block at a height, or None above the head."""
        ...

    async def apply(self, attributes: Attributes) -> L2Block:
        """Execute and store the block on top of `attributes.parent`, drop canonical blocks above the parent,
        and make the new block the unsafe head.

        `InvalidBlockError` if a transaction is invalid (nothing changed then); `ResetError` if the parent is
        not canonical.
        """
        ...

    async def set_heads(self, safe: BlockId, finalized: BlockId) -> None: ...

    async def rewind(self, number: int) -> None:
        """Make the canonical block at `number` the unsafe head; a safe head above it moves down with it."""
        ...


class L2Blocks(Protocol):
    """Reads the canonical L2 chain."""

    async def block_by_number(self, number: int) -> L2Block | None: ...


class SafeHeadLog(Protocol):
    """Remembers which L2 block was safe after each L1 block."""

    def record(self, l1: BlockId, safe: BlockId) -> None:
        """`safe` is the safe head with the data of all L1 blocks up to `l1`; replaces what was said of `l1`
        before."""
        ...

    def forget_above(self, l2_number: int) -> None:
        """Derivation goes back: what was said of safe heads above that block is void."""
        ...


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """What derivation knows. `current_l1` is the last L1 block whose data has been drained completely."""

    current_l1: L1Block
    head_l1: L1Block
    safe_l1: L1Block
    finalized_l1: L1Block
    unsafe_l2: L2Reference
    safe_l2: L2Reference
    finalized_l2: L2Reference


class StatusSource(Protocol):
    """Says how far derivation is."""

    async def sync_status(self) -> SyncStatus: ...


@dataclass(frozen=True, slots=True)
class OutputParts:
    """What an output root commits to, at one L2 block."""

    number: int
    state_root: Hash32
    message_passer_storage_root: Hash32
    block_hash: Hash32


class OutputSource(Protocol):
    """What output roots are made of, from our own derivation."""

    async def output_parts(self, number: int) -> OutputParts:
        """`TemporaryError` if the block or its state is not there."""
        ...


class Clock(Protocol):
    def now_s(self) -> float:
        """Unix time in seconds."""
        ...

    async def sleep(self, seconds: float) -> None: ...
