from hypothesis import given
from hypothesis import strategies as st

from genesis.types import Address
from rollup_bridge.deposits.alias import alias, unalias


def test_the_offset_is_added() -> None:
    assert alias(Address(bytes(20))).hex() == "1111" + "0" * 32 + "1111"


def test_it_wraps_around() -> None:
    assert alias(Address(b"\xff" * 20)).hex() == "1111" + "0" * 32 + "1110"


@given(st.binary(min_size=20, max_size=20))
def test_it_can_be_undone(address: bytes) -> None:
    assert unalias(alias(Address(address))) == address
