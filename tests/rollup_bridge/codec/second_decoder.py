"""A second decoder of what a batcher posts, written differently on purpose; shares nothing with the first.

Strings are cut from the front, RLP is read into nested Python lists, bit lists become lists of booleans.
Every function returns None for what is no valid encoding, and never raises.
Source: OP Stack specification (derivation, Fjord, Delta, Isthmus, Ecotone), read anew.
"""

import zlib
from typing import Any, NamedTuple

import brotli
import rlp


class BadError(Exception):
    """Not a valid encoding."""


class Frame(NamedTuple):
    channel: bytes
    number: int
    data: bytes
    last: bool


class Singular(NamedTuple):
    parent: bytes
    epoch: int
    epoch_hash: bytes
    time_s: int
    transactions: list[bytes]


class Span(NamedTuple):
    time_s: int
    parent_check: bytes
    origin_check: bytes
    blocks: list[tuple[int, list[bytes]]]


def frames(calldata: bytes) -> list[Frame] | None:
    try:
        return _frames(calldata)
    except BadError:
        return None


def blob(field_elements: bytes) -> bytes | None:
    """Bit by bit: the 254 usable bits of each field element are its first byte's low 6 and 31 whole bytes."""
    if len(field_elements) != 32 * 4096 or field_elements[1] != 0:
        return None
    size = field_elements[2] << 16 | field_elements[3] << 8 | field_elements[4]
    if size > 130_044:
        return None
    out = bytearray()
    used = -(-(size + 4) // 127) or 1
    for group in range(used):
        chunk = field_elements[128 * group : 128 * group + 128]
        heads = [chunk[at] for at in (0, 32, 64, 96)]
        if any(head >= 64 for head in heads[0 if group else 1 :]):
            return None
        a, b, c, d = (head % 64 for head in heads)
        spread = (a + (b >> 4 & 3) * 64, b % 16 + (d % 16) * 16, c + (d >> 4 & 3) * 64)
        for part, start in enumerate((1, 33, 65, 97)):
            out += chunk[start : start + 31]
            if part < 3:
                out.append(spread[part])
    rest = bytes(out[4 + size :]) + field_elements[128 * used :]
    return None if rest.strip(b"\0") else bytes(out[4 : 4 + size])


def channel(data: bytes, limit: int = 100_000_000) -> list[bytes]:
    """Encoded batches in front of the first damage."""
    plain, found = _plain(data, limit), []
    at = 0
    while at < len(plain):
        try:
            item, at = _rlp(plain, at)
        except BadError:
            break
        if isinstance(item, list):
            break
        found.append(item)
    return found


def batch(encoded: bytes, chain_id: int) -> Singular | Span | None:
    try:
        if encoded[:1] == b"\0":
            return _singular(encoded)
        return _span(encoded, chain_id) if encoded[:1] == b"\1" else None
    except BadError:
        return None


def _frames(calldata: bytes) -> list[Frame]:
    if calldata[:1] != b"\0" or len(calldata) == 1:
        raise BadError
    rest, found = calldata[1:], []
    while rest:
        head, rest = _cut(rest, 22)
        size = int.from_bytes(head[18:], "big")
        if size > 1_000_000:
            raise BadError
        data, rest = _cut(rest, size)
        flag, rest = _cut(rest, 1)
        if flag not in (b"\0", b"\1"):
            raise BadError
        found.append(Frame(head[:16], int.from_bytes(head[16:18], "big"), data, flag == b"\1"))
    return found


def _cut(data: bytes, size: int) -> tuple[bytes, bytes]:
    if len(data) < size:
        raise BadError
    return data[:size], data[size:]


def _plain(data: bytes, limit: int) -> bytes:
    """A byte at a time, so that what comes before the damage is all there is."""
    if data[:1] == b"\1":
        return _fed(brotli.Decompressor(), "process", brotli.error, data[1:], limit)
    if data and data[0] % 16 in (8, 15):
        return _fed(zlib.decompressobj(), "decompress", zlib.error, data, limit)
    return b""


def _fed(stream: Any, method: str, error: type[Exception], data: bytes, limit: int) -> bytes:
    out = bytearray()
    for index in range(len(data)):
        if getattr(stream, "eof", False) or (hasattr(stream, "is_finished") and stream.is_finished()):
            break
        try:
            out += getattr(stream, method)(data[index : index + 1])
        except error:
            break
        if len(out) >= limit:
            break
    return bytes(out[:limit])


def _rlp(data: bytes, at: int, depth: int = 0) -> tuple[Any, int]:
    """One item as bytes or list, and where it ends. No batch nests deeper than 5 lists."""
    kind, start, end = _header(data, at)
    if kind == "string":
        return data[start:end], end
    if depth > 5:
        raise BadError
    items = []
    while start < end:
        item, start = _rlp(data[:end], start, depth + 1)
        items.append(item)
    return items, end


def _header(data: bytes, at: int) -> tuple[str, int, int]:
    if at >= len(data):
        raise BadError
    first = data[at]
    if first <= 0x7F:
        return "string", at, at + 1
    kind, base = ("string", 0x80) if first < 0xC0 else ("list", 0xC0)
    if first - base <= 55:
        start, size = at + 1, first - base
        if kind == "string" and size == 1 and data[start : start + 1] <= b"\x7f":
            raise BadError
    else:
        width = first - base - 55
        start = at + 1 + width
        digits = data[at + 1 : start]
        size = int.from_bytes(digits, "big")
        if len(digits) != width or digits[:1] == b"\0" or size < 56:
            raise BadError
    if start + size > len(data):
        raise BadError
    return kind, start, start + size


def _number(item: Any, bits: int) -> int:
    if not isinstance(item, bytes) or item.startswith(b"\0") or len(item) > bits // 8:
        raise BadError
    return int.from_bytes(item, "big")


def _sized(item: Any, size: int) -> bytes:
    if not isinstance(item, bytes) or len(item) != size:
        raise BadError
    return item


def _singular(encoded: bytes) -> Singular:
    item, _ = _rlp(encoded, 1)
    if not isinstance(item, list) or len(item) != 5 or not isinstance(item[4], list):
        raise BadError
    if any(isinstance(raw, list) for raw in item[4]):
        raise BadError
    parent, epoch_hash = _sized(item[0], 32), _sized(item[2], 32)
    return Singular(parent, _number(item[1], 64), epoch_hash, _number(item[3], 64), item[4])


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 1

    def some(self, size: int) -> bytes:
        piece = self.data[self.at : self.at + size]
        if len(piece) < size:
            raise BadError
        self.at += size
        return piece

    def varint(self) -> int:
        groups = []
        while True:
            byte = self.some(1)[0]
            groups.append(byte & 127)
            if byte < 128:
                break
            if len(groups) == 10:
                raise BadError
        value = sum(group << 7 * index for index, group in enumerate(groups))
        if value >= 1 << 64:
            raise BadError
        return value

    def flags(self, count: int) -> list[bool]:
        raw = self.some((count + 7) // 8)
        digits = "".join(f"{byte:08b}" for byte in raw)[::-1]
        if "1" in digits[count:]:
            raise BadError
        return [digit == "1" for digit in digits[:count]]

    def item(self) -> Any:
        found, self.at = _rlp(self.data, self.at)
        return found


def _span(encoded: bytes, chain_id: int) -> Span:
    reader = _Reader(encoded)
    time_s, last_epoch = reader.varint(), reader.varint()
    parent_check, origin_check = reader.some(20), reader.some(20)
    count = reader.varint()
    if count == 0 or count > 10_000_000:
        raise BadError
    changed = reader.flags(count)
    sizes = []
    for _ in range(count):
        sizes.append(reader.varint())
    if sum(sizes) > 10_000_000:
        raise BadError
    transactions = iter(_transactions(reader, sum(sizes), chain_id))
    behind = [sum(changed[index + 1 :]) for index in range(count)]
    epochs = [(last_epoch - steps) % 2**64 for steps in behind]
    blocks = [
        (epoch, [next(transactions) for _ in range(size)]) for epoch, size in zip(epochs, sizes, strict=True)
    ]
    return Span(time_s, parent_check, origin_check, blocks)


def _transactions(reader: _Reader, count: int, chain_id: int) -> list[bytes]:
    creates, odd = reader.flags(count), reader.flags(count)
    signatures = [(reader.some(32), reader.some(32)) for _ in range(count)]
    tos = [b"" if create else reader.some(20) for create in creates]
    bodies = [_body(reader) for _ in range(count)]
    nonces = [reader.varint() for _ in range(count)]
    gases = [reader.varint() for _ in range(count)]
    protected = iter(reader.flags(sum(kind == 0 for kind, _ in bodies)))
    made = []
    for index, (kind, body) in enumerate(bodies):
        if kind == 4 and creates[index]:
            raise BadError
        r, s = (int.from_bytes(part, "big") for part in signatures[index])
        made.append(
            _whole(
                kind,
                body,
                (chain_id, nonces[index], gases[index], tos[index]),
                (odd[index], kind == 0 and next(protected), r, s),
            )
        )
    return made


def _body(reader: _Reader) -> tuple[int, list[Any]]:
    kind = 0
    if reader.at < len(reader.data) and reader.data[reader.at] < 128:
        kind = reader.some(1)[0]
        if kind not in (1, 2, 4):
            raise BadError
    fields = reader.item()
    if not isinstance(fields, list) or len(fields) != {0: 3, 1: 4, 2: 5, 4: 6}[kind]:
        raise BadError
    prices = 2 if kind in (2, 4) else 1
    for number in fields[: 1 + prices]:
        _number(number, 256)
    if isinstance(fields[1 + prices], list):
        raise BadError
    if kind:
        _access(fields[2 + prices])
    if kind == 4:
        _authorizations(fields[5])
    return kind, fields


def _access(entries: Any) -> None:
    if not isinstance(entries, list):
        raise BadError
    for entry in entries:
        if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[1], list):
            raise BadError
        _sized(entry[0], 20)
        for slot in entry[1]:
            _sized(slot, 32)


def _authorizations(entries: Any) -> None:
    if not isinstance(entries, list):
        raise BadError
    for entry in entries:
        if not isinstance(entry, list) or len(entry) != 6:
            raise BadError
        _sized(entry[1], 20)
        for number, bits in zip((entry[0], *entry[2:]), (256, 64, 8, 256, 256), strict=True):
            _number(number, bits)


def _whole(
    kind: int, body: list[Any], common: tuple[int, int, int, bytes], sealed: tuple[bool, bool, int, int]
) -> bytes:
    chain_id, nonce, gas, to = common
    odd, protected, r, s = sealed
    if kind == 0:
        value, price, data = body
        v = int(odd) + (chain_id * 2 + 35 if protected else 27)
        return bytes(rlp.encode([nonce, price, gas, to, value, data, v, r, s]))
    if kind == 1:
        value, price, data, access = body
        return b"\1" + bytes(
            rlp.encode([chain_id, nonce, price, gas, to, value, data, access, int(odd), r, s])
        )
    value, tip, fee, data, *lists = body
    head = [chain_id, nonce, tip, fee, gas, to, value, data, *lists]
    return bytes([kind]) + bytes(rlp.encode([*head, int(odd), r, s]))
