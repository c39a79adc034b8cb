"""EIP-712 typed data as clients send it: how it is read, and how long its arrays must be."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from openledger_node.rpc import parse
from openledger_node.rpc.errors import InvalidParamsError

Types = Mapping[str, Any]


def typed_data(value: object) -> dict[str, object]:
    """An object, or its JSON in a string, as viem, ethers and wallets send it."""
    if isinstance(value, str):
        try:
            orjson.loads(value)  # which bounds the depth; the other reads integers past 64 bits
            value = json.loads(value)
        except ValueError:
            raise InvalidParamsError("typed data is not JSON") from None
    return parse.json_object(value)


def check_array_lengths(types: Types, kind: str, value: Any) -> None:
    """Walk a value of type `kind`. Raises ValueError for an array of another length than its type's.

    eth-account does not ask for it.
    """
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
