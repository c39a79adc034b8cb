import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st

from rollup_bridge.codec import rlp_reader
from rollup_bridge.errors import MalformedError


@given(st.binary(max_size=300))
def test_reads_what_the_rlp_package_writes(value: bytes) -> None:
    data = rlp.encode(value)
    item = rlp_reader.read_item(data, 0)
    assert item.end == len(data)
    assert rlp_reader.as_bytes(data, item) == value


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_reads_lists(values: list[bytes]) -> None:
    data = rlp.encode(values)
    item = rlp_reader.read_item(data, 0)
    assert [rlp_reader.as_bytes(data, child) for child in rlp_reader.children(data, item)] == values


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_reads_integers(value: int) -> None:
    data = rlp.encode(value)
    assert rlp_reader.as_integer(data, rlp_reader.read_item(data, 0), 64) == value


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "81",
        "8105",  # one small byte with a length prefix
        "b801ff",  # long form of a short length
        "b90001ff",  # length with a leading zero
        "83ffff",  # cut off
        "bfffffffffffffffff",  # an impossible length
        "f8",
        "ff",
    ],
)
def test_refuses_what_is_not_canonical_or_cut_off(encoded: str) -> None:
    with pytest.raises(MalformedError):
        rlp_reader.read_item(bytes.fromhex(encoded), 0)


def test_refuses_a_child_that_crosses_the_end_of_its_list() -> None:
    data = bytes.fromhex("c1820102")
    with pytest.raises(MalformedError):
        rlp_reader.children(data, rlp_reader.read_item(data, 0))


@pytest.mark.parametrize("encoded", ["8200ff", "89010000000000000000", "00"])
def test_refuses_integers_with_leading_zeros_or_too_many_bits(encoded: str) -> None:
    data = bytes.fromhex(encoded)
    with pytest.raises(MalformedError):
        rlp_reader.as_integer(data, rlp_reader.read_item(data, 0), 64)


def test_deep_nesting_costs_no_recursion() -> None:
    nested = b"\xc0"
    for _ in range(5000):
        size = len(nested)
        nested = (bytes([0xC0 + size]) if size <= 55 else _long_head(size)) + nested
    assert len(rlp_reader.children(nested, rlp_reader.read_item(nested, 0))) == 1


def _long_head(size: int) -> bytes:
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0xF7 + len(digits)]) + digits


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        item = rlp_reader.read_item(data, 0)
        if item.is_list:
            rlp_reader.children(data, item)
    except MalformedError:
        pass
