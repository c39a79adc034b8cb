"""What an agent did, wanted to do and why: a file that only grows, each line bound to the one before.

Covered: a line on disk before an action is sent and another with its outcome; a changed, missing or inserted
line shows. Not covered: cutting lines off the end (keep the newest hash elsewhere).
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from openledger_node.clock import Clock
from openledger_node.errors import UserError
from workers.artifacts import canonical_json

START = "0" * 64


class AuditTrail:
    """One agent's file; `add` returns once the line is on disk."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = list(read_trail(path)) if path.exists() else []
        self.head = lines[-1]["hash"] if lines else START

    def add(self, event: str, details: Mapping[str, Any]) -> str:
        """Write a line; returns its hash."""
        entry = {"at_s": round(self._clock.now_s(), 3), "event": event, **details, "previous": self.head}
        self.head = _hash(entry)
        entry["hash"] = self.head
        with self._path.open("ab") as file:
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return self.head


def read_trail(path: Path) -> Iterator[dict[str, Any]]:
    """Every entry in order; raises UserError at the first that does not follow from the one before."""
    previous = START
    for number, line in enumerate(_lines(path), start=1):
        try:
            entry: dict[str, Any] = dict(json.loads(line))
        except (ValueError, TypeError):
            raise UserError(f"line {number} of {path} is not an entry") from None
        said = entry.pop("hash", "")
        if entry.get("previous") != previous or _hash(entry) != said:
            raise UserError(f"line {number} of {path} was changed, or lines before it are missing")
        previous = said
        yield entry | {"hash": said}


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError as error:
        raise UserError(f"cannot read {path} ({error.strerror})", "name an agent's trail") from None


def _hash(entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json.encode(dict(entry))).hexdigest()
