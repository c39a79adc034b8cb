"""Keys: known addresses, signatures the precompiles accept, nothing else recovered."""

import pytest
from eth_account import Account as EthAccount
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.client.account import (
    SECP256K1_HALF_ORDER,
    TransactionFields,
    dev_account,
    recover_signer,
)

ORDER = 2 * SECP256K1_HALF_ORDER + 1
DIGEST = keccak256(b"something")


def test_dev_accounts_are_the_ones_everybody_knows() -> None:
    assert dev_account(0).address.hex() == "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"
    assert dev_account(9).address.hex() == "a0ee7a142d267c1f36714e4a8f75612f20a79720"


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(0, 3))
def test_a_signature_names_its_signer(digest: bytes, index: int) -> None:
    account = dev_account(index)
    signature = account.sign_digest(Hash32(digest))
    assert recover_signer(Hash32(digest), signature) == account.address
    assert int.from_bytes(signature[32:64], "big") <= SECP256K1_HALF_ORDER


@pytest.mark.parametrize("length", [0, 64, 66])
def test_other_lengths_are_nobody(length: int) -> None:
    assert recover_signer(DIGEST, bytes(length)) is None


def test_the_mirrored_signature_is_nobody() -> None:
    signature = dev_account(0).sign_digest(DIGEST)
    mirrored_s = ORDER - int.from_bytes(signature[32:64], "big")
    mirrored = signature[:32] + mirrored_s.to_bytes(32, "big") + bytes([55 - signature[64]])
    assert recover_signer(DIGEST, mirrored) is None


@pytest.mark.parametrize("v", [0, 1, 26, 29, 35])
def test_only_27_and_28_are_parities(v: int) -> None:
    signature = dev_account(0).sign_digest(DIGEST)
    assert recover_signer(DIGEST, signature[:64] + bytes([v])) is None


@given(st.binary(min_size=64, max_size=64))
def test_noise_never_raises(noise: bytes) -> None:
    recover_signer(DIGEST, noise + b"\x1b")


def test_transactions_recover_to_their_sender() -> None:
    fields = TransactionFields(
        chain_id=31338,
        nonce=3,
        to=Address(b"\x01" * 20),
        value_wei=5,
        data=b"\x02",
        gas=50_000,
        max_fee_wei=10,
        max_priority_fee_wei=1,
    )
    raw = dev_account(4).sign_transaction(fields)
    assert raw[0] == 2
    assert bytes.fromhex(EthAccount.recover_transaction(raw)[2:]) == dev_account(4).address


def test_the_key_is_not_in_the_representation() -> None:
    assert repr(dev_account(0)) == "Account(0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266)"
