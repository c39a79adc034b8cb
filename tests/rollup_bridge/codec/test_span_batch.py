import contextlib
import lzma
from pathlib import Path

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st

from rollup_bridge.codec.channel import compress_channel
from rollup_bridge.codec.span_batch import decode_span_batch
from rollup_bridge.errors import MalformedError
from tests.rollup_bridge.codec.channels import batches_of
from tests.rollup_bridge.codec.span_encoder import encode_span, uvarint

CHAIN_ID = 31338
VECTOR = Path(__file__).parents[4] / "shared" / "conformance" / "op" / "channel_zlib.hex.xz"
OP_MAINNET = 10


def legacy(*, protected: bool) -> bytes:
    v = 2 * CHAIN_ID + 36 if protected else 27
    return bytes(rlp.encode([1, 10**9, 21_000, b"\x11" * 20, 5, b"hi", v, 2**255, 77]))


ACCESS = [[b"\x22" * 20, [b"\x33" * 32]]]
TRANSACTIONS = (
    legacy(protected=True),
    legacy(protected=False),
    b"\x01" + rlp.encode([CHAIN_ID, 0, 7, 50_000, b"", 0, b"init", ACCESS, 1, 9, 8]),
    b"\x02" + rlp.encode([CHAIN_ID, 2**40, 1, 2, 90_000, b"\x44" * 20, 10**20, b"", [], 0, 2**256 - 1, 1]),
    b"\x04"
    + rlp.encode(
        [
            CHAIN_ID,
            3,
            1,
            2,
            9,
            b"\x44" * 20,
            0,
            b"x" * 60,
            ACCESS,
            [[CHAIN_ID, b"\x55" * 20, 1, 1, 2, 3]],
            1,
            6,
            5,
        ]
    ),
)


def span(blocks: list[tuple[int, tuple[bytes, ...]]] | None = None) -> bytes:
    return encode_span(
        relative_time_s=1000,
        parent_check=b"p" * 20,
        origin_check=b"o" * 20,
        blocks=blocks if blocks is not None else [(5, TRANSACTIONS[:2]), (5, ()), (6, TRANSACTIONS[2:])],
    )


def test_whole_transactions_come_back_out_of_their_columns() -> None:
    batch = decode_span_batch(span(), CHAIN_ID)
    assert [block.epoch_number for block in batch.blocks] == [5, 5, 6]
    assert tuple(raw for block in batch.blocks for raw in block.transactions) == TRANSACTIONS
    assert (batch.relative_time_s, batch.parent_check, batch.l1_origin_check) == (1000, b"p" * 20, b"o" * 20)
    assert batch.time_s(2, 500, 2) == 1504


def test_a_real_channel_decodes_and_encodes_back_to_the_same_bytes() -> None:
    """OP Mainnet, June 2024: one span batch of 143 blocks and 1,766 transactions."""
    if not VECTOR.exists():
        pytest.skip(f"{VECTOR} is not here")
    channel = bytes.fromhex(lzma.decompress(VECTOR.read_bytes()).decode().strip())
    (encoded,) = batches_of(channel)
    batch = decode_span_batch(encoded, OP_MAINNET)
    assert len(batch.blocks) == 143
    assert sum(len(block.transactions) for block in batch.blocks) == 1766
    again = encode_span(
        relative_time_s=batch.relative_time_s,
        parent_check=batch.parent_check,
        origin_check=batch.l1_origin_check,
        blocks=[(block.epoch_number, block.transactions) for block in batch.blocks],
    )
    assert len(again) == len(encoded)
    assert again == encoded
    assert batches_of(compress_channel([again])) == (encoded,)


def test_zero_blocks_are_refused() -> None:
    with pytest.raises(MalformedError, match="0 blocks"):
        decode_span_batch(b"\x01" + uvarint(1) + uvarint(1) + bytes(40) + uvarint(0), CHAIN_ID)


def test_too_many_blocks_or_transactions_are_refused_before_they_are_read() -> None:
    head = b"\x01" + uvarint(1) + uvarint(1) + bytes(40)
    with pytest.raises(MalformedError):
        decode_span_batch(head + uvarint(10_000_001), CHAIN_ID)
    with pytest.raises(MalformedError, match="too many"):
        decode_span_batch(head + uvarint(1) + b"\x00" + uvarint(10_000_001), CHAIN_ID)


def test_half_a_million_empty_blocks_take_time_in_proportion() -> None:
    count = 500_000
    head = b"\x01" + uvarint(1) + uvarint(count) + bytes(40) + uvarint(count)
    batch = decode_span_batch(head + b"\xff" * (count // 8) + bytes(count), CHAIN_ID)
    assert [batch.blocks[0].epoch_number, batch.blocks[-1].epoch_number] == [1, count]


def test_a_truncated_span_is_refused_wherever_it_ends() -> None:
    whole = span()
    for size in range(len(whole)):
        with pytest.raises(MalformedError):
            decode_span_batch(whole[:size], CHAIN_ID)


def test_bytes_after_the_span_are_ignored() -> None:
    assert decode_span_batch(span() + b"more", CHAIN_ID) == decode_span_batch(span(), CHAIN_ID)


def test_surplus_bits_are_refused() -> None:
    head = b"\x01" + uvarint(1) + uvarint(1) + bytes(40) + uvarint(1)
    with pytest.raises(MalformedError, match="bit list"):
        decode_span_batch(head + b"\x02" + uvarint(0), CHAIN_ID)


@pytest.mark.parametrize("kind", [0, 3, 5, 0x7E])
def test_other_transaction_types_are_refused(kind: int) -> None:
    body = bytes([kind]) + rlp.encode([0, 0, b""])
    head = b"\x01" + uvarint(1) + uvarint(1) + bytes(40) + uvarint(1) + b"\x00" + uvarint(1)
    with pytest.raises(MalformedError, match="type"):
        decode_span_batch(head + b"\x00\x00" + bytes(64) + bytes(20) + body + b"\x00\x00", CHAIN_ID)


def test_a_set_code_transaction_cannot_create() -> None:
    body = b"\x04" + rlp.encode([0, 0, 0, b"", [], []])
    head = b"\x01" + uvarint(1) + uvarint(1) + bytes(40) + uvarint(1) + b"\x00" + uvarint(1)
    with pytest.raises(MalformedError, match="create"):
        decode_span_batch(head + b"\x01\x00" + bytes(64) + body + b"\x00\x00", CHAIN_ID)


@settings(max_examples=300)
@given(st.data())
def test_mutated_spans_are_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(span())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedError):
        decode_span_batch(bytes(raw), CHAIN_ID)
