"""Is a JSON value the scalar a method takes? Strict: what is not exactly right raises InvalidParamsError.

Source: execution-apis "base types": quantities are 0x-prefixed without leading zeros, data has whole bytes.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from genesis.types import Address, Hash32
from openledger_node.rpc.errors import InvalidParamsError

Parsed = TypeVar("Parsed")
Parser = Callable[[object], Parsed]

MAXIMUM_QUANTITY = 2**256 - 1
MAXIMUM_UINT64 = 2**64 - 1
MAXIMUM_ITEMS = 10_000
_QUANTITY = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]*)\Z")
_HEX = re.compile(r"[0-9a-fA-F]*\Z")


def text(value: object) -> str:
    """A JSON string."""
    if not isinstance(value, str):
        raise InvalidParamsError("a string is expected")
    return value


def boolean(value: object) -> bool:
    """JSON's true or false."""
    if not isinstance(value, bool):
        raise InvalidParamsError("a boolean is expected")
    return value


def quantity(value: object) -> int:
    """An unsigned integer of at most 256 bits."""
    digits = _prefixed(value)
    if not _QUANTITY.match(digits):
        raise InvalidParamsError(_why_not_a_quantity(digits))
    if len(digits) > 66:
        raise InvalidParamsError("hex number > 256 bits")
    return int(digits, 16)


def _why_not_a_quantity(digits: str) -> str:
    if digits == "0x":
        return 'hex string "0x" is not a number'
    return "hex number with leading zero digits" if digits.startswith("0x0") else "invalid hex string"


def uint64(value: object) -> int:
    """A quantity of at most 64 bits."""
    number = quantity(value)
    if number > MAXIMUM_UINT64:
        raise InvalidParamsError("hex number > 64 bits")
    return number


def number(value: object) -> int:
    """A count: a quantity, or a plain JSON integer as some libraries send."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value <= MAXIMUM_UINT64:
            raise InvalidParamsError("number out of range")
        return value
    return uint64(value)


def data(value: object) -> bytes:
    """Bytes from 0x-prefixed hex of even length."""
    digits = _prefixed(value)[2:]
    if len(digits) % 2:
        raise InvalidParamsError("hex string of odd length")
    if not _HEX.match(digits):
        raise InvalidParamsError("invalid hex string")
    return bytes.fromhex(digits)


def address(value: object) -> Address:
    """20 bytes of data."""
    return Address(_fixed(value, 20))


def hash32(value: object) -> Hash32:
    """32 bytes of data."""
    return Hash32(_fixed(value, 32))


def storage_key(value: object) -> int:
    """A slot: up to 32 bytes of hex; prefix, leading zeros and whole bytes are optional. Source: geth."""
    written = text(value)
    digits = written[2:] if written[:2] in ("0x", "0X") else written
    if not _HEX.match(digits):
        raise InvalidParamsError(f'invalid hex in storage key: "{written[:70]}"')
    if len(digits) > 64:
        raise InvalidParamsError(f'storage key too long (want at most 32 bytes): "{written[:70]}"')
    return int(digits or "0", 16)


def list_of(parse: Parser[Parsed], *, most: int = MAXIMUM_ITEMS) -> Parser[list[Parsed]]:
    """A parser of lists of at most `most` such values."""

    def parse_list(value: object) -> list[Parsed]:
        if not isinstance(value, list):
            raise InvalidParamsError("a list is expected")
        if len(value) > most:
            raise InvalidParamsError(f"a list of at most {most} items is expected")
        return [parse(item) for item in value]

    return parse_list


def json_object(value: object) -> dict[str, object]:
    """A JSON object, its members not looked at yet."""
    if not isinstance(value, dict):
        raise InvalidParamsError("an object is expected")
    return value


def field(fields: dict[str, object], name: str, parse: Parser[Parsed]) -> Parsed | None:
    """The parsed field, or None where it is absent or null. A fault names the field."""
    value = fields.get(name)
    if value is None:
        return None
    try:
        return parse(value)
    except InvalidParamsError as error:
        raise InvalidParamsError(f"{name}: {error.message}") from None


def _prefixed(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidParamsError("a hex string is expected")
    if not value.startswith("0x"):
        raise InvalidParamsError("empty hex string" if not value else "hex string without 0x prefix")
    return value


def _fixed(value: object, size: int) -> bytes:
    raw = data(value)
    if len(raw) != size:
        raise InvalidParamsError(f"hex string has length {2 * len(raw)}, want {2 * size}")
    return raw
