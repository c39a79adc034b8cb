"""Transaction bytes: every type decodes to what was signed, and nothing else decodes."""

from typing import Any

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.types import Address
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.records import DEPOSIT_TYPE
from openledger_node.evm.signatures import SECP256K1_ORDER, recover_signer
from openledger_node.evm.transactions import decode_stored, decode_transaction
from tests.evm import world
from tests.evm.world import ALICE, ROLLUP

LIST = [{"address": "0x" + "22" * 20, "storageKeys": ["0x" + "33" * 32]}]
AUTHORIZATION = {"chainId": 31338, "address": "0x" + "44" * 20, "nonce": 3}


def _by_type() -> dict[int, bytes]:
    legacy: dict[str, Any] = {"type": None, "maxFeePerGas": None, "maxPriorityFeePerGas": None, "gasPrice": 7}
    signed = ALICE.account.sign_authorization(AUTHORIZATION)
    blob_hash = b"\1" + b"\2" * 31
    return {
        0: ALICE.sign(ROLLUP, **legacy),
        1: ALICE.sign(ROLLUP, **{**legacy, "type": 1, "accessList": LIST}),
        2: ALICE.sign(ROLLUP, accessList=LIST),
        3: ALICE.sign(ROLLUP, type=3, maxFeePerBlobGas=9, blobVersionedHashes=[blob_hash]),
        4: ALICE.sign(ROLLUP, type=4, authorizationList=[signed]),
        DEPOSIT_TYPE: world.deposit(ALICE.address, None, mint_wei=5, value_wei=6, data=b"d"),
    }


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, DEPOSIT_TYPE])
def test_each_type_decodes(kind: int) -> None:
    raw = _by_type()[kind]
    decoded = decode_transaction(raw, ROLLUP.chain_id)
    assert decoded.type == kind
    assert decoded.sender == ALICE.address
    assert decoded.raw == raw
    assert decode_stored(raw, ROLLUP.chain_id, ALICE.address) == decoded
    if kind in (0, 1):
        assert decoded.max_fee_wei == decoded.max_priority_fee_wei == 7
    if kind in (1, 2):
        assert decoded.access_list[0].address == b"\x22" * 20
        assert decoded.access_list[0].slots == (b"\x33" * 32,)
    if kind == 3:
        assert decoded.max_blob_fee_wei == 9
        assert len(decoded.blob_hashes) == 1
    if kind == 4:
        assert decoded.authorizations[0].nonce == 3
    if kind == DEPOSIT_TYPE:
        assert decoded.deposit is not None
        assert decoded.deposit.mint_wei == 5


def test_hash_is_the_one_that_signers_report() -> None:
    fields = {"nonce": 1, "gas": 21_000, "gasPrice": 5, "to": "0x" + "11" * 20, "value": 0, "chainId": 31338}
    signed = Account.sign_transaction(fields, ALICE.account.key)
    assert decode_transaction(bytes(signed.raw_transaction), 31338).hash == bytes(signed.hash)


def test_unprotected_legacy_transactions_have_no_chain() -> None:
    fields = {"nonce": 1, "gas": 21_000, "gasPrice": 5, "to": "0x" + "11" * 20, "value": 0}
    raw = bytes(Account.sign_transaction(fields, ALICE.account.key).raw_transaction)
    decoded = decode_transaction(raw, 31338)
    assert decoded.chain_id is None
    assert decoded.sender == ALICE.address


@settings(max_examples=300)
@given(
    kind=st.sampled_from([0, 1, 2, 3, 4, DEPOSIT_TYPE]),
    position=st.integers(0, 10_000),
    value=st.integers(0, 255),
)
def test_a_mutated_byte_gives_another_transaction_or_none(kind: int, position: int, value: int) -> None:
    raw = bytearray(_BY_TYPE[kind])
    raw[position % len(raw)] = value
    try:
        decoded = decode_transaction(bytes(raw), ROLLUP.chain_id)
    except TransactionError:
        return
    assert decoded.raw == raw
    original = decode_transaction(_BY_TYPE[kind], ROLLUP.chain_id)
    assert (decoded.hash == original.hash) == (bytes(raw) == original.raw)
    if bytes(raw) != original.raw and kind != DEPOSIT_TYPE:
        assert decoded.sender != original.sender


_BY_TYPE = _by_type()


@given(st.binary(max_size=200))
def test_junk_is_refused_as_a_user_error(junk: bytes) -> None:
    with pytest.raises(TransactionError):
        decode_transaction(junk, ROLLUP.chain_id)


def test_high_s_and_out_of_range_values_recover_nobody() -> None:
    digest = decode_transaction(_BY_TYPE[2], ROLLUP.chain_id).hash
    assert recover_signer(digest, 0, 1, SECP256K1_ORDER // 2 + 1) is None
    assert recover_signer(digest, 2, 1, 1) is None
    assert recover_signer(digest, 0, 0, 1) is None
    assert recover_signer(digest, 0, SECP256K1_ORDER, 1) is None
    # No point of the curve has this x.
    assert recover_signer(digest, 0, 5, 1) is None


def test_deposit_with_a_boolean_that_is_none_is_refused() -> None:
    raw = bytearray(world.deposit(Address(b"\1" * 20), None, is_system=True, data=b"abc"))
    index = bytes(raw).rindex(b"\x01\x83abc")
    raw[index] = 2
    with pytest.raises(TransactionError, match="boolean"):
        decode_transaction(bytes(raw), ROLLUP.chain_id)
