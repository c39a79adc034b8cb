"""Which transactions were waiting when the node stopped: an append-only file, replayed at start.

Layout of a record: length (4 bytes, big-endian), CRC-32 of the payload (4 bytes), the raw transaction.
Covered: a process killed at any byte (the torn tail is cut off), damage to a record (reading stops there).
Not covered: power loss, since records are not synced; a transaction is promised only once it is in a block.
"""

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_HEADER = struct.Struct(">II")
MAXIMUM_RECORD_BYTES = 1 << 20


def read_journal(data: bytes) -> Iterator[bytes]:
    """The whole records at the start of `data`."""
    position = 0
    while position + _HEADER.size <= len(data):
        size, checksum = _HEADER.unpack_from(data, position)
        payload = data[position + _HEADER.size : position + _HEADER.size + size]
        if size > MAXIMUM_RECORD_BYTES or len(payload) < size or zlib.crc32(payload) != checksum:
            return
        yield payload
        position += _HEADER.size + size


def _record(raw: bytes) -> bytes:
    return _HEADER.pack(len(raw), zlib.crc32(raw)) + raw


class Journal:
    """One writer. `rewrite` replaces the file at once, so a crash leaves the old or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab")

    def replay(self) -> list[bytes]:
        return list(read_journal(self._path.read_bytes()))

    def append(self, raw: bytes) -> None:
        self._file.write(_record(raw))
        self._file.flush()

    def size_bytes(self) -> int:
        return self._file.tell()

    def rewrite(self, raws: Iterable[bytes]) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(b"".join(map(_record, raws)))
        self._file.close()
        os.replace(fresh, self._path)
        self._file = self._path.open("ab")

    def close(self) -> None:
        self._file.close()
