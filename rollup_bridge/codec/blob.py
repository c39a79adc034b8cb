"""How bytes fit into an EIP-4844 blob: 4,096 field elements of 254 usable bits.

Every field element has 6 bits in its first byte and 31 whole bytes; four of them carry 127 bytes: 4 times 31,
and three more rebuilt from the four times 6 bits. One version byte and a 24-bit length stand in front.
Source: OP Stack specification, Ecotone, "Blob Encoding".
"""

from rollup_bridge.errors import MalformedError

FIELD_ELEMENTS = 4096
BLOB_BYTES = FIELD_ELEMENTS * 32
_GROUPS = FIELD_ELEMENTS // 4
_HEADER_BYTES = 4
MAX_BLOB_DATA_BYTES = _GROUPS * 127 - _HEADER_BYTES
"""130,044."""
ENCODING_VERSION = 0
_SIX = 0x3F


def encode_blob(data: bytes) -> bytes:
    """A blob that carries `data`; `ValueError` above 130,044 bytes."""
    if len(data) > MAX_BLOB_DATA_BYTES:
        raise ValueError(f"{len(data)} bytes do not fit a blob")
    plain = bytes([ENCODING_VERSION]) + len(data).to_bytes(3, "big") + data
    plain = plain.ljust(_GROUPS * 127, b"\x00")
    return b"".join(_pack(plain[at : at + 127]) for at in range(0, len(plain), 127))


def decode_blob(blob: bytes) -> bytes:
    """The bytes a blob carries; `MalformedError` on a bad version or length, on a field element with a high
    bit set (the first one excepted), or on anything but zeros behind the data."""
    if len(blob) != BLOB_BYTES:
        raise MalformedError(f"a blob has {BLOB_BYTES} bytes")
    size = int.from_bytes(blob[2:5], "big")
    if blob[1] != ENCODING_VERSION or size > MAX_BLOB_DATA_BYTES:
        raise MalformedError("unknown blob version or length")
    groups = max(1, -(-(size + _HEADER_BYTES) // 127))
    plain = _unpack(bytes([blob[0] & _SIX]) + blob[1:128])
    plain += b"".join(_unpack(blob[at : at + 128]) for at in range(128, groups * 128, 128))
    if any(plain[_HEADER_BYTES + size :]) or any(blob[groups * 128 :]):
        raise MalformedError("something lies behind a blob's data")
    return plain[_HEADER_BYTES : _HEADER_BYTES + size]


def _pack(group: bytes) -> bytes:
    """127 bytes to four field elements: x, y and z are the bytes that are spread over the 6-bit places."""
    x, y, z = group[31], group[63], group[95]
    return b"".join(
        (
            bytes([x & _SIX]) + group[0:31],
            bytes([(y & 0x0F) | ((x & 0xC0) >> 2)]) + group[32:63],
            bytes([z & _SIX]) + group[64:95],
            bytes([((z & 0xC0) >> 2) | ((y & 0xF0) >> 4)]) + group[96:127],
        )
    )


def _unpack(group: bytes) -> bytes:
    a, b, c, d = group[0], group[32], group[64], group[96]
    if (a | b | c | d) & 0xC0:
        raise MalformedError("a field element has its high bits set")
    x = (a & _SIX) | ((b & 0x30) << 2)
    y = (b & 0x0F) | ((d & 0x0F) << 4)
    z = (c & _SIX) | ((d & 0x30) << 2)
    return b"".join(
        (group[1:32], bytes([x]), group[33:64], bytes([y]), group[65:96], bytes([z]), group[97:128])
    )
