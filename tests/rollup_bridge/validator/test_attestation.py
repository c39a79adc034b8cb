import pytest

from genesis.keccak import keccak256
from genesis.spec import DEV_L1_CHAIN_ID, BlockId
from openledger_node.client.account import Account
from rollup_bridge.errors import MalformedError
from rollup_bridge.validator.attestation import (
    Attestation,
    SignedAttestation,
    attest_calldata,
    attestation_digest,
    contradict,
    read_attest_calldata,
)
from tests.contracts.rollup import Rollup

FIRST = Attestation(5, keccak256(b"root"), BlockId(keccak256(b"l1"), 77))
OTHER_ROOT = Attestation(5, keccak256(b"another"), FIRST.l1)


def test_the_digest_is_the_contracts(rollup: Rollup) -> None:
    own = attestation_digest(DEV_L1_CHAIN_ID, rollup.at.validator_staking, FIRST)
    assert own == rollup.staking.read("attestationDigest", FIRST.fields)


def test_only_two_roots_of_one_place_contradict() -> None:
    assert contradict(FIRST, OTHER_ROOT)
    assert not contradict(FIRST, FIRST)
    assert not contradict(FIRST, Attestation(6, OTHER_ROOT.root, FIRST.l1))
    assert not contradict(FIRST, Attestation(5, OTHER_ROOT.root, BlockId(keccak256(b"fork"), 77)))


def test_calldata_is_read_back_and_nothing_else_is() -> None:
    signed = SignedAttestation(FIRST, Account(b"\x01" * 32).sign_digest(keccak256(b"")))
    data = attest_calldata(signed)
    assert read_attest_calldata(data) == signed
    for wrong in (b"", data[:4], data[:-40], b"\0" * 4 + data[4:]):
        with pytest.raises(MalformedError):
            read_attest_calldata(wrong)
