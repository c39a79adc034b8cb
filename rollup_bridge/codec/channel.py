"""How a channel's bytes become batches and back: compression, bounded, and the RLP strings inside.

Covered: decompression bombs (a limit on output), cut-off and corrupt streams (whole batches before the damage
count, exactly to the byte), unknown compression.
Not covered: what a batch means; see `batch` and `span_batch`.
Source: OP Stack specification, derivation, "Channel Format"; Fjord, "Brotli Channel Compression".
"""

import contextlib
import zlib
from collections.abc import Iterable, Iterator

import brotli
import rlp

from rollup_bridge.codec import rlp_reader
from rollup_bridge.errors import MalformedError

MAX_CHANNEL_RLP_BYTES = 100_000_000
_ZLIB_METHODS = (8, 15)
_BROTLI_VERSION = 1
_STEP_BYTES = 4096
_OUTPUT_BYTES = 1 << 16


def compress_channel(batches: Iterable[bytes]) -> bytes:
    """A zlib channel of encoded batches."""
    return zlib.compress(b"".join(rlp.encode(batch) for batch in batches), 9)


def read_channel(data: bytes, limit_bytes: int = MAX_CHANNEL_RLP_BYTES) -> Iterator[bytes]:
    """Encoded batches of a complete channel, up to the first damage. Never raises on bad input.

    Whoever reads stops at the first batch that is none: a channel may hold a hundred million of those.
    """
    return split_batches(decompress(data, limit_bytes))


def split_batches(plain: bytes) -> Iterator[bytes]:
    """The encoded batches at the front of a channel's plain bytes."""
    at = 0
    while at < len(plain):
        try:
            item = rlp_reader.read_item(plain, at)
            batch = rlp_reader.as_bytes(plain, item)
        except MalformedError:
            return
        yield batch
        at = item.end


def compression_of(data: bytes) -> str | None:
    """The name of a channel's compression, or None for one that is not known."""
    if not data:
        return None
    if data[0] & 0x0F in _ZLIB_METHODS:
        return "zlib"
    return "brotli" if data[0] == _BROTLI_VERSION else None


def decompress(data: bytes, limit_bytes: int) -> bytes:
    """At most `limit_bytes` of plain bytes: all that come out before the stream ends or breaks."""
    match compression_of(data):
        case "zlib":
            return _inflate(data, limit_bytes)
        case "brotli":
            return _unbrotli(data[1:], limit_bytes)
    return b""


def _inflate(data: bytes, limit_bytes: int) -> bytes:
    """Fed in steps. A call that fails returns nothing, so a failing step is repeated byte by byte: what the
    bytes before the first wrong one stand for counts, whatever the size of the steps."""
    plain = bytearray()
    stream = zlib.decompressobj()
    for at in range(0, len(data), _STEP_BYTES):
        saved, size = stream.copy(), len(plain)
        step = data[at : at + _STEP_BYTES]
        try:
            _feed_zlib(stream, step, plain, limit_bytes)
        except zlib.error:
            del plain[size:]
            with contextlib.suppress(zlib.error):
                for byte in step:
                    _feed_zlib(saved, bytes([byte]), plain, limit_bytes)
            break
        if stream.eof or len(plain) >= limit_bytes:
            break
    return bytes(plain)


def _feed_zlib(stream: "zlib._Decompress", data: bytes, plain: bytearray, limit_bytes: int) -> None:
    while data and not stream.eof and len(plain) < limit_bytes:
        plain += stream.decompress(data, limit_bytes - len(plain))
        data = stream.unconsumed_tail


def _unbrotli(data: bytes, limit_bytes: int) -> bytes:
    """The same rule as for zlib; the stream cannot be copied, so it is read again from its beginning."""
    plain = bytearray()
    stream = brotli.Decompressor()
    for at in range(0, len(data), _STEP_BYTES):
        try:
            _feed_brotli(stream, data[at : at + _STEP_BYTES], plain, limit_bytes)
        except brotli.error:
            return _unbrotli_to_damage(data, at, limit_bytes)
        if stream.is_finished() or len(plain) >= limit_bytes:
            break
    return bytes(plain[:limit_bytes])


def _unbrotli_to_damage(data: bytes, good_bytes: int, limit_bytes: int) -> bytes:
    plain = bytearray()
    stream = brotli.Decompressor()
    with contextlib.suppress(brotli.error):
        for at in range(0, good_bytes, _STEP_BYTES):
            _feed_brotli(stream, data[at : at + _STEP_BYTES], plain, limit_bytes)
        for at in range(good_bytes, len(data)):
            _feed_brotli(stream, data[at : at + 1], plain, limit_bytes)
    return bytes(plain[:limit_bytes])


def _feed_brotli(stream: brotli.Decompressor, data: bytes, plain: bytearray, limit_bytes: int) -> None:
    while len(plain) < limit_bytes and not stream.is_finished():
        piece = stream.process(data, output_buffer_limit=_OUTPUT_BYTES)
        plain += piece
        data = b""
        if not piece and stream.can_accept_more_data():
            return
