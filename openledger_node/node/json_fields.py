"""How typed values are read out of a JSON file: every complaint names the field it is about."""

from collections.abc import Iterator
from typing import Any, Self

from genesis.types import Address, Hash32


class Fields:
    """One JSON object. All methods raise ValueError, in words, for what is missing or of another type."""

    def __init__(self, data: Any, path: str = "") -> None:
        if not isinstance(data, dict):
            raise ValueError(f"{path or 'the file'} must be an object")
        self._data = data
        self._path = path

    def number(self, key: str, least: int = 0) -> int:
        """A whole number written as one."""
        value = self._get(key)
        if type(value) is not int or value < least:
            raise ValueError(f"{self._name(key)} must be a whole number from {least}, not {value!r}")
        return value

    def quantity(self, key: str) -> int:
        """A whole number written as 0x hex."""
        text = self._text(key)
        try:
            return int(text.removeprefix("0x"), 16)
        except ValueError:
            raise ValueError(f"{self._name(key)} must be a number in 0x hex, not {text!r}") from None

    def data(self, key: str, length: int | None = None) -> bytes:
        """Bytes written as 0x hex; `length` of them if given."""
        return unhex(self._text(key), self._name(key), length)

    def address(self, key: str) -> Address:
        return Address(self.data(key, 20))

    def hash(self, key: str) -> Hash32:
        return Hash32(self.data(key, 32))

    def inside(self, key: str) -> Self:
        """The object under `key`."""
        return type(self)(self._get(key), self._name(key))

    def keys(self) -> Iterator[str]:
        return iter(self._data)

    def _get(self, key: str) -> Any:
        if key not in self._data:
            raise ValueError(f"{self._name(key)} is missing")
        return self._data[key]

    def _text(self, key: str) -> str:
        value = self._get(key)
        if not isinstance(value, str):
            raise ValueError(f"{self._name(key)} must be text, not {value!r}")
        return value

    def _name(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key


def unhex(text: str, name: str, length: int | None = None) -> bytes:
    """Bytes from hex with or without 0x; raises ValueError naming the field."""
    try:
        data = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise ValueError(f"{name} must be hex, not {text!r}") from None
    if length is not None and len(data) != length:
        raise ValueError(f"{name} must be {length} bytes in hex, not {len(data)}")
    return data
