"""Which transactions were waiting when the node stopped: an append-only file, replayed at start.

Layout of a record: mark (4 bytes), length (4 bytes, big-endian), CRC-32 of the payload (4 bytes), the raw
transaction.
Covered: a process killed at any byte, and damage anywhere: what is no record is skipped up to the next one
that is whole, and said so in the log.
Not covered: power loss, since records are not synced; a transaction is promised only once it is in a block.
"""

import logging
import os
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

_MARK = b"OLtx"
_HEADER = struct.Struct(">4sII")
MAXIMUM_RECORD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Replayed:
    """`skipped_bytes` belong to no whole record."""

    raws: list[bytes]
    skipped_bytes: int


def read_journal(data: bytes) -> Replayed:
    """Every whole record in `data`, in order."""
    raws: list[bytes] = []
    position = skipped = 0
    while (found := data.find(_MARK, position)) >= 0:
        skipped += found - position
        raw = _record_at(data, found)
        if raw is None:
            skipped += 1
            position = found + 1
        else:
            raws.append(raw)
            position = found + _HEADER.size + len(raw)
    return Replayed(raws, skipped + len(data) - position)


def _record_at(data: bytes, position: int) -> bytes | None:
    if position + _HEADER.size > len(data):
        return None
    _, size, checksum = _HEADER.unpack_from(data, position)
    start = position + _HEADER.size
    if size > MAXIMUM_RECORD_BYTES or start + size > len(data):
        return None
    payload = data[start : start + size]
    return payload if zlib.crc32(payload) == checksum else None


def _record(raw: bytes) -> bytes:
    return _HEADER.pack(_MARK, len(raw), zlib.crc32(raw)) + raw


class Journal:
    """One writer. `rewrite` replaces the file at once, so a crash leaves the old or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)
        self._rewritten_bytes = 0

    def replay(self) -> list[bytes]:
        """The raw transactions kept; a damaged part is named in the log."""
        found = read_journal(self._path.read_bytes())
        if found.skipped_bytes:
            log.warning("mempool journal %s: skipped %d damaged bytes", self._path, found.skipped_bytes)
        return found.raws

    def append(self, raws: Iterable[bytes]) -> None:
        """In the operating system's hands when it returns."""
        self._file.write(b"".join(map(_record, raws)))

    def grown_bytes(self) -> int:
        """By how much it has grown since `rewrite`."""
        return self._file.tell() - self._rewritten_bytes

    def rewrite(self, raws: Iterable[bytes]) -> None:
        """Keep only these."""
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(b"".join(map(_record, raws)))
        self._file.close()
        os.replace(fresh, self._path)
        self._file = self._path.open("ab", buffering=0)
        self._rewritten_bytes = self._file.tell()

    def close(self) -> None:
        self._file.close()
