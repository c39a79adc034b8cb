"""Predeploys: code everywhere it is expected, and fixed codes equal to what is deployed elsewhere."""

from genesis.addresses import BEACON_ROOTS, CREATE2_FACTORY, HISTORY_STORAGE
from genesis.keccak import keccak256
from genesis.predeploys import CREATE2_FACTORY_CODE, l2_predeploys, preinstalls

KNOWN_CODE_HASHES = {
    CREATE2_FACTORY: "2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989",
    HISTORY_STORAGE: "6e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d",
    BEACON_ROOTS: "f57acd40259872606d76197ef052f3d35588dadf919ee1f0e3cb9b62d3f4b02c",
}


def test_every_predeploy_has_code_and_survives_as_an_account() -> None:
    for address, account in l2_predeploys().items():
        assert account.code, address.hex()
        assert account.nonce >= 1
        assert account.balance_wei == 0


def test_fixed_codes_are_the_known_ones() -> None:
    accounts = preinstalls()
    hashes = {address: keccak256(accounts[address].code).hex() for address in KNOWN_CODE_HASHES}
    assert hashes == KNOWN_CODE_HASHES
    assert len(CREATE2_FACTORY_CODE) == 69


def test_preinstalls_are_part_of_the_l2() -> None:
    assert preinstalls().items() <= l2_predeploys().items()
