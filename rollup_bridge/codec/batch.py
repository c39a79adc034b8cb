"""What a singular batch is, byte for byte: the sequencer's part of one L2 block.

Source: OP Stack specification, derivation, "Batch Format" (version 0).
"""

from dataclasses import dataclass

import rlp

from genesis.types import Hash32
from rollup_bridge.codec import rlp_reader
from rollup_bridge.errors import MalformedError

SINGULAR_BATCH = 0
SPAN_BATCH = 1


@dataclass(frozen=True, slots=True)
class SingularBatch:
    """`epoch_*` name the L1 origin; `transactions` are raw and contain no deposits."""

    parent_hash: Hash32
    epoch_number: int
    epoch_hash: Hash32
    timestamp_s: int
    transactions: tuple[bytes, ...]


def encode_singular_batch(batch: SingularBatch) -> bytes:
    """A batch with its type byte, as a channel holds it. Source: OP Stack, derivation, batch format."""
    body: bytes = rlp.encode(
        [
            batch.parent_hash,
            batch.epoch_number,
            batch.epoch_hash,
            batch.timestamp_s,
            list(batch.transactions),
        ]
    )
    return bytes([SINGULAR_BATCH]) + body


def decode_singular_batch(data: bytes) -> SingularBatch:
    """Read `0 ‖ rlp[...]`; what follows the RLP item is ignored. `MalformedError` otherwise."""
    if data[:1] != bytes([SINGULAR_BATCH]):
        raise MalformedError("not a singular batch")
    item = rlp_reader.read_item(data, 1)
    parent, number, epoch_hash, timestamp, transactions = rlp_reader.fields(data, item, 5)
    return SingularBatch(
        Hash32(rlp_reader.as_fixed(data, parent, 32)),
        rlp_reader.as_integer(data, number, 64),
        Hash32(rlp_reader.as_fixed(data, epoch_hash, 32)),
        rlp_reader.as_integer(data, timestamp, 64),
        tuple(rlp_reader.as_bytes(data, child) for child in rlp_reader.children(data, transactions)),
    )
