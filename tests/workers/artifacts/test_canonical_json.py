import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.artifacts.canonical_json import decode, encode
from workers.errors import InvalidInputError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_round_trip(value: object) -> None:
    try:
        data = encode(value)
    except UnicodeEncodeError:
        return  # a lone surrogate is not text
    assert decode(data) == value
    assert encode(decode(data)) == data


def test_order_and_spaces() -> None:
    assert encode({"b": 1, "a": [True, None, "ü"]}) == '{"a":[true,null,"ü"],"b":1}'.encode()


def test_nan_is_neither_written_nor_read() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        encode(math.nan)
    with pytest.raises(InvalidInputError):
        decode(b"NaN")


def test_brackets_in_strings_do_not_count() -> None:
    assert decode(b'["' + b"[" * 1_000 + rb"\"" + b'{"]') == ["[" * 1_000 + '"{']


def test_depth_is_bounded_where_the_parser_would_still_go_on() -> None:
    assert decode(b"[" * 64 + b"]" * 64) is not None
    with pytest.raises(InvalidInputError, match="nested deeper"):
        decode(b'{"a":' * 65 + b"1" + b"}" * 65)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
def test_malformed_json_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        decode(data)
