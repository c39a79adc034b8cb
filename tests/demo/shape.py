"""Whether a JSON object has exactly the shape of a record: every field, no other, of the right type."""

from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints


def differences(hint: Any, value: Any, where: str = "result") -> list[str]:
    """What does not fit, by place; amounts in wei must be decimal strings, hashes and accounts 0x hex."""
    if get_origin(hint) is UnionType:
        (kind,) = (kind for kind in get_args(hint) if kind is not NoneType)
        return [] if value is None else differences(kind, value, where)
    if is_dataclass(hint):
        return _record(hint, value, where)
    if get_origin(hint) is list:
        if not isinstance(value, list):
            return [f"{where} is no list"]
        (kind,) = get_args(hint)
        return [text for i, each in enumerate(value) for text in differences(kind, each, f"{where}[{i}]")]
    expected = get_origin(hint) or hint
    if type(value) is not expected:
        return [f"{where} is {value!r}, not {expected.__name__}"]
    return _text(value, where)


def _record(hint: Any, value: Any, where: str) -> list[str]:
    hints = get_type_hints(hint)
    if not isinstance(value, dict) or set(value) != set(hints):
        return [f"{where} has not exactly the members {sorted(hints)}"]
    return [
        text for name, kind in hints.items() for text in differences(kind, value[name], f"{where}.{name}")
    ]


def _text(value: Any, where: str) -> list[str]:
    name = where.rpartition(".")[2]
    if name.endswith("_wei") and not value.removeprefix("-").isdecimal():
        return [f"{where} is no amount"]
    lengths = {"hash": 66, "challenge_transaction": 66, "account": 42, "victim": 42, "challenger": 42}
    if name in lengths and (len(value) != lengths[name] or not value.startswith("0x")):
        return [f"{where} is {value!r}"]
    return []
