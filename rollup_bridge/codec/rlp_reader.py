"""How to read the fixed RLP shapes found in L1 data without trusting them.

Covered: canonical lengths and integers, bounds, exact field counts; never recursion, so nesting costs
nothing.
Not covered: encoding, which the `rlp` package does.
Source: Ethereum yellow paper, appendix B; rules of canonical form as in go-ethereum's decoder.
"""

from dataclasses import dataclass

from rollup_bridge.errors import MalformedError

_SINGLE = 0x80
_SHORT = 55


@dataclass(frozen=True, slots=True)
class Item:
    """One RLP item inside a buffer: payload is `data[start:end]`, the whole encoding `data[at:end]`."""

    is_list: bool
    at: int
    start: int
    end: int


def read_item(data: bytes, at: int) -> Item:
    """The item that begins at offset `at`; `MalformedError` if it is cut off or not canonical."""
    if at >= len(data):
        raise MalformedError("RLP ends where an item should begin")
    prefix = data[at]
    if prefix < _SINGLE:
        return Item(False, at, at, at + 1)
    is_list = prefix >= 0xC0
    size = prefix - (0xC0 if is_list else 0x80)
    start = at + 1
    if size > _SHORT:
        start, size = _long_size(data, start, size - _SHORT)
    end = start + size
    if end > len(data):
        raise MalformedError("RLP item is longer than its buffer")
    if not is_list and size == 1 and data[start] < _SINGLE:
        raise MalformedError("RLP single byte has a length prefix")
    return Item(is_list, at, start, end)


def _long_size(data: bytes, at: int, width: int) -> tuple[int, int]:
    digits = data[at : at + width]
    if len(digits) < width or digits[0] == 0:
        raise MalformedError("RLP length is cut off or has a leading zero")
    size = int.from_bytes(digits, "big")
    if size <= _SHORT:
        raise MalformedError("RLP length should be in short form")
    return at + width, size


def children(data: bytes, item: Item) -> list[Item]:
    """Direct children of a list, which must fill it exactly."""
    if not item.is_list:
        raise MalformedError("RLP string where a list should be")
    found: list[Item] = []
    at = item.start
    while at < item.end:
        child = read_item(data, at)
        if child.end > item.end:
            raise MalformedError("RLP item crosses the end of its list")
        found.append(child)
        at = child.end
    return found


def fields(data: bytes, item: Item, count: int) -> list[Item]:
    """Children of a list that has exactly `count` of them."""
    found = children(data, item)
    if len(found) != count:
        raise MalformedError(f"RLP list has {len(found)} fields, not {count}")
    return found


def as_bytes(data: bytes, item: Item) -> bytes:
    """An item that must be a string. Raises MalformedError."""
    if item.is_list:
        raise MalformedError("RLP list where a string should be")
    return data[item.start : item.end]


def as_fixed(data: bytes, item: Item, size: int) -> bytes:
    """A string of exactly `size` bytes. Raises MalformedError."""
    value = as_bytes(data, item)
    if len(value) != size:
        raise MalformedError(f"RLP string has {len(value)} bytes, not {size}")
    return value


def as_integer(data: bytes, item: Item, bits: int) -> int:
    """An integer below 2^bits without leading zeros. Raises MalformedError."""
    value = as_bytes(data, item)
    if value[:1] == b"\x00" or int.from_bytes(value, "big") >> bits:
        raise MalformedError(f"RLP integer has leading zeros or more than {bits} bits")
    return int.from_bytes(value, "big")
