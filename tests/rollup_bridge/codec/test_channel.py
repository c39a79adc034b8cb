import zlib

import brotli
import rlp
from hypothesis import given
from hypothesis import strategies as st

from genesis.keccak import keccak256
from rollup_bridge.codec.batch import decode_singular_batch, encode_singular_batch
from rollup_bridge.codec.channel import compress_channel, decompress
from tests.rollup_bridge.codec import second_decoder
from tests.rollup_bridge.codec.channels import batches_of
from tests.rollup_bridge.codec.test_batch import ONE

BATCHES = [b"\x00" + bytes([index]) * 200 for index in range(20)]
PLAIN = b"".join(rlp.encode(batch) for batch in BATCHES)


def incompressible(size: int, seed: int = 0) -> bytes:
    blocks = -(-size // 32)
    return b"".join(keccak256(bytes([seed]) + index.to_bytes(4, "big")) for index in range(blocks))[:size]


@given(st.lists(st.binary(max_size=100), max_size=6))
def test_channels_survive_the_round_trip(batches: list[bytes]) -> None:
    assert batches_of(compress_channel(batches)) == tuple(batches)


def test_brotli_is_read_behind_its_version_byte() -> None:
    assert batches_of(b"\x01" + brotli.compress(PLAIN)) == tuple(BATCHES)


def test_unknown_compression_yields_nothing() -> None:
    for first in (0x00, 0x02, 0x79, 0xFF & ~0x08):
        if first & 0x0F not in (8, 15):
            assert batches_of(bytes([first]) + PLAIN) == ()
    assert batches_of(b"") == ()


def test_a_zip_bomb_stops_at_the_limit() -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    assert len(bomb) < 50_000
    assert len(decompress(bomb, 1_000_000)) == 1_000_000
    assert len(decompress(b"\x01" + brotli.compress(bytes(5_000_000)), 1_000_000)) == 1_000_000


def test_the_decompression_limit_keeps_earlier_whole_batches() -> None:
    one = len(rlp.encode(BATCHES[0]))
    for data in (zlib.compress(PLAIN), b"\x01" + brotli.compress(PLAIN)):
        assert batches_of(data, limit_bytes=3 * one + one // 2) == tuple(BATCHES[:3])


def test_a_truncated_channel_keeps_earlier_whole_batches() -> None:
    batches = [b"\x00" + incompressible(5_000, seed) for seed in range(10)]
    plain = b"".join(rlp.encode(batch) for batch in batches)
    for data in (zlib.compress(plain), b"\x01" + brotli.compress(plain)):
        read = batches_of(data[: len(data) // 2])
        assert 0 < len(read) < 10
        assert read == tuple(batches[: len(read)])


def test_bytes_before_the_damage_count_to_the_byte() -> None:
    """What is read of a damaged stream must not depend on the size of the steps it is read in."""
    plain = incompressible(140_001)
    stored = [plain[at : at + 65_535] for at in range(0, len(plain), 65_535)]
    blocks = [
        b"\x00" + len(piece).to_bytes(2, "little") + (65_535 - len(piece)).to_bytes(2, "little") + piece
        for piece in stored
    ]
    length_not_its_complement = b"\x00\x01\x00\x01\x00"
    damaged = b"\x78\x01" + blocks[0] + blocks[1] + length_not_its_complement
    assert decompress(damaged, 10**8) == plain[: 2 * 65_535]
    assert decompress(damaged, 70_000) == plain[:70_000]


def test_malformed_data_between_items_ends_the_channel() -> None:
    plain = rlp.encode(BATCHES[0]) + rlp.encode([b"a list"]) + rlp.encode(BATCHES[1])
    assert batches_of(zlib.compress(plain)) == (BATCHES[0],)


def test_bytes_after_the_compressed_stream_are_ignored() -> None:
    assert batches_of(zlib.compress(PLAIN) + b"garbage") == tuple(BATCHES)


@given(st.data())
def test_mutated_channels_never_raise(data: st.DataObject) -> None:
    packed = bytearray(data.draw(st.sampled_from([zlib.compress(PLAIN), b"\x01" + brotli.compress(PLAIN)])))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    batches_of(bytes(packed[: data.draw(st.integers(0, len(packed)))]))


def test_the_second_decoder_reads_the_same() -> None:
    channel = compress_channel([encode_singular_batch(ONE)] * 3)
    first = batches_of(channel)
    assert list(first) == second_decoder.channel(channel)
    assert [decode_singular_batch(batch) for batch in first] == [ONE] * 3
