"""RLP: canonical or refused, and no input can exhaust the native decoder's stack."""

from typing import Any

import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st

from openledger_node.evm.rlp_codec import RlpError, decode, encode, to_fixed, to_uint, uint

_ITEMS: st.SearchStrategy[Any] = st.recursive(
    st.binary(max_size=80), lambda inner: st.lists(inner, max_size=6), max_leaves=20
)


@given(_ITEMS)
def test_round_trip(item: Any) -> None:
    assert decode(encode(item)) == item


@given(_ITEMS, st.integers(0, 200), st.integers(0, 255))
def test_mutations_decode_as_the_library_says_or_are_refused(item: Any, position: int, value: int) -> None:
    mutated = bytearray(encode(item))
    mutated[position % len(mutated)] = value
    try:
        expected = rlp.decode(bytes(mutated))
    except rlp.DecodingError:
        expected = None
    if expected is None or rlp.encode(expected) != bytes(mutated):
        with pytest.raises(RlpError):
            decode(bytes(mutated))
    else:
        assert decode(bytes(mutated)) == expected


def _nested(depth: int) -> bytes:
    """An empty list inside `depth` lists."""
    prefixes, length = [b"\xc0"], 1
    for _ in range(depth):
        size = uint(length)
        prefixes.append(bytes((0xC0 + length,)) if length < 56 else bytes((0xF7 + len(size),)) + size)
        length += len(prefixes[-1])
    return b"".join(reversed(prefixes))


def test_deep_nesting_is_refused_before_the_native_decoder_sees_it() -> None:
    # At this depth rusty-rlp overflows the stack and ends the process.
    with pytest.raises(RlpError, match="nest too deep"):
        decode(_nested(100_000))


@pytest.mark.parametrize("size", [10, 5_000, 100_000])
def test_large_flat_lists_pass_the_depth_check(size: int) -> None:
    items = [b"x" * (i % 60) for i in range(size)]
    assert decode(encode([items, [[b"a"]]])) == [items, [[b"a"]]]


def test_integers_must_be_canonical() -> None:
    assert to_uint(b"") == 0
    for item, bits in ((b"\0", 256), (b"\0\1", 256), (b"\1\0", 8), ([], 256)):
        with pytest.raises(RlpError):
            to_uint(item, bits)
    with pytest.raises(RlpError):
        to_fixed(b"abc", 4)


@pytest.mark.parametrize("text", ["b80180", "b9000180", "f800", "f90001c0", "c3b80180", "8101"])
def test_lengths_not_written_the_shortest_way_are_refused(text: str) -> None:
    with pytest.raises(RlpError):
        decode(bytes.fromhex(text))
