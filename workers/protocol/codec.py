"""How a job's records become JSON and come back, strictly: no missing, unknown or mistyped field."""

import types as python_types
from dataclasses import fields, is_dataclass
from typing import Any, NewType, TypeVar, get_args, get_origin, get_type_hints

from workers.errors import InvalidInputError
from workers.protocol import BigInt

Record = TypeVar("Record")


def to_json(value: Any) -> Any:
    """A record as plain JSON values."""
    if is_dataclass(value):
        hints = get_type_hints(type(value))
        return {field.name: _encode(hints[field.name], getattr(value, field.name)) for field in fields(value)}
    return value


def _encode(hint: Any, value: Any) -> Any:
    if hint is BigInt:
        return str(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple):
        (item, *_rest) = get_args(hint)
        return [_encode(item, one) for one in value]
    return to_json(value)


def from_json(record: type[Record], data: Any) -> Record:
    """The inverse of `to_json`; raises InvalidInputError naming the first field that is wrong."""
    result: Record = _decode(record, data, record.__name__)
    return result


def _decode_record(record: type, data: Any, where: str) -> Any:
    hints = get_type_hints(record)
    if not isinstance(data, dict) or set(data) != set(hints):
        raise InvalidInputError(f"{where}: expected an object with exactly {sorted(hints)}")
    return record(**{name: _decode(hint, data[name], f"{where}.{name}") for name, hint in hints.items()})


def _decode(hint: Any, data: Any, where: str) -> Any:
    if hint is BigInt:
        return _decode_big(data, where)
    if isinstance(hint, NewType):
        hint = hint.__supertype__
    if hint is bytes:
        return _decode_bytes(data, where)
    if get_origin(hint) is tuple:
        if not isinstance(data, list):
            raise InvalidInputError(f"{where}: expected an array")
        return tuple(_decode(get_args(hint)[0], item, f"{where}[{i}]") for i, item in enumerate(data))
    if is_dataclass(hint) and isinstance(hint, type):
        return _decode_record(hint, data, where)
    if hint is float and type(data) is int:
        return float(data)
    if type(data) is not hint:
        raise InvalidInputError(f"{where}: expected {_name(hint)}, got {type(data).__name__}")
    return data


def _decode_big(data: Any, where: str) -> BigInt:
    if isinstance(data, str) and data.removeprefix("-").isascii() and data.removeprefix("-").isdecimal():
        return BigInt(int(data))
    raise InvalidInputError(f"{where}: expected a decimal string")


def _decode_bytes(data: Any, where: str) -> bytes:
    if not isinstance(data, str) or not data.startswith("0x"):
        raise InvalidInputError(f"{where}: expected 0x-hex")
    try:
        return bytes.fromhex(data[2:])
    except ValueError as error:
        raise InvalidInputError(f"{where}: {error}") from error


def _name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, (type, python_types.FunctionType)) else str(hint)
