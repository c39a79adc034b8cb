"""Which integers a command takes: what a word of the chain holds, since ids and counts end there."""

import re
from collections.abc import Sequence
from typing import Any

from cyclopts import Token, convert

MAXIMUM_WORD = 2**256 - 1
_WHOLE = re.compile(r"[0-9]+|0x[0-9a-fA-F]+")


def whole_numbers(kind: Any, tokens: Sequence[Token]) -> Any:
    """A converter for every parameter; raises ValueError for integers that are negative or too great, and for
    others, which would be rounded."""
    found = convert(kind, tokens)
    numbers = [each for each in (found if isinstance(found, list | tuple) else [found]) if type(each) is int]
    for number, token in zip(numbers, tokens, strict=False):
        if number > MAXIMUM_WORD or not _WHOLE.fullmatch(token.value):
            raise ValueError(f"{token.value!r} is not a whole number from 0 to 2^256 - 1")
    return found
