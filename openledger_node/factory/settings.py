"""How one setting of a recipe is written on a command line: `NAME=VALUE`."""

import json
from typing import Any

from openledger_node.errors import UserError

LISTS = {"targets": str, "hidden": int}
"""Settings that are lists, written with commas, and what they are lists of."""


def setting(text: str) -> tuple[str, Any]:
    """Name and value; numbers and true/false are read as such. Raises UserError."""
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise UserError(f"{text!r} is not NAME=VALUE", "for instance --set rank=16")
    if name in LISTS:
        try:
            return name, [LISTS[name](part) for part in value.split(",") if part]
        except ValueError:
            raise UserError(f"{name} is a list of numbers, not {value!r}") from None
    try:
        read = json.loads(value)
    except ValueError:
        return name, value
    return name, read if isinstance(read, int | float | bool) else value
