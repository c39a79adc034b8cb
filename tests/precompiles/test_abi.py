"""The ABI codec: agrees with eth-abi where calldata is canonical, and with solc's decoder where it is not."""

from typing import Any

import pytest
from eth_abi.abi import encode as standard_encode
from hypothesis import given
from hypothesis import strategies as st

from genesis.types import Hash32
from precompiles.abi import (
    Items,
    MalformedCalldataError,
    Parameter,
    decode_arguments,
    encode_parameters,
    parse_parameters,
    selector,
    signature,
)
from precompiles.views.attribution import SUM_LEAF, SumLeaf

WORD = st.integers(0, 2**256 - 1)
HASH = st.binary(min_size=32, max_size=32)
SOME_SELECTOR = b"\xaa\xbb\xcc\xdd"


def word(value: int) -> bytes:
    return (value % 2**256).to_bytes(32, "big")


def decode(declaration: str, *words: int | bytes) -> tuple[Any, ...]:
    """Decode words (or raw bytes) after a selector."""
    data = b"".join(word(each) if isinstance(each, int) else each for each in words)
    parameters = parse_parameters(declaration, {"SumLeaf": SUM_LEAF})
    result: tuple[Any, ...] = plain(decode_arguments(parameters, SOME_SELECTOR + data))
    return result


def plain(value: Any) -> Any:
    """A decoded value with every lazy sequence read."""
    if isinstance(value, Items | tuple):
        return tuple(plain(each) for each in value)
    if isinstance(value, SumLeaf):
        return SumLeaf(value.key, value.amount, plain(value.siblings), plain(value.sibling_sums))
    return value


def refused(declaration: str, *words: int | bytes) -> bool:
    try:
        decode(declaration, *words)
    except MalformedCalldataError:
        return True
    return False


FLAT = parse_parameters(
    "uint256 a, string b, bytes32[] c, address d, bool e, bytes f, bytes4 g, uint256[] h", {}
)
FLAT_VALUES = st.tuples(
    WORD,
    st.binary(max_size=70),
    st.lists(HASH, max_size=3).map(tuple),
    st.binary(min_size=20, max_size=20),
    st.booleans(),
    st.binary(max_size=70),
    st.binary(min_size=4, max_size=4),
    st.lists(WORD, max_size=3).map(tuple),
)
LEAF = st.builds(
    SumLeaf, HASH, WORD, st.lists(HASH, max_size=3).map(tuple), st.lists(WORD, max_size=3).map(tuple)
)
NESTED = parse_parameters("SumLeaf a, SumLeaf[] b, uint256 c", {"SumLeaf": SUM_LEAF})


def standard(parameters: tuple[Parameter, ...], values: tuple[Any, ...]) -> bytes:
    """The same values by eth-abi, which takes strings as bytes for the type `bytes`."""
    types = [parameter.type.canonical.replace("string", "bytes") for parameter in parameters]
    return standard_encode(types, values)


@given(FLAT_VALUES)
def test_encoding_is_the_standard_one(values: tuple[Any, ...]) -> None:
    printable = tuple("0x" + value.hex() if i == 3 else value for i, value in enumerate(values))
    assert encode_parameters(FLAT, values) == standard(FLAT, printable)


@given(FLAT_VALUES, st.binary(max_size=40))
def test_what_is_encoded_decodes_whatever_follows(values: tuple[Any, ...], tail: bytes) -> None:
    data = SOME_SELECTOR + encode_parameters(FLAT, values) + tail
    assert plain(decode_arguments(FLAT, data)) == values


@given(LEAF, st.lists(LEAF, max_size=3).map(tuple), WORD)
def test_structs_encode_and_decode(leaf: SumLeaf, leaves: tuple[SumLeaf, ...], last: int) -> None:
    encoded = encode_parameters(NESTED, (leaf, leaves, last))
    rows = [(each.key, each.amount, each.siblings, each.sibling_sums) for each in (leaf, *leaves)]
    assert encoded == standard(NESTED, (rows[0], rows[1:], last))
    assert plain(decode_arguments(NESTED, SOME_SELECTOR + encoded)) == (leaf, leaves, last)


@given(st.binary(max_size=400))
def test_any_calldata_decodes_or_is_malformed(data: bytes) -> None:
    for parameters in (FLAT, NESTED):
        try:
            plain(decode_arguments(parameters, SOME_SELECTOR + data))
        except MalformedCalldataError:
            continue


@pytest.mark.parametrize(
    ("declaration", "value"),
    [("bool a", 2), ("address a", 2**160), ("bytes4 a", 1), ("bool a", 2**255), ("bytes4 a", 2**223)],
)
def test_dirty_words_are_refused(declaration: str, value: int) -> None:
    assert refused(declaration, value)


def test_short_heads_are_refused() -> None:
    assert refused("uint256 a, uint256 b", 1, bytes(31))
    assert refused("SumLeaf a")
    assert decode("uint256 a", 1, b"more") == (1,)


def test_top_level_offsets_and_lengths() -> None:
    assert decode("bytes a", 32, 0) == (b"",)
    assert decode("bytes a", 0) == (b"",)
    assert decode("bytes a", 33, b"\0", 1, b"\x07") == (b"\x07",)
    assert refused("bytes a", 32)
    assert refused("bytes a", 2**64)
    assert refused("bytes a", 32, 1)
    assert refused("bytes a", 32, 2**64)
    assert refused("bytes a", 32, 2**256 - 1)
    assert decode("uint256[] a", 32, 2, 5, 6) == ((5, 6),)
    assert refused("uint256[] a", 32, 2, 5, bytes(31))


def test_nested_offsets_are_signed_and_relative() -> None:
    leaf = (9, 7, 128, 160)
    assert decode("SumLeaf a", 32, *leaf, 0, 0)[0].amount == 7
    backwards = decode("SumLeaf a", 64, 1, 9, 7, -32, -32)[0]
    assert backwards == SumLeaf(Hash32(word(9)), 7, (Hash32(word(9)),), (9,))
    beyond = decode("SumLeaf a", 32, 9, 7, -(2**200), -(2**200))
    assert beyond[0].siblings == ()
    assert beyond[0].sibling_sums == ()
    assert refused("SumLeaf a", 32, 9, 7, 128, 2**255 - 1, 0)
    assert refused("SumLeaf a", 32, 9, 7, 128, 160, 0)


def test_an_element_may_lie_outside_and_is_then_zero() -> None:
    leaves = decode("SumLeaf[] a", 32, 1, -(2**100))[0]
    assert leaves == (SumLeaf(Hash32(bytes(32)), 0, (), ()),)
    assert refused("SumLeaf[] a", 32, 1, 0)


def test_overlapping_elements_cost_nothing_until_read() -> None:
    """A thousand leaves of a thousand siblings each, in 64 kilobytes."""
    count = 1_000
    leaf = [0, 0, 128, 128, count, *[7] * count]
    data = b"".join(map(word, [32, count, *[32 * count] * count, *leaf]))
    parameters = parse_parameters("SumLeaf[] a", {"SumLeaf": SUM_LEAF})
    (leaves,) = decode_arguments(parameters, SOME_SELECTOR + data)
    assert len(leaves) == count
    assert leaves[count - 1].siblings[5] == word(7)
    assert [each.key for each in leaves[2:4]] == [bytes(32)] * 2
    with pytest.raises(IndexError):
        leaves[count]


def test_names_make_signatures() -> None:
    parameters = parse_parameters("SumLeaf a, uint256[] indexed b", {"SumLeaf": SUM_LEAF})
    expected = "f((bytes32,uint256,bytes32[],uint256[]),uint256[])"
    assert signature("f", parameters) == expected
    assert parameters[1].indexed
    assert selector("transfer", parse_parameters("address a, uint256 b", {})) == bytes.fromhex("a9059cbb")


def test_unknown_types_are_refused_at_start() -> None:
    with pytest.raises(ValueError, match="int8"):
        parse_parameters("int8 a", {})
