from genesis.types import Address
from rollup_bridge.deposits.alias import alias


def test_the_offset_is_added() -> None:
    assert alias(Address(bytes(20))).hex() == "1111" + "0" * 32 + "1111"


def test_it_wraps_around() -> None:
    assert alias(Address(b"\xff" * 20)).hex() == "1111" + "0" * 32 + "1110"
