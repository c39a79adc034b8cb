"""What a contract's methods, events and errors look like: an ABI read from Solidity interfaces or JSON.

The Solidity interfaces are the contract of record, so they are parsed rather than copied. Struct values are
dictionaries by field name, addresses and bytes are `bytes`, integers `int`.

Covered: interfaces with structs, events, errors and functions, one declaration per line group ending in `;`.
Not covered: function bodies, inheritance, enums, user-defined value types (none occurs in our interfaces).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eth_abi.abi import encode
from eth_abi.codec import ABIDecoder
from eth_abi.decoding import StringDecoder
from eth_abi.registry import registry

from genesis.keccak import keccak256
from genesis.types import Hash32


def _lenient_decoder() -> ABIDecoder:
    """Strings are strangers' bytes, which no contract looks into: one name must not end who lists them."""
    own = registry.copy()  # type: ignore[no-untyped-call]  # eth_abi leaves it out
    own.unregister("string")
    lenient = StringDecoder(handle_string_errors="replace")  # type: ignore[no-untyped-call]  # as above
    own.register_decoder("string", lenient, label="string")
    return ABIDecoder(own)


decode_abi = _lenient_decoder().decode
"""Values of ABI types, as eth_abi's `decode`, but of any string."""


@dataclass(frozen=True)
class Parameter:
    """One argument, field or output. `type` is Solidity's; a struct's is `tuple` (with array suffix)."""

    name: str
    type: str
    components: tuple["Parameter", ...] = ()
    indexed: bool = False

    @cached_property
    def canonical(self) -> str:
        """The type as selectors and eth_abi spell it."""
        if not self.type.startswith("tuple"):
            return self.type
        inner = ",".join(component.canonical for component in self.components)
        return f"({inner}){self.type.removeprefix('tuple')}"


@dataclass(frozen=True)
class Signature:
    """A function, event or error: its name, what it takes and (a function) what it returns."""

    name: str
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...] = ()

    @cached_property
    def text(self) -> str:
        return f"{self.name}({','.join(parameter.canonical for parameter in self.inputs)})"

    @cached_property
    def topic(self) -> Hash32:
        return keccak256(self.text.encode())

    @cached_property
    def selector(self) -> bytes:
        return self.topic[:4]


@dataclass(frozen=True)
class Interface:
    """An ABI: functions by name, events by topic, errors by selector."""

    functions: Mapping[str, Signature]
    events: Mapping[bytes, Signature]
    errors: Mapping[bytes, Signature]

    def event(self, name: str) -> Signature:
        return next(event for event in self.events.values() if event.name == name)


def encode_values(parameters: Sequence[Parameter], values: Sequence[Any]) -> bytes:
    """ABI-encode `values`; structs are dictionaries (or sequences) in field order."""
    plain = [_plain(parameter, value) for parameter, value in zip(parameters, values, strict=True)]
    return encode([parameter.canonical for parameter in parameters], plain)


def decode_values(parameters: Sequence[Parameter], data: bytes) -> list[Any]:
    """The inverse of `encode_values`; text that is no UTF-8 comes with a � for each byte that is none."""
    values = decode_abi([parameter.canonical for parameter in parameters], data)
    return [_rich(parameter, value) for parameter, value in zip(parameters, values, strict=True)]


def _element(parameter: Parameter) -> Parameter:
    return Parameter(parameter.name, parameter.type.rpartition("[")[0], parameter.components)


def _plain(parameter: Parameter, value: Any) -> Any:
    if parameter.type.endswith("]"):
        return [_plain(_element(parameter), item) for item in value]
    if parameter.type == "tuple":
        fields = [value[c.name] for c in parameter.components] if isinstance(value, Mapping) else value
        return tuple(_plain(c, field) for c, field in zip(parameter.components, fields, strict=True))
    return value


def _rich(parameter: Parameter, value: Any) -> Any:
    if parameter.type.endswith("]"):
        return [_rich(_element(parameter), item) for item in value]
    if parameter.type == "tuple":
        return {c.name: _rich(c, field) for c, field in zip(parameter.components, value, strict=True)}
    return bytes.fromhex(value[2:]) if parameter.type == "address" else value


# --- From JSON --------------------------------------------------------------------------------------------


def interface_from_json(entries: Sequence[Mapping[str, Any]]) -> Interface:
    """An interface from a compiler's ABI list."""
    by_kind: dict[str, list[Signature]] = {"function": [], "event": [], "error": []}
    for entry in entries:
        if entry["type"] in by_kind:
            by_kind[entry["type"]].append(
                Signature(
                    entry["name"],
                    _json_parameters(entry["inputs"]),
                    _json_parameters(entry.get("outputs", ())),
                )
            )
    return _interface(by_kind["function"], by_kind["event"], by_kind["error"])


def _json_parameters(entries: Sequence[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(
            entry["name"],
            entry["type"],
            _json_parameters(entry.get("components", ())),
            entry.get("indexed", False),
        )
        for entry in entries
    )


def _interface(
    functions: Sequence[Signature], events: Sequence[Signature], errors: Sequence[Signature]
) -> Interface:
    return Interface(
        {function.name: function for function in functions},
        {event.topic: event for event in events},
        {error.selector: error for error in errors},
    )


# --- From Solidity ----------------------------------------------------------------------------------------

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_STRUCT = re.compile(r"\bstruct\s+(\w+)\s*\{([^}]*)\}")
_DECLARATION = re.compile(
    r"\b(function|event|error)\s+(\w+)\s*\(([^)]*)\)([^;{]*?)(?:returns\s*\(([^)]*)\))?\s*;"
)
_LOCATIONS = {"calldata", "memory", "storage", "payable"}
_ARRAY = re.compile(r"^(\w+)((?:\[\d*\])*)$")

Structs = Mapping[str, tuple[Parameter, ...]]


def interface_from_solidity(*sources: str) -> Interface:
    """An interface from the text of Solidity interfaces; later sources add to earlier ones."""
    text = _COMMENT.sub("", "\n".join(sources))
    structs: dict[str, tuple[Parameter, ...]] = {}
    for name, body in _STRUCT.findall(text):
        structs[name] = _solidity_parameters(body, ";", structs)
    found: dict[str, list[Signature]] = {"function": [], "event": [], "error": []}
    for kind, name, inputs, _, outputs in _DECLARATION.findall(text):
        found[kind].append(
            Signature(
                name, _solidity_parameters(inputs, ",", structs), _solidity_parameters(outputs, ",", structs)
            )
        )
    return _interface(found["function"], found["event"], found["error"])


def interface_from_signatures(*declarations: str) -> Interface:
    """An interface from Solidity declarations, for instance `"function f(uint256 a) returns (bool ok)"`."""
    return interface_from_solidity(*(f"{declaration};" for declaration in declarations))


def _solidity_parameters(text: str, separator: str, structs: Structs) -> tuple[Parameter, ...]:
    parts = [part.split() for part in text.split(separator) if part.strip()]
    return tuple(_solidity_parameter(words, structs) for words in parts)


def _solidity_parameter(words: Sequence[str], structs: Structs) -> Parameter:
    kept = [word for word in words[1:] if word not in _LOCATIONS]
    indexed = "indexed" in kept
    name = next((word for word in kept if word != "indexed"), "")
    match = _ARRAY.match(words[0])
    if match is None:
        raise ValueError(f"not a Solidity type: {words[0]}")
    base, suffix = match.groups()
    if base in structs:
        return Parameter(name, f"tuple{suffix}", structs[base], indexed)
    return Parameter(name, f"{base}{suffix}", (), indexed)


def interface_from_artefact(text: str) -> Interface:
    """An interface from a compiler artefact: a JSON object with an `abi` list."""
    return interface_from_json(json.loads(text)["abi"])
