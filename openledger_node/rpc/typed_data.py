"""Whether arrays in EIP-712 typed data are as long as their types say, which eth-account does not ask."""

from collections.abc import Mapping
from typing import Any

Types = Mapping[str, Any]


def check_array_lengths(types: Types, kind: str, value: Any) -> None:
    """Walk a value of type `kind`. Raises ValueError for an array of another length than its type's."""
    if value is None:
        return
    if kind.endswith("]"):
        element, _, length = kind[:-1].rpartition("[")
        if length and len(value) != int(length):
            raise ValueError(f"Expected {length} items for array type {kind}, got {len(value)} items")
        for item in value:
            check_array_lengths(types, element, item)
    elif kind in types:
        for field in types[kind]:
            check_array_lengths(types, field["type"], value.get(field["name"]))
