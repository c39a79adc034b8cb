"""Blobs beside their transaction: the network form and its proofs."""

import random
from dataclasses import replace
from typing import Any

import ckzg
import pytest
from eth.precompiles.point_evaluation import TRUSTED_SETUP_PATH
from eth_account import Account

from openledger_node.evm.blob_proofs import is_proven, versioned_hash
from openledger_node.evm.blobs import Sidecar, check_sidecar, split_network_form
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.records import Transaction
from openledger_node.evm.rlp_codec import decode_list, encode
from openledger_node.evm.transactions import decode_transaction

CHAIN_ID = 1
INFINITY = b"\xc0" + bytes(47)
ZERO_BLOB = bytes(131_072)
"""The zero polynomial: commitment and proof are the point at infinity."""


def network_form(*blobs: bytes) -> bytes:
    """A signed blob transaction whose blobs are all zero, as a client sends it."""
    fields: dict[str, Any] = {
        "type": 3,
        "chainId": CHAIN_ID,
        "nonce": 0,
        "gas": 21_000,
        "maxFeePerGas": 1,
        "maxPriorityFeePerGas": 1,
        "maxFeePerBlobGas": 1,
        "to": "0x" + "00" * 20,
        "value": 0,
        "data": b"",
        "blobVersionedHashes": [versioned_hash(INFINITY)] * len(blobs),
    }
    signed = bytes(Account.from_key(b"\1" * 32).sign_transaction(fields).raw_transaction)
    points = [INFINITY] * len(blobs)
    return signed[:1] + encode([decode_list(signed[1:]), list(blobs), points, points])


@pytest.fixture(scope="module")
def sent() -> tuple[Transaction, Sidecar]:
    canonical, sidecar = split_network_form(network_form(ZERO_BLOB, ZERO_BLOB))
    assert sidecar is not None
    return decode_transaction(canonical, CHAIN_ID), sidecar


def test_the_network_form_is_taken_apart(sent: tuple[Transaction, Sidecar]) -> None:
    transaction, sidecar = sent
    assert transaction.type == 3
    assert sidecar.blobs == (ZERO_BLOB, ZERO_BLOB)
    check_sidecar(transaction, sidecar)
    assert split_network_form(transaction.raw) == (transaction.raw, None)
    assert split_network_form(b"\x02\xc0") == (b"\x02\xc0", None)


def test_blobs_must_be_there_and_match(sent: tuple[Transaction, Sidecar]) -> None:
    transaction, sidecar = sent
    with pytest.raises(TransactionError, match="missing sidecar"):
        check_sidecar(transaction, None)
    with pytest.raises(TransactionError, match="invalid number"):
        check_sidecar(transaction, replace(sidecar, proofs=(INFINITY,)))
    other = replace(sidecar, commitments=(INFINITY, b"\x80" + bytes(47)))
    with pytest.raises(TransactionError, match="blob 1: commitment"):
        check_sidecar(transaction, other)
    with pytest.raises(TransactionError, match="invalid blob 0"):
        check_sidecar(transaction, replace(sidecar, blobs=(b"\0" * 31 + b"\1" + ZERO_BLOB[32:], ZERO_BLOB)))


@pytest.mark.parametrize("raw", [b"\x03", b"\x03\xc2\xc0\x01", b"\x03\xc4\xc0\xc0\xc0\x01", b"\x03\xff"])
def test_what_is_no_network_form_is_refused(raw: bytes) -> None:
    with pytest.raises(TransactionError, match="rlp"):
        decode_transaction(split_network_form(raw)[0], CHAIN_ID)


def test_a_blob_of_numbers_outside_the_field_proves_nothing() -> None:
    assert is_proven(ZERO_BLOB, INFINITY, INFINITY)
    assert not is_proven(b"\xff" * 131_072, INFINITY, INFINITY)
    assert not is_proven(ZERO_BLOB, b"\xff" * 48, INFINITY)
    assert not is_proven(ZERO_BLOB, INFINITY, bytes(48))


@pytest.mark.slow
def test_proofs_agree_with_the_reference_library() -> None:
    """Loading its setup takes seconds."""
    setup = ckzg.load_trusted_setup(TRUSTED_SETUP_PATH, 0)
    numbers = random.Random(4)
    for _ in range(4):
        blob = b"".join(numbers.randrange(2**254).to_bytes(32, "big") for _ in range(4_096))
        commitment = ckzg.blob_to_kzg_commitment(blob, setup)
        proof = ckzg.compute_blob_kzg_proof(blob, commitment, setup)
        assert is_proven(blob, commitment, proof)
        assert not is_proven(blob[:31] + bytes((blob[31] ^ 1,)) + blob[32:], commitment, proof)
