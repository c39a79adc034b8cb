"""Sketches that a contribution's file states beside its records: `"sketch": "0x…"` in a line.

A leaf binds the sketch that its contributor chose. Whoever bound another than the rule's has to state it, or
nobody can make the leaf again from the file, and the record counts as not published. A file for training
states none: `decode_records` refuses the key.

Covered: what a file states. Not covered: whether it is right (`openledger_node.validator.record_check`).
Source: `docs/formats.md`, "Records and contributions".
"""

from typing import Any

from workers.artifacts import canonical_json
from workers.datasets.sketch import MAXIMUM_SKETCH_BYTES
from workers.errors import InvalidInputError

KEY = "sketch"


def without_stated(data: bytes) -> tuple[bytes, dict[int, bytes]]:
    """The file as if nothing were stated, and what is, by the record's number. Raises InvalidInputError."""
    if f'"{KEY}"'.encode() not in data:
        return data, {}
    stated: dict[int, bytes] = {}
    lines = [line for line in data.split(b"\n") if line.strip()]
    for number, line in enumerate(lines):
        fields = canonical_json.decode(line)
        if isinstance(fields, dict) and KEY in fields:
            stated[number] = _sketch(fields.pop(KEY), number)
            lines[number] = _encoded(fields, number)
    return b"".join(line + b"\n" for line in lines), stated


def _encoded(fields: dict[str, Any], number: int) -> bytes:
    try:
        return canonical_json.encode(fields)
    except ValueError as error:  # half a surrogate pair, a number beyond all floats
        raise InvalidInputError(f"line {number + 1}: {error}") from error


def _sketch(value: Any, number: int) -> bytes:
    try:
        found = bytes.fromhex(str(value).removeprefix("0x"))
    except ValueError as error:
        raise InvalidInputError(f"line {number + 1}: sketch must be 0x-hex") from error
    if not 1 <= len(found) <= MAXIMUM_SKETCH_BYTES:
        raise InvalidInputError(f"line {number + 1}: a sketch has 1 to {MAXIMUM_SKETCH_BYTES} bytes")
    return found
