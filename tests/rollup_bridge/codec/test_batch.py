import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st

from genesis.types import Hash32
from rollup_bridge.codec.batch import SingularBatch, decode_singular_batch, encode_singular_batch
from rollup_bridge.errors import MalformedError
from tests.rollup_bridge.codec import second_decoder

HASHES = st.binary(min_size=32, max_size=32).map(Hash32)
BATCHES = st.builds(
    SingularBatch,
    parent_hash=HASHES,
    epoch_number=st.integers(0, 2**64 - 1),
    epoch_hash=HASHES,
    timestamp_s=st.integers(0, 2**64 - 1),
    transactions=st.lists(st.binary(max_size=70), max_size=4).map(tuple),
)
ONE = SingularBatch(Hash32(b"p" * 32), 7, Hash32(b"e" * 32), 99, (b"\x02tx",))


@given(BATCHES)
def test_batches_survive_the_round_trip_and_the_second_decoder(batch: SingularBatch) -> None:
    encoded = encode_singular_batch(batch)
    assert decode_singular_batch(encoded) == batch
    assert second_decoder.batch(encoded, 0) == (
        batch.parent_hash,
        batch.epoch_number,
        batch.epoch_hash,
        batch.timestamp_s,
        list(batch.transactions),
    )


def test_data_after_a_valid_rlp_item_is_ignored() -> None:
    assert decode_singular_batch(encode_singular_batch(ONE) + b"trailing") == ONE


@pytest.mark.parametrize(
    "fields",
    [
        [b"p" * 32, 7, b"e" * 32, 99],
        [b"p" * 32, 7, b"e" * 32, 99, [], 1],
        [b"p" * 31, 7, b"e" * 32, 99, []],
        [b"p" * 32, 7, b"e" * 33, 99, []],
        [b"p" * 32, 2**64, b"e" * 32, 99, []],
        [b"p" * 32, b"\x00\x07", b"e" * 32, 99, []],
        [b"p" * 32, 7, b"e" * 32, [], []],
        [b"p" * 32, 7, b"e" * 32, 99, b"no list"],
        [b"p" * 32, 7, b"e" * 32, 99, [[b"nested"]]],
    ],
)
def test_wrong_shapes_are_refused(fields: list[object]) -> None:
    with pytest.raises(MalformedError):
        decode_singular_batch(b"\x00" + rlp.encode(fields))


@given(BATCHES, st.data())
def test_mutated_batches_are_read_or_refused(batch: SingularBatch, data: st.DataObject) -> None:
    raw = bytearray(encode_singular_batch(batch))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = decode_singular_batch(bytes(raw))
    except MalformedError:
        return
    assert bytes(raw).startswith(encode_singular_batch(read)), "only canonical encodings are read"
