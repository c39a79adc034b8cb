"""How a result is shown: one JSON object with `--json`, lines of name and value otherwise.

Integers are decimal strings in JSON, because amounts in wei do not fit the numbers of other languages.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from openledger_node.errors import UserError


def show(result: Mapping[str, Any], *, as_json: bool, field: str | None = None) -> None:
    """Print a result, or one `field` of it; raises UserError when it has none of that name."""
    plain = plain_values(result)
    if field is not None:
        if field not in plain:
            raise UserError(f"the result has no {field}", f"choose one of {', '.join(plain)}")
        found = plain[field]
        print(found if isinstance(found, str) else json.dumps(found))
    elif as_json:
        print(json.dumps(plain, indent=2))
    else:
        for line in _lines(plain, ""):
            print(line)


def plain_values(value: Any) -> Any:
    """Bytes as hex, integers as decimal strings, all the way down."""
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain_values(each) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [plain_values(each) for each in value]
    raise TypeError(f"cannot show {type(value).__name__}")


def _lines(value: Any, name: str) -> list[str]:
    if isinstance(value, dict) and value:
        return [
            line for key, each in value.items() for line in _lines(each, f"{name}.{key}" if name else key)
        ]
    if isinstance(value, list) and value:
        return [line for place, each in enumerate(value) for line in _lines(each, f"{name}.{place}")]
    return [f"{name:<28} {value if value not in ({}, []) else '-'}"]
