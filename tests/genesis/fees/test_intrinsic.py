"""Intrinsic gas and the calldata floor by their EIPs' examples."""

from genesis.fees.intrinsic import floor_gas, intrinsic_gas


def test_transfer_and_calldata() -> None:
    assert intrinsic_gas(b"", is_creation=False) == 21_000
    assert intrinsic_gas(b"\0\1", is_creation=False) == 21_000 + 4 + 16


def test_creation_pays_for_words_of_initcode() -> None:
    assert intrinsic_gas(b"\0" * 33, is_creation=True) == 21_000 + 32_000 + 33 * 4 + 2 * 2


def test_access_lists_and_authorizations() -> None:
    gas = intrinsic_gas(
        b"", is_creation=False, access_list_addresses=2, access_list_slots=3, authorizations=1
    )
    assert gas == 21_000 + 2 * 2_400 + 3 * 1_900 + 25_000


def test_floor_counts_tokens() -> None:
    assert floor_gas(b"\0\1\1") == 21_000 + 10 * (1 + 4 + 4)
