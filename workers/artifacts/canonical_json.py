"""How a document becomes bytes that everyone writes alike: canonical JSON.

Rule: UTF-8, keys sorted by code point, no spaces, integers in decimal, floats by Python's shortest repr, no
NaN or infinity. Integers beyond 2^53 are written as decimal strings by whoever makes the document.
"""

import json
from typing import Any

from workers.errors import InvalidInputError


def encode(document: Any) -> bytes:
    """Canonical bytes of plain JSON values; raises ValueError for NaN and infinity."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def decode(data: bytes) -> Any:
    """Plain JSON values of `data`; raises InvalidInputError when it is not JSON."""
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"not JSON: {error}") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")
