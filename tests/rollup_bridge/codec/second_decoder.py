"""A second decoder of channels, written differently on purpose: the rlp package, whole-stream zlib, slices.

It knows well-formed data only and says so with `ValueError`; where the first decoder accepts all of a
channel, this one must read the same.
"""

import zlib
from typing import Any

import rlp


def frames(calldata: bytes) -> list[tuple[bytes, int, bytes, bool]]:
    """(channel id, number, data, is_last) of each frame."""
    if calldata[:1] != b"\x00":
        raise ValueError("version")
    rest, found = calldata[1:], []
    while rest:
        length = int(rest[18:22].hex() or "0", 16)
        tail = rest[22 + length : 23 + length]
        if len(rest) < 23 + length or length > 10**6 or tail not in (b"\x00", b"\x01"):
            raise ValueError("frame")
        found.append((rest[:16], int(rest[16:18].hex(), 16), rest[22 : 22 + length], tail == b"\x01"))
        rest = rest[23 + length :]
    if not found:
        raise ValueError("empty")
    return found


def batches(channel: bytes) -> list[tuple[bytes, int, bytes, int, tuple[bytes, ...]]]:
    """(parent hash, epoch number, epoch hash, timestamp, transactions) of each singular batch."""
    plain, found = zlib.decompress(channel), []
    while plain:
        item = rlp.decode(plain, strict=False)
        plain = plain[len(rlp.encode(item)) :]
        found.append(batch(item))
    return found


def batch(encoded: bytes) -> tuple[bytes, int, bytes, int, tuple[bytes, ...]]:
    if encoded[:1] != b"\x00":
        raise ValueError("kind")
    fields: Any = rlp.decode(encoded[1:])
    parent, number, epoch, time_s, transactions = fields
    return (
        parent,
        rlp.sedes.big_endian_int.deserialize(number),
        epoch,
        rlp.sedes.big_endian_int.deserialize(time_s),
        tuple(transactions),
    )
