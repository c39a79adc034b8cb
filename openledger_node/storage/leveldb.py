"""How the store of bytes lies on disk: LevelDB."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import plyvel

from openledger_node.errors import CriticalError, StartError

_FAULTS = (plyvel.IOError, plyvel.CorruptionError)


class LevelDb:
    """Implements `KeyValue`. Reads may run in any thread while one writes."""

    def __init__(self, database: Any) -> None:
        self._database = database

    @classmethod
    def open(cls, directory: Path, *, create: bool = True) -> "LevelDb":
        """Open the database in `directory`, creating it if there is none and `create`.

        A batch whose record in the log is damaged is left out whole, as after a crash in its writing; later
        ones are taken, so that the caller has to look for gaps. Raises `StartError` if it cannot be opened.
        """
        try:
            database = plyvel.DB(str(directory), create_if_missing=create, bloom_filter_bits=10)
        except plyvel.CorruptionError as error:
            raise StartError(
                f"the database in {directory} is damaged ({_cause(error)})",
                "restore a backup, or remove it to start again from L1",
            ) from None
        except plyvel.Error as error:
            raise _start_error(directory, _cause(error)) from None
        return cls(database)

    def get(self, key: bytes) -> bytes | None:
        try:
            value: bytes | None = self._database.get(key)
        except _FAULTS as error:
            raise _read_error(error) from None
        return value

    def write(
        self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = (), *, sync: bool = True
    ) -> None:
        try:
            with self._database.write_batch(transaction=True, sync=sync) as batch:
                for key in deletes:
                    batch.delete(key)
                for key, value in puts:
                    batch.put(key, value)
        except _FAULTS as error:
            raise CriticalError(
                f"the database cannot be written ({_cause(error)})",
                "make room on its disk or repair it, then start again: what was announced is on disk",
            ) from None

    def scan(
        self, prefix: bytes, start: bytes = b"", *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """A consistent view as of the call."""
        stop = _after(prefix)
        with self._database.iterator(start=prefix + start, stop=stop, reverse=reverse) as entries:
            try:
                yield from entries
            except _FAULTS as error:
                raise _read_error(error) from None

    def compact(self) -> None:
        """Give the space of deleted entries back now rather than with coming writes."""
        self._database.compact_range()

    def close(self) -> None:
        self._database.close()


def _after(prefix: bytes) -> bytes | None:
    """The first key after all keys with `prefix`."""
    shortened = prefix.rstrip(b"\xff")
    return shortened[:-1] + bytes((shortened[-1] + 1,)) if shortened else None


def _cause(error: Exception) -> str:
    """plyvel puts LevelDB's words into bytes."""
    words = error.args[0] if error.args else ""
    return words.decode(errors="replace") if isinstance(words, bytes) else str(words)


def _read_error(error: Exception) -> CriticalError:
    return CriticalError(
        f"the database cannot be read ({_cause(error)})", "stop the node and run openledger-node db check"
    )


def _start_error(directory: Path, cause: str) -> StartError:
    if "does not exist" in cause:
        return StartError(f"there is no database in {directory}", "correct --datadir")
    if "temporarily unavailable" in cause or "already held" in cause:
        return StartError(f"{directory} is in use by another process", "stop it, or choose another --datadir")
    return StartError(f"cannot open {directory} ({cause})", "check that the directory is writable")
