"""What a store of bytes must do, and the in-memory one that tests use."""

from collections.abc import Iterator, Sequence
from typing import Protocol


class KeyValue(Protocol):
    def get(self, key: bytes) -> bytes | None: ...

    def write(
        self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = (), *, sync: bool = True
    ) -> None:
        """All of it or none of it, on disk before it returns when `sync`."""
        ...

    def scan(
        self, prefix: bytes, start: bytes = b"", *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Keys with `prefix` in order, from `prefix + start` on."""
        ...

    def close(self) -> None: ...


class MemoryKeyValue:
    """A dictionary behind the port; nothing survives it."""

    def __init__(self) -> None:
        self._data: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        return self._data.get(key)

    def write(
        self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = (), *, sync: bool = True
    ) -> None:
        for key in deletes:
            self._data.pop(key, None)
        self._data.update(puts)

    def scan(
        self, prefix: bytes, start: bytes = b"", *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        first = prefix + start
        keys = sorted(key for key in list(self._data) if key.startswith(prefix) and key >= first)
        for key in reversed(keys) if reverse else keys:
            yield key, self._data[key]

    def close(self) -> None:
        self._data.clear()
