"""What a span batch is, byte for byte: many consecutive blocks in one batch, column by column.

Covered: reading, with full bounds; transactions are put together again from their columns.
Not covered: writing (the batcher writes singular batches) and what the blocks mean (see
`derive.batch_queue`).
Source: OP Stack specification, Delta, "Span Batch Format"; Isthmus for set-code transactions.

    span    = 1 ‖ rel_timestamp ‖ l1_origin_num ‖ parent_check 20 ‖ l1_origin_check 20
              ‖ block_count ‖ origin_bits ‖ block_tx_counts ‖ txs
    txs     = creation_bits ‖ y_parity_bits ‖ signatures 64 each ‖ tos 20 each
              ‖ datas ‖ nonces ‖ gases ‖ protected_bits
"""

from dataclasses import dataclass

from rollup_bridge.codec.batch import SPAN_BATCH
from rollup_bridge.codec.cursor import Bits, Cursor
from rollup_bridge.codec.span_transaction import Columns, read_columns
from rollup_bridge.errors import MalformedError

MAX_ELEMENTS = 10_000_000
_UINT64 = 2**64


@dataclass(frozen=True, slots=True)
class SpanBlock:
    """One block of a span: its L1 origin's number and its raw transactions."""

    epoch_number: int
    transactions: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """`relative_time_s` is the first block's time after L2 genesis. The checks are the first 20 bytes of the
    first block's parent hash and of the last block's L1 origin hash."""

    relative_time_s: int
    parent_check: bytes
    l1_origin_check: bytes
    blocks: tuple[SpanBlock, ...]

    def time_s(self, index: int, genesis_time_s: int, block_time_s: int) -> int:
        """Timestamp of block `index`, in 64-bit arithmetic as the reference has it."""
        return (genesis_time_s + self.relative_time_s + block_time_s * index) % _UINT64


def decode_span_batch(data: bytes, chain_id: int) -> SpanBatch:
    """`MalformedError` on anything cut off, too large, empty, or with a transaction of unknown type.

    `chain_id` goes into the rebuilt transactions; the batch does not carry it.
    """
    if data[:1] != bytes([SPAN_BATCH]):
        raise MalformedError("not a span batch")
    cursor = Cursor(data, 1)
    relative_time_s = cursor.uvarint()
    last_epoch = cursor.uvarint()
    parent_check, l1_origin_check = cursor.take(20), cursor.take(20)
    count = cursor.uvarint()
    if not 0 < count <= MAX_ELEMENTS:
        raise MalformedError(f"span batch of {count} blocks")
    origin_bits = cursor.bits(count)
    sizes = _block_sizes(cursor, count)
    columns = read_columns(cursor, sum(sizes))
    blocks = _blocks(_epochs(last_epoch, origin_bits, count), sizes, columns, chain_id)
    return SpanBatch(relative_time_s, parent_check, l1_origin_check, blocks)


def _block_sizes(cursor: Cursor, count: int) -> list[int]:
    sizes: list[int] = []
    total = 0
    for _ in range(count):
        size = cursor.uvarint()
        total += size
        if total > MAX_ELEMENTS:
            raise MalformedError("span batch of too many transactions")
        sizes.append(size)
    return sizes


def _epochs(last: int, origin_bits: Bits, count: int) -> list[int]:
    """Origin number per block, counted back from the last; a set bit says the origin changed at that
    block."""
    epochs = [0] * count
    for index in reversed(range(count)):
        epochs[index] = last
        if origin_bits[index]:
            last = (last - 1) % _UINT64
    return epochs


def _blocks(epochs: list[int], sizes: list[int], columns: Columns, chain_id: int) -> tuple[SpanBlock, ...]:
    transactions = iter(columns.transactions(chain_id))
    return tuple(
        SpanBlock(epoch, tuple(next(transactions) for _ in range(size)))
        for epoch, size in zip(epochs, sizes, strict=True)
    )
