"""How tests talk to a compiled contract: calls, logs and errors by the names in its ABI."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode

from genesis.keccak import keccak256

PANIC_ABI = {"type": "error", "name": "Panic", "inputs": [{"type": "uint256", "name": "code"}]}
ERROR_ABI = {"type": "error", "name": "Error", "inputs": [{"type": "string", "name": "message"}]}


@dataclass(frozen=True)
class Event:
    """A decoded log: indexed and other arguments together, in the order of the ABI."""

    name: str
    arguments: Mapping[str, Any]


def type_of(parameter: Mapping[str, Any]) -> str:
    """The canonical type; a tuple is spelled out."""
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(type_of(component) for component in parameter["components"])
    return f"({inner}){kind.removeprefix('tuple')}"


def types_of(parameters: Iterable[Mapping[str, Any]]) -> list[str]:
    return [type_of(parameter) for parameter in parameters]


def signature(entry: Mapping[str, Any]) -> bytes:
    return f"{entry['name']}({','.join(types_of(entry['inputs']))})".encode()


class Abi:
    """One contract's ABI. Overloads are told apart by their number of arguments."""

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        self.entries = tuple(entries)

    def _function(self, name: str, count: int) -> Mapping[str, Any]:
        return next(
            entry
            for entry in self.entries
            if entry["type"] == "function" and entry["name"] == name and len(entry["inputs"]) == count
        )

    def call_data(self, name: str, *arguments: Any) -> bytes:
        entry = self._function(name, len(arguments))
        return keccak256(signature(entry))[:4] + encode(types_of(entry["inputs"]), arguments)

    def decode_output(self, name: str, count: int, output: bytes) -> Any:
        """One value, or a tuple of several."""
        values = decode(types_of(self._function(name, count)["outputs"]), output)
        return values[0] if len(values) == 1 else values

    def decode_error(self, output: bytes) -> Event:
        for entry in (*self.entries, PANIC_ABI, ERROR_ABI):
            if entry["type"] == "error" and keccak256(signature(entry))[:4] == output[:4]:
                values = decode(types_of(entry["inputs"]), output[4:])
                names = [parameter["name"] for parameter in entry["inputs"]]
                return Event(entry["name"], dict(zip(names, values, strict=True)))
        return Event("0x" + output.hex(), {})

    def decode_log(self, topics: tuple[bytes, ...], data: bytes) -> Event | None:
        for entry in self.entries:
            if entry["type"] == "event" and topics and keccak256(signature(entry)) == topics[0]:
                return self._event(entry, topics[1:], data)
        return None

    @staticmethod
    def _event(entry: Mapping[str, Any], topics: tuple[bytes, ...], data: bytes) -> Event:
        plain = [parameter for parameter in entry["inputs"] if not parameter["indexed"]]
        values = iter(decode(types_of(plain), data))
        indexed = iter(topics)
        return Event(
            entry["name"],
            {
                parameter["name"]: (
                    decode([type_of(parameter)], next(indexed))[0] if parameter["indexed"] else next(values)
                )
                for parameter in entry["inputs"]
            },
        )


def address_of(value: str) -> bytes:
    """eth_abi decodes addresses to text; records here are bytes."""
    return bytes.fromhex(value.removeprefix("0x"))
