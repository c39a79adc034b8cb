"""How headers and whole blocks are encoded and hashed.

Covered: shape, canonical form. Not covered: whether a header follows from its parent (`header_rules.py`).
Source: execution-specs, `blocks.py` of every fork.
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
_FIELDS_BEFORE_LONDON = 15
_LONDON_FIELDS = 16
_SHANGHAI_FIELDS = 17
_CANCUN_FIELDS = 20
_PRAGUE_FIELDS = 21
_FIELD_COUNTS = (_FIELDS_BEFORE_LONDON, _LONDON_FIELDS, _SHANGHAI_FIELDS, _CANCUN_FIELDS, _PRAGUE_FIELDS)


def _header_items(header: Header) -> list[Item]:
    """All fields in order; an older header ends earlier."""
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
    ]
    if header.has_base_fee:
        items.append(uint(header.base_fee_wei))
    if header.withdrawals_root:
        items.append(header.withdrawals_root)
    if header.parent_beacon_block_root:
        items += [
            uint(header.blob_gas_used),
            uint(header.excess_blob_gas),
            header.parent_beacon_block_root,
        ]
    if header.requests_hash:
        items.append(header.requests_hash)
    return items


def sealed(header: Header) -> Header:
    """The header with its encoding and hash filled in."""
    encoded = encode(_header_items(header))
    return replace(header, rlp=encoded, hash=keccak256(encoded))


def decode_header(encoded: bytes) -> Header:
    """Raises `RlpError`."""
    return _header(decode_list(encoded))


def _header(items: list[Item]) -> Header:
    count = len(items)
    if count not in _FIELD_COUNTS:
        raise RlpError(f"rlp: expected one of {_FIELD_COUNTS} header fields, got {count}")
    has_blobs = count >= _CANCUN_FIELDS
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
            base_fee_wei=to_uint(items[15]) if count >= _LONDON_FIELDS else 0,
            withdrawals_root=_hash_from(items, 16),
            blob_gas_used=to_uint(items[17], 64) if has_blobs else 0,
            excess_blob_gas=to_uint(items[18], 64) if has_blobs else 0,
            parent_beacon_block_root=_hash_from(items, 19),
            requests_hash=_hash_from(items, 20),
            hash=Hash32(b""),
            rlp=b"",
            has_base_fee=count >= _LONDON_FIELDS,
        )
    )


def _hash_from(items: list[Item], index: int) -> Hash32:
    """Nothing where the header ends before."""
    return Hash32(to_fixed(items[index], 32) if index < len(items) else b"")


def ommers_hash(ommers: tuple[Header, ...]) -> Hash32:
    """What a header commits to as `sha3Uncles`."""
    return keccak256(encode([_header_items(ommer) for ommer in ommers]))


def encode_withdrawal(withdrawal: Withdrawal) -> bytes:
    """RLP of a withdrawal. Source: EIP-4895."""
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
    header: Header,
    transactions: tuple[bytes, ...],
    withdrawals: tuple[Withdrawal, ...] = (),
    ommers: tuple[Header, ...] = (),
) -> bytes:
    """RLP of a whole block: typed transactions are byte strings in it, legacy ones lists."""
    items: list[Item] = [
        _header_items(header),
        [decode_list(raw) if raw[0] >= 0xC0 else raw for raw in transactions],
        [_header_items(ommer) for ommer in ommers],
    ]
    if header.withdrawals_root:
        items.append([_withdrawal_items(withdrawal) for withdrawal in withdrawals])
    return encode(items)


@dataclass(frozen=True, slots=True)
class RawBlock:
    """A block as it came from somewhere else, not executed."""

    header: Header
    transactions: tuple[bytes, ...]
    withdrawals: tuple[Withdrawal, ...]
    ommers: tuple[Header, ...] = ()


def decode_block(encoded: bytes) -> RawBlock:
    """Raises `RlpError`."""
    items = [to_list(item) for item in decode_list(encoded)]
    if len(items) not in (3, 4):
        raise RlpError(f"rlp: expected three or four block fields, got {len(items)}")
    header_items, transactions, ommers = items[:3]
    header = _header(header_items)
    withdrawals = items[3] if len(items) == 4 else []
    if bool(header.withdrawals_root) != (len(items) == 4):
        raise RlpError("rlp: a block has withdrawals if its header has their root")
    return RawBlock(
        header=header,
        transactions=tuple(_raw_transaction(item) for item in transactions),
        withdrawals=tuple(_withdrawal(item) for item in withdrawals),
        ommers=tuple(_header(to_list(item)) for item in ommers),
    )


def _raw_transaction(item: Item) -> bytes:
    if isinstance(item, bytes):
        if item[:1] >= b"\x80" or not item:
            raise RlpError("rlp: a transaction in a string must be typed")
        return item
    if not all(isinstance(field, bytes) for field in item):
        raise RlpError("rlp: a legacy transaction is a list of strings")
    return encode(item)
