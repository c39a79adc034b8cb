"""Writes span batches, for tests only, from whole transactions: the way back of `codec.span_batch`."""

import itertools
from collections.abc import Sequence
from typing import Any

import rlp


def uvarint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def bits(flags: Sequence[bool]) -> bytes:
    number = sum(1 << index for index, flag in enumerate(flags) if flag)
    return number.to_bytes(-(-len(flags) // 8), "big")


def encode_span(
    *,
    relative_time_s: int,
    parent_check: bytes,
    origin_check: bytes,
    blocks: Sequence[tuple[int, Sequence[bytes]]],
    first_origin_changes: bool = False,
) -> bytes:
    """`blocks` are (epoch number, raw transactions)."""
    epochs = [epoch for epoch, _ in blocks]
    changes = [first_origin_changes, *(now != before for before, now in itertools.pairwise(epochs))]
    head = uvarint(relative_time_s) + uvarint(epochs[-1]) + parent_check + origin_check
    counts = b"".join(uvarint(len(transactions)) for _, transactions in blocks)
    transactions = [raw for _, raws in blocks for raw in raws]
    return b"\x01" + head + uvarint(len(blocks)) + bits(changes) + counts + _columns(transactions)


def _columns(transactions: Sequence[bytes]) -> bytes:
    parts = [_split(raw) for raw in transactions]
    legacy = [part for part in parts if part["type"] == 0]
    return b"".join(
        (
            bits([not part["to"] for part in parts]),
            bits([part["parity"] for part in parts]),
            *(part["r"].rjust(32, b"\0") + part["s"].rjust(32, b"\0") for part in parts),
            *(part["to"] for part in parts),
            *(part["data"] for part in parts),
            *(uvarint(int.from_bytes(part["nonce"], "big")) for part in parts),
            *(uvarint(int.from_bytes(part["gas"], "big")) for part in parts),
            bits([part["protected"] for part in legacy]),
        )
    )


def _split(raw: bytes) -> dict[str, Any]:
    if raw[0] >= 0xC0:
        nonce, price, gas, to, value, data, v, r, s = rlp.decode(raw)
        number = int.from_bytes(v, "big")
        protected = number not in (27, 28)
        parity = bool((number - 35) % 2 if protected else number - 27)
        payload = rlp.encode([value, price, data])
        kind = 0
    else:
        kind, fields = raw[0], rlp.decode(raw[1:])
        protected = True
        if kind == 1:
            _, nonce, price, gas, to, value, data, access, parity_bytes, r, s = fields
            tail = [value, price, data, access]
        elif kind == 2:
            _, nonce, tip, fee, gas, to, value, data, access, parity_bytes, r, s = fields
            tail = [value, tip, fee, data, access]
        else:
            _, nonce, tip, fee, gas, to, value, data, access, authorizations, parity_bytes, r, s = fields
            tail = [value, tip, fee, data, access, authorizations]
        parity = parity_bytes == b"\x01"
        payload = bytes([kind]) + rlp.encode(tail)
    return {
        "type": kind,
        "nonce": nonce,
        "gas": gas,
        "to": to,
        "data": payload,
        "r": r,
        "s": s,
        "parity": parity,
        "protected": protected,
    }
