"""Transactions without a signature: encoded as the signed ones, but for the signature."""

from dataclasses import replace
from typing import Any

import pytest

from genesis.types import Address, Hash32
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.impersonation import impersonated_sender, is_impersonated, mark_of
from openledger_node.evm.records import AccessListEntry, Authorization, Transaction
from openledger_node.evm.rlp_codec import decode_list
from openledger_node.evm.signing import signed
from openledger_node.evm.transactions import contract_address, decode_transaction
from openledger_node.evm.unsigned import impersonated, with_encoding
from openledger_node.rpc import encode
from tests.evm.world import ALICE, ETHEREUM
from tests.rpc.records import transaction

SOMEONE = Address(b"\x5a" * 20)
LIST = (AccessListEntry(SOMEONE, (Hash32(b"\1" * 32),)),)
KINDS: dict[int, dict[str, Any]] = {
    0: {},
    1: {"access_list": LIST},
    2: {"access_list": LIST, "max_priority_fee_wei": 1},
    3: {"blob_hashes": (Hash32(b"\1" * 32),), "max_blob_fee_wei": 9},
    4: {"authorizations": (Authorization(1, SOMEONE, 2, 1, 3, 4),)},
}


def made(kind: int) -> Transaction:
    price = {"max_fee_wei": 20, "max_priority_fee_wei": 20} if kind < 2 else {}
    fields = {"chain_id": ETHEREUM.chain_id, **price, **KINDS[kind]}
    return replace(transaction(3, type_=kind), **fields)


@pytest.mark.parametrize("kind", KINDS)
def test_impersonated_transactions_decode_to_themselves(kind: int) -> None:
    sent = impersonated(made(kind))
    read = decode_transaction(sent.raw, ETHEREUM.chain_id, impersonation=True)
    assert read == sent
    assert is_impersonated(read)
    assert impersonated_sender(sent.raw) == sent.sender


@pytest.mark.parametrize("kind", KINDS)
def test_elsewhere_the_mark_names_nobody(kind: int) -> None:
    sent = impersonated(made(kind))
    try:
        read = decode_transaction(sent.raw, ETHEREUM.chain_id)
    except TransactionError:
        return
    assert read.sender != sent.sender
    assert not is_impersonated(read)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_signature_zeros_stand_in_its_place(kind: int) -> None:
    encoded = with_encoding(made(kind))
    fields = decode_list(encoded.raw if kind == 0 else encoded.raw[1:])
    assert fields[-3:] == [b"", b"", b""]
    marked = impersonated(made(kind))
    others = decode_list(marked.raw if kind == 0 else marked.raw[1:])
    assert fields[:-3] == others[:-3]


def _fields(item: Authorization) -> dict[str, Any]:
    return {
        "chainId": item.chain_id,
        "address": item.address,
        "nonce": item.nonce,
        "yParity": item.y_parity,
        "r": item.r,
        "s": item.s,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_signed_transactions_are_those_of_another_signer(kind: int) -> None:
    ours = signed(replace(made(kind), sender=ALICE.address), bytes(ALICE.account.key))
    assert decode_transaction(ours.raw, ETHEREUM.chain_id) == ours
    fields = {
        "nonce": ours.nonce,
        "gas": ours.gas,
        "to": ours.to,
        "value": ours.value_wei,
        "data": ours.data,
        "chainId": ours.chain_id,
    }
    price = {"gasPrice": ours.max_fee_wei}
    cap = {"maxFeePerGas": ours.max_fee_wei, "maxPriorityFeePerGas": ours.max_priority_fee_wei}
    lists = {"accessList": encode.access_list(ours.access_list)}
    more: dict[int, dict[str, Any]] = {
        0: price,
        1: price | lists,
        2: cap | lists,
        3: cap | {"maxFeePerBlobGas": ours.max_blob_fee_wei, "blobVersionedHashes": list(ours.blob_hashes)},
        4: cap | {"authorizationList": [_fields(item) for item in ours.authorizations]},
    }
    kinds = {"type": kind} if kind else {}
    theirs = ALICE.account.sign_transaction(fields | kinds | more[kind])
    assert theirs.raw_transaction == ours.raw


@pytest.mark.parametrize("raw", [b"", b"\x02", b"\xc0", b"\x02\xc3\x01\x02\x03", b"\xff\xff"])
def test_other_bytes_have_no_mark(raw: bytes) -> None:
    assert impersonated_sender(raw) is None


def test_signatures_are_no_marks() -> None:
    own = decode_transaction(ALICE.sign(ETHEREUM), ETHEREUM.chain_id, impersonation=True)
    assert own.sender == ALICE.address
    assert not is_impersonated(own)
    assert mark_of(SOMEONE)[0].bit_length() < 256


def test_created_addresses() -> None:
    """Source: the first contract of the first well-known development account."""
    sender = Address(bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266"))
    assert contract_address(sender, 0).hex() == "5fbdb2315678afecb367f032d93f642f64180aa3"
