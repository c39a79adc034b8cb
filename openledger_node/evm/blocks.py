"""How headers and whole blocks are encoded and hashed.

Covered: shape, canonical form. Not covered: whether a header follows from its parent (`header_rules.py`).
Source: execution-specs, Prague and Cancun `blocks.py`.
"""

import hashlib
from dataclasses import dataclass, replace

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.evm.records import Header, Withdrawal
from openledger_node.evm.rlp_codec import (
    Item,
    RlpError,
    decode_list,
    encode,
    to_bytes,
    to_fixed,
    to_list,
    to_uint,
    uint,
)

EMPTY_OMMERS_HASH = keccak256(encode([]))
NO_REQUESTS_HASH = Hash32(hashlib.sha256(b"").digest())
ZERO_NONCE = bytes(8)
_CANCUN_FIELDS = 20
_PRAGUE_FIELDS = 21


def _header_items(header: Header) -> list[Item]:
    """All fields in order; a Cancun header (no requests hash) has the last one missing."""
    items: list[Item] = [
        header.parent_hash,
        header.ommers_hash,
        header.coinbase,
        header.state_root,
        header.transactions_root,
        header.receipts_root,
        header.bloom,
        uint(header.difficulty),
        uint(header.number),
        uint(header.gas_limit),
        uint(header.gas_used),
        uint(header.timestamp_s),
        header.extra_data,
        header.prev_randao,
        header.nonce,
        uint(header.base_fee_wei),
        header.withdrawals_root,
        uint(header.blob_gas_used),
        uint(header.excess_blob_gas),
        header.parent_beacon_block_root,
    ]
    return [*items, header.requests_hash] if header.requests_hash else items


def sealed(header: Header) -> Header:
    """The header with its encoding and hash filled in."""
    encoded = encode(_header_items(header))
    return replace(header, rlp=encoded, hash=keccak256(encoded))


def decode_header(encoded: bytes) -> Header:
    """Raises `RlpError`."""
    return _header(decode_list(encoded))


def _header(items: list[Item]) -> Header:
    if len(items) not in (_CANCUN_FIELDS, _PRAGUE_FIELDS):
        raise RlpError(f"rlp: expected 20 or 21 header fields, got {len(items)}")
    return sealed(
        Header(
            parent_hash=Hash32(to_fixed(items[0], 32)),
            ommers_hash=Hash32(to_fixed(items[1], 32)),
            coinbase=Address(to_fixed(items[2], 20)),
            state_root=Hash32(to_fixed(items[3], 32)),
            transactions_root=Hash32(to_fixed(items[4], 32)),
            receipts_root=Hash32(to_fixed(items[5], 32)),
            bloom=to_fixed(items[6], 256),
            difficulty=to_uint(items[7]),
            number=to_uint(items[8], 64),
            gas_limit=to_uint(items[9], 64),
            gas_used=to_uint(items[10], 64),
            timestamp_s=to_uint(items[11], 64),
            extra_data=to_bytes(items[12]),
            prev_randao=Hash32(to_fixed(items[13], 32)),
            nonce=to_fixed(items[14], 8),
            base_fee_wei=to_uint(items[15]),
            withdrawals_root=Hash32(to_fixed(items[16], 32)),
            blob_gas_used=to_uint(items[17], 64),
            excess_blob_gas=to_uint(items[18], 64),
            parent_beacon_block_root=Hash32(to_fixed(items[19], 32)),
            requests_hash=Hash32(to_fixed(items[20], 32) if len(items) == _PRAGUE_FIELDS else b""),
            hash=Hash32(b""),
            rlp=b"",
        )
    )


def encode_withdrawal(withdrawal: Withdrawal) -> bytes:
    return encode(_withdrawal_items(withdrawal))


def _withdrawal_items(withdrawal: Withdrawal) -> list[Item]:
    return [
        uint(withdrawal.index),
        uint(withdrawal.validator_index),
        withdrawal.address,
        uint(withdrawal.amount_gwei),
    ]


def _withdrawal(item: Item) -> Withdrawal:
    parts = to_list(item)
    if len(parts) != 4:
        raise RlpError("rlp: expected four withdrawal fields")
    return Withdrawal(
        to_uint(parts[0], 64), to_uint(parts[1], 64), Address(to_fixed(parts[2], 20)), to_uint(parts[3], 64)
    )


def encode_block(
    header: Header, transactions: tuple[bytes, ...], withdrawals: tuple[Withdrawal, ...] = ()
) -> bytes:
    """RLP of a whole block: typed transactions are byte strings in it, legacy ones lists."""
    items: list[Item] = [
        _header_items(header),
        [decode_list(raw) if raw[0] >= 0xC0 else raw for raw in transactions],
        [],
        [_withdrawal_items(withdrawal) for withdrawal in withdrawals],
    ]
    return encode(items)


@dataclass(frozen=True, slots=True)
class RawBlock:
    """A block as it came from somewhere else, not executed."""

    header: Header
    transactions: tuple[bytes, ...]
    withdrawals: tuple[Withdrawal, ...]


def decode_block(encoded: bytes) -> RawBlock:
    """Raises `RlpError`."""
    items = decode_list(encoded)
    if len(items) != 4:
        raise RlpError(f"rlp: expected four block fields, got {len(items)}")
    header, transactions, ommers, withdrawals = (to_list(item) for item in items)
    if ommers:
        raise RlpError("rlp: a block after the merge has no ommers")
    return RawBlock(
        header=_header(header),
        transactions=tuple(_raw_transaction(item) for item in transactions),
        withdrawals=tuple(_withdrawal(item) for item in withdrawals),
    )


def _raw_transaction(item: Item) -> bytes:
    if isinstance(item, bytes):
        if item[:1] >= b"\x80" or not item:
            raise RlpError("rlp: a transaction in a string must be typed")
        return item
    return encode(item)
