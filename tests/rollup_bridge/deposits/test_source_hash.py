"""Vectors are those of viem's op-stack tests."""

from genesis.types import Hash32
from rollup_bridge.deposits.source_hash import l1_attributes_source, user_deposit_source

BLOCK = Hash32(bytes.fromhex("9ba3933dc6ce43c145349770a39c30f9b647f17668f004bd2e05c80a2e7262f7"))


def test_user_deposit() -> None:
    expected = "d0868c8764d81f1749edb7dec4a550966963540d9fe50aefce8cdb38ea7b2213"
    assert user_deposit_source(BLOCK, 196).hex() == expected


def test_l1_attributes() -> None:
    expected = "722c43232e2f9dc07ebc07a02a3056993a2ed1328a1c81377ea99d135af39536"
    assert l1_attributes_source(BLOCK, 1).hex() == expected


def test_the_two_domains_differ() -> None:
    assert user_deposit_source(BLOCK, 1) != l1_attributes_source(BLOCK, 1)
