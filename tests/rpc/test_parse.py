import pytest
from hypothesis import given
from hypothesis import strategies as st

from openledger_node.rpc import parse
from openledger_node.rpc.errors import INVALID_PARAMS, InvalidParamsError


@given(st.integers(0, 2**256 - 1))
def test_every_canonical_quantity_is_read(value: int) -> None:
    assert parse.quantity(hex(value)) == value


@pytest.mark.parametrize(
    "bad", ["0x", "0x00", "0x01", "1", "", "0xg", "-0x1", "0x-1", " 0x1", "0x1\n", 1, None, True, 1.0, [], {}]
)
def test_anything_else_is_no_quantity(bad: object) -> None:
    with pytest.raises(InvalidParamsError) as caught:
        parse.quantity(bad)
    assert caught.value.code == INVALID_PARAMS


def test_bounds() -> None:
    with pytest.raises(InvalidParamsError, match="256 bits"):
        parse.quantity(hex(2**256))
    with pytest.raises(InvalidParamsError, match="64 bits"):
        parse.uint64(hex(2**64))


@given(st.binary(max_size=80))
def test_data_round_trip(value: bytes) -> None:
    assert parse.data("0x" + value.hex()) == value


@pytest.mark.parametrize("bad", ["0x0", "0xzz", "00", "", 5, None])
def test_bad_data(bad: object) -> None:
    with pytest.raises(InvalidParamsError):
        parse.data(bad)


def test_fixed_sizes() -> None:
    assert parse.address("0x" + "ab" * 20) == b"\xab" * 20
    for bad in ("0x" + "ab" * 19, "0x" + "ab" * 21, "0x"):
        with pytest.raises(InvalidParamsError):
            parse.address(bad)
    with pytest.raises(InvalidParamsError):
        parse.hash32("0x" + "ab" * 31)


def test_storage_keys_have_many_forms() -> None:
    assert {parse.storage_key(key) for key in ("0x" + "00" * 31 + "05", "0x5", "0x05", "0X5", "5")} == {5}
    assert parse.storage_key("0x") == parse.storage_key("") == 0
    for bad in ("0xasdf", "0x" + "0" * 65, "x5", "0x5\n", 5, None):
        with pytest.raises(InvalidParamsError):
            parse.storage_key(bad)


def test_field_names_the_fault() -> None:
    with pytest.raises(InvalidParamsError, match=r"^gas: "):
        parse.field({"gas": "7"}, "gas", parse.quantity)
    assert parse.field({"gas": None}, "gas", parse.quantity) is None
