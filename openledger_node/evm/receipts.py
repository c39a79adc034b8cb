"""How a receipt is encoded and what its bloom is.

Source: EIP-658, EIP-2718; OP Stack specification, Canyon (deposit nonce and receipt version).
"""

from collections.abc import Iterable
from functools import lru_cache

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.evm.records import DEPOSIT_TYPE, Log, Receipt
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

BLOOM_BYTES = 256
EMPTY_BLOOM = bytes(BLOOM_BYTES)
_DEPOSIT_RECEIPT_VERSION = 1
_REMEMBERED_ENTRIES = 8_192
"""Emitters, events and the accounts in their topics come again and again."""


@lru_cache(_REMEMBERED_ENTRIES)
def _bloom_bits(entry: bytes) -> int:
    digest = keccak256(entry)
    bits = 0
    for i in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[i : i + 2], "big") & 2047)
    return bits


def logs_bloom(logs: Iterable[Log]) -> bytes:
    """The 256-byte bloom of these logs' addresses and topics."""
    bloom = 0
    for log in logs:
        bloom |= _bloom_bits(log.address)
        for topic in log.topics:
            bloom |= _bloom_bits(topic)
    return bloom.to_bytes(BLOOM_BYTES, "big")


def join_blooms(blooms: Iterable[bytes]) -> bytes:
    """The bloom of a block from those of its receipts."""
    joined = 0
    for bloom in blooms:
        if bloom is not EMPTY_BLOOM:
            joined |= int.from_bytes(bloom, "big")
    return joined.to_bytes(BLOOM_BYTES, "big")


def bloom_may_hold(bloom: bytes, entry: bytes) -> bool:
    """False only if no log with this address or topic is under the bloom."""
    bits = _bloom_bits(entry)
    return int.from_bytes(bloom, "big") & bits == bits


def log_item(log: Log) -> Item:
    """A log as RLP takes it."""
    return [log.address, list(log.topics), log.data]


def encode_receipt(transaction_type: int, receipt: Receipt) -> bytes:
    """Consensus encoding, type byte included."""
    fields: list[Item] = [
        receipt.state_root or (b"\x01" if receipt.succeeded else b""),
        uint(receipt.cumulative_gas_used),
        receipt.bloom,
        [log_item(log) for log in receipt.logs],
    ]
    if transaction_type == DEPOSIT_TYPE:
        assert receipt.deposit_nonce is not None
        fields += [uint(receipt.deposit_nonce), uint(_DEPOSIT_RECEIPT_VERSION)]
    encoded = encode(fields)
    return encoded if transaction_type == 0 else bytes((transaction_type,)) + encoded


def decode_receipt(encoded: bytes) -> Receipt:
    """What the consensus encoding tells, which is enough to encode it again; gas used and price are 0.

    Raises `RlpError`.
    """
    items = decode_list(encoded[1:] if encoded[:1] < b"\x80" else encoded)
    if len(items) not in (4, 6):
        raise RlpError(f"rlp: expected four or six receipt fields, got {len(items)}")
    status = to_bytes(items[0])
    return Receipt(
        succeeded=status == b"\x01",
        gas_used=0,
        cumulative_gas_used=to_uint(items[1], 64),
        effective_gas_price_wei=0,
        logs=tuple(_log(to_list(item)) for item in to_list(items[3])),
        bloom=to_fixed(items[2], BLOOM_BYTES),
        deposit_nonce=to_uint(items[4], 64) if len(items) == 6 else None,
        state_root=Hash32(status) if len(status) == 32 else None,
    )


def _log(items: list[Item]) -> Log:
    if len(items) != 3:
        raise RlpError(f"rlp: expected three log fields, got {len(items)}")
    topics = tuple(Hash32(to_fixed(topic, 32)) for topic in to_list(items[1]))
    return Log(Address(to_fixed(items[0], 20)), topics, to_bytes(items[2]))
