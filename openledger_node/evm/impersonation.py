"""Who sends a transaction that a development chain takes without a key: the sender stands where r would be.

Covered: how such a transaction is marked and read. Not covered: who may ask for it (`rpc/dev.py`). A chain
reads the mark only after it was told to, and then belongs to no L1 any more: elsewhere the same bytes are a
signature, of nobody in particular.
"""

from genesis.types import Address
from openledger_node.evm.records import Transaction
from openledger_node.evm.rlp_codec import Item, RlpError, decode_list

_MARK = b"impersonated"
_S = 1


def mark_of(sender: Address) -> tuple[int, int]:
    """r and s of a transaction of this sender."""
    return int.from_bytes(_MARK + sender, "big"), _S


def is_impersonated(transaction: Transaction) -> bool:
    """Whether a transaction bears the mark in place of a signature."""
    return (transaction.r, transaction.s) == mark_of(transaction.sender)


def impersonated_sender(raw: bytes) -> Address | None:
    """The sender that a marked transaction names, None for any other bytes."""
    try:
        fields = decode_list(raw if raw[:1] >= b"\xc0" else raw[1:])
    except RlpError:
        return None
    return _named(fields[-2], fields[-1]) if len(fields) > 2 else None


def _named(r: Item, s: Item) -> Address | None:
    if s != bytes((_S,)) or not isinstance(r, bytes) or len(r) != len(_MARK) + 20:
        return None
    return Address(r[len(_MARK) :]) if r.startswith(_MARK) else None
