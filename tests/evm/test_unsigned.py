"""Transactions without a signature: encoded as the signed ones, but for the signature."""

from dataclasses import replace
from typing import Any

import pytest

from genesis.types import Address, Hash32
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.impersonation import impersonated_sender, is_impersonated, mark_of
from openledger_node.evm.records import AccessListEntry, Authorization, Transaction
from openledger_node.evm.rlp_codec import decode_list
from openledger_node.evm.transactions import contract_address, decode_transaction
from openledger_node.evm.unsigned import impersonated, with_encoding
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


@pytest.mark.parametrize("raw", [b"", b"\x02", b"\xc0", b"\x02\xc3\x01\x02\x03", b"\xff\xff"])
def test_other_bytes_have_no_mark(raw: bytes) -> None:
    assert impersonated_sender(raw) is None


def test_signatures_are_no_marks() -> None:
    signed = decode_transaction(ALICE.sign(ETHEREUM), ETHEREUM.chain_id, impersonation=True)
    assert signed.sender == ALICE.address
    assert not is_impersonated(signed)
    assert mark_of(SOMEONE)[0].bit_length() < 256


def test_created_addresses() -> None:
    """Source: the first contract of the first well-known development account."""
    sender = Address(bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266"))
    assert contract_address(sender, 0).hex() == "5fbdb2315678afecb367f032d93f642f64180aa3"
