"""How bytes become nested lists and back: RLP, strict on input from strangers.

Covered: canonical form, nesting depth (the native decoder recurses, so a deep enough input would end the
process). Not covered: what the items mean.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

try:
    from rusty_rlp import DecodingError, decode_raw, encode_raw
except ImportError:  # no wheel for CPython 3.13
    from rlp.codec import decode_raw, encode_raw
    from rlp.exceptions import DecodingError

Item: TypeAlias = "bytes | Sequence[Item]"

_STRING, _LONG_STRING, _LIST = 0x80, 0xB8, 0xC0
_MAXIMUM_DEPTH = 16
_SHALLOW_BYTES = 4096
"""Inputs up to this size cannot nest deep enough to harm."""


class RlpError(ValueError):
    """Input that is not canonical RLP of the expected shape."""


def encode(item: Item) -> bytes:
    """RLP of bytes or of a (nested) list or tuple of bytes."""
    encoded: bytes = encode_raw(item)
    return encoded


def decode(data: bytes) -> Item:
    """The item `data` encodes, lists as `list`. Raises `RlpError`."""
    if len(data) > _SHALLOW_BYTES:
        _check_depth(data)
    try:
        item: Item = decode_raw(data, True, False)[0]
    except DecodingError as error:
        raise RlpError(f"rlp: {error}") from None
    if encode(item) != data:  # the native decoder takes lengths that are not written the shortest way
        raise RlpError("rlp: not the canonical encoding")
    return item


def decode_trusted(data: bytes) -> list[Item]:
    """The list `data` encodes, for what this node has encoded itself: no check of anything.

    Strings are cut here, which is several times faster than the library; nested lists are left to it.
    """
    position, end = _list_span(data, 0)
    items: list[Item] = []
    while position < end:
        prefix = data[position]
        if prefix >= _LIST:
            nested: list[Item] = decode_raw(data, True, False)[0]
            return nested
        if prefix < _STRING:
            items.append(data[position : position + 1])
            position += 1
            continue
        start = position + 1
        position = start + prefix - _STRING
        if prefix >= _LONG_STRING:
            start += prefix - _LONG_STRING + 1
            position = start + int.from_bytes(data[start - prefix + _LONG_STRING - 1 : start], "big")
        items.append(data[start:position])
    return items


def decode_list(data: bytes) -> list[Item]:
    """Like `decode`, for input that must be a list. Raises `RlpError`."""
    item = decode(data)
    if not isinstance(item, list):
        raise RlpError("rlp: expected a list")
    return item


def split(data: bytes) -> Iterator[bytes]:
    """The encodings of the lists that `data` is a row of. Raises `RlpError`."""
    position = 0
    while position < len(data):
        if data[position] < 0xC0:
            raise RlpError("rlp: expected a list")
        end = _list_span(data, position)[1]
        if end > len(data):
            raise RlpError("rlp: the last list is not whole")
        yield data[position:end]
        position = end


def uint(value: int) -> bytes:
    """Shortest big-endian bytes of a non-negative integer, the form RLP integers have."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def to_uint(item: Item, bits: int = 256) -> int:
    """Integer below 2**bits. Raises `RlpError` on lists, leading zeros and overflow."""
    if not isinstance(item, bytes):
        raise RlpError("rlp: expected an integer")
    if item[:1] == b"\0":
        raise RlpError("rlp: non-canonical integer (leading zero bytes)")
    if len(item) * 8 > bits:
        raise RlpError(f"rlp: integer larger than {bits} bits")
    return int.from_bytes(item, "big")


def to_fixed(item: Item, size: int) -> bytes:
    """Exactly `size` bytes. Raises `RlpError`."""
    if not isinstance(item, bytes) or len(item) != size:
        raise RlpError(f"rlp: expected {size} bytes")
    return item


def to_bytes(item: Item) -> bytes:
    """An item that must not be a list. Raises `RlpError`."""
    if not isinstance(item, bytes):
        raise RlpError("rlp: expected bytes")
    return item


def to_list(item: Item) -> list[Item]:
    """An item that must be a list. Raises `RlpError`."""
    if not isinstance(item, list):
        raise RlpError("rlp: expected a list")
    return item


def _check_depth(data: bytes) -> None:
    """Raises `RlpError` if lists nest deeper than any structure of this protocol."""
    ends = [len(data)]
    position = 0
    while position < len(data):
        while position >= ends[-1]:
            ends.pop()
        prefix = data[position]
        if prefix < 0xC0:
            position = _string_end(data, position)
            continue
        start, end = _list_span(data, position)
        if end > ends[-1] or len(ends) > _MAXIMUM_DEPTH:
            raise RlpError("rlp: lists overlap or nest too deep")
        if end > start:
            ends.append(end)
        position = start


def _string_end(data: bytes, position: int) -> int:
    prefix = data[position]
    if prefix < 0x80:
        return position + 1
    if prefix < 0xB8:
        return position + 1 + prefix - 0x80
    size_end = position + 1 + prefix - 0xB7
    return size_end + int.from_bytes(data[position + 1 : size_end], "big")


def _list_span(data: bytes, position: int) -> tuple[int, int]:
    prefix = data[position]
    if prefix < 0xF8:
        return position + 1, position + 1 + prefix - 0xC0
    start = position + 1 + prefix - 0xF7
    return start, start + int.from_bytes(data[position + 1 : start], "big")
