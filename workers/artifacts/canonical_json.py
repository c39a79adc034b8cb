"""How a document becomes bytes that everyone writes alike: canonical JSON.

Rule: UTF-8, keys sorted by code point, no spaces, integers in decimal, floats by Python's shortest repr, no
NaN or infinity. Integers beyond 2^53 are written as decimal strings by whoever makes the document.
"""

import json
import re
from typing import Any

from workers.errors import InvalidInputError

MAXIMUM_DEPTH = 64
"""Deeper than any document of ours. The parser recurses in C: a stranger's brackets could end the process."""
MAXIMUM_BYTES = 1 << 28
"""Its values take several times the room of its text."""
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def encode(document: Any) -> bytes:
    """Canonical bytes of plain JSON values; raises ValueError for NaN and infinity."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def decode(data: bytes) -> Any:
    """Plain JSON values of `data`; raises InvalidInputError when it is not JSON."""
    if len(data) > MAXIMUM_BYTES:
        raise InvalidInputError(f"a document has at most {MAXIMUM_BYTES} bytes, not {len(data)}")
    try:
        check_depth(data)
        return _DECODER.decode(data.decode(json.detect_encoding(data), "surrogatepass"))
    except ValueError as error:
        raise InvalidInputError(f"not JSON: {error}") from error


def check_depth(data: bytes) -> None:
    """Raises ValueError when brackets outside of strings nest deeper than MAXIMUM_DEPTH."""
    if data.count(b"[") + data.count(b"{") <= MAXIMUM_DEPTH:
        return
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", data)):
        depth += 1 if bracket.group() in b"[{" else -1
        if depth > MAXIMUM_DEPTH:
            raise ValueError(f"nested deeper than {MAXIMUM_DEPTH} levels")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
"""`json.loads` makes one for each document."""
