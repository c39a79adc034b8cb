"""How a transaction that nobody signed is encoded: for simulations, and for clients who sign themselves.

Covered: every type a user can send, with zeros or a development chain's mark for a signature.
Not covered: signing (`signing.py`).
Source: EIP-2718 and the EIPs of the types; geth encodes a missing signature as zeros.
"""

from dataclasses import replace

from genesis.keccak import keccak256
from openledger_node.evm.impersonation import mark_of
from openledger_node.evm.records import Transaction
from openledger_node.evm.rlp_codec import Item, encode, uint
from openledger_node.evm.transactions import ACCESS_LIST, BLOB, LEGACY, SET_CODE

PROTECTED_V = 35
"""Added to twice the chain id. Source: EIP-155."""


def with_encoding(transaction: Transaction) -> Transaction:
    """The transaction with `raw` and `hash` as they are without a signature."""
    return encoded(replace(transaction, v=0, r=0, s=0))


def impersonated(transaction: Transaction) -> Transaction:
    """The transaction with its sender's mark for a signature."""
    r, s = mark_of(transaction.sender)
    v = PROTECTED_V + 2 * (transaction.chain_id or 0) if transaction.type == LEGACY else 0
    return encoded(replace(transaction, v=v, r=r, s=s))


def encoded(transaction: Transaction) -> Transaction:
    """The transaction with `raw` and `hash` as its other fields say."""
    raw = _encode(transaction, [uint(transaction.v), uint(transaction.r), uint(transaction.s)])
    return replace(transaction, raw=raw, hash=keccak256(raw))


def signed_message(transaction: Transaction) -> bytes:
    """What the sender signs, its chain id included."""
    protection: list[Item] = [uint(transaction.chain_id or 0), b"", b""]
    return _encode(transaction, protection if transaction.type == LEGACY else [])


def _encode(transaction: Transaction, last: list[Item]) -> bytes:
    if transaction.type == LEGACY:
        return encode([uint(transaction.nonce), uint(transaction.max_fee_wei), *_message(transaction), *last])
    fees: list[Item] = [uint(transaction.max_fee_wei)]
    if transaction.type != ACCESS_LIST:
        fees.insert(0, uint(transaction.max_priority_fee_wei))
    fields: list[Item] = [
        uint(transaction.chain_id or 0),
        uint(transaction.nonce),
        *fees,
        *_message(transaction),
        [[entry.address, list(entry.slots)] for entry in transaction.access_list],
        *_own(transaction),
        *last,
    ]
    return bytes((transaction.type,)) + encode(fields)


def _message(transaction: Transaction) -> list[Item]:
    return [uint(transaction.gas), transaction.to or b"", uint(transaction.value_wei), transaction.data]


def _own(transaction: Transaction) -> list[Item]:
    """The fields that only this type has."""
    if transaction.type == BLOB:
        return [uint(transaction.max_blob_fee_wei), list(transaction.blob_hashes)]
    if transaction.type == SET_CODE:
        return [
            [
                [
                    uint(item.chain_id),
                    item.address,
                    uint(item.nonce),
                    uint(item.y_parity),
                    uint(item.r),
                    uint(item.s),
                ]
                for item in transaction.authorizations
            ]
        ]
    return []
