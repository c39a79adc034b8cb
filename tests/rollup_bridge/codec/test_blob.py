import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollup_bridge.codec.blob import BLOB_BYTES, MAX_BLOB_DATA_BYTES, decode_blob, encode_blob
from rollup_bridge.errors import MalformedError


@settings(max_examples=20, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=400), st.integers(0, 255).map(lambda byte: bytes([byte]) * MAX_BLOB_DATA_BYTES)
    )
)
def test_data_survives_the_round_trip(data: bytes) -> None:
    blob = encode_blob(data)
    assert len(blob) == BLOB_BYTES
    assert decode_blob(blob) == data


def test_a_blob_holds_130044_bytes() -> None:
    assert MAX_BLOB_DATA_BYTES == 130_044
    with pytest.raises(ValueError, match="fit"):
        encode_blob(bytes(MAX_BLOB_DATA_BYTES + 1))


def test_every_field_element_is_below_the_modulus() -> None:
    blob = encode_blob(b"\xff" * MAX_BLOB_DATA_BYTES)
    assert max(blob[::32]) <= 0x3F


def test_the_first_bytes_are_version_and_length() -> None:
    assert encode_blob(b"abc")[:9].hex() == "00" + "00" + "000003" + b"abc".hex() + "00"


@pytest.mark.parametrize(("offset", "value"), [(1, 1), (2, 0xFF), (32, 0x80), (64, 0x40)])
def test_bad_version_length_or_high_bits_are_refused(offset: int, value: int) -> None:
    blob = bytearray(encode_blob(b"data"))
    blob[offset] = value
    with pytest.raises(MalformedError):
        decode_blob(bytes(blob))


@pytest.mark.parametrize("offset", [0, 9, 31, 33, 127, 128, 4095 * 32 + 5, 131_071])
def test_nothing_but_zeros_may_lie_behind_the_data(offset: int) -> None:
    blob = bytearray(encode_blob(b"data"))
    blob[offset] |= 1
    with pytest.raises(MalformedError, match="behind"):
        decode_blob(bytes(blob))


def test_an_empty_blob_carries_nothing() -> None:
    assert decode_blob(bytes(131_072)) == b""


def test_another_size_is_refused() -> None:
    with pytest.raises(MalformedError):
        decode_blob(bytes(100))
