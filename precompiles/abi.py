"""Solidity ABI: parse declarations, decode calldata exactly as solc's decoder does, encode results.

A decoder that is stricter or laxer than solc's would make a precompile and its twin disagree, so the rules
here are those of solc's code for `calldata` parameters, odd corners included: top-level offsets are unsigned
and below 2^64, offsets inside structs and arrays are signed, and reads past the end give zeros where solc's
would. Malformed arguments revert with no data at all.

Arrays decode to lazy sequences: offsets may overlap, so a few kilobytes of calldata can describe millions of
elements, and reading them before anybody has paid for them would be an attack. What a method reads, it has
charged for. An array whose elements are dynamic is checked element by element when they are read.

Source: Solidity ABI specification; solc 0.8 `ABIFunctions`, `YulUtilFunctions::accessCalldataTail`.
Covered: the types that precompiles use (uint256, address, bool, bytesN, bytes, string, structs, dynamic
arrays). Not covered: fixed arrays, signed integers, arrays whose elements need validation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from genesis.keccak import keccak256

WORD_BYTES = 32
SELECTOR_BYTES = 4
MAX_OFFSET = 2**64 - 1
TWO_256 = 2**256
SIGN_BIT = 2**255

Record = TypeVar("Record")


class MalformedCalldataError(Exception):
    """The arguments do not decode; the call reverts with empty data, as a Solidity contract's would."""


@dataclass(frozen=True, slots=True)
class AbiType:
    """One ABI type. `kind` is uint, address, bool, fixed (bytesN), bytes, string, array or tuple."""

    canonical: str
    kind: str
    head_bytes: int
    is_dynamic: bool
    element: "AbiType | None" = None
    struct: "Struct[Any] | None" = None

    @property
    def body_bytes(self) -> int:
        """Bytes per element of a value with a length: 1 for bytes and string, an array's stride else."""
        if self.element is None:
            return 1
        return WORD_BYTES if self.element.is_dynamic else self.element.head_bytes


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named argument, return value or struct field."""

    name: str
    type: AbiType
    indexed: bool = False


class Struct(Generic[Record]):
    """A Solidity struct and the frozen record it decodes to; fields in one order in both."""

    def __init__(self, name: str, record: Callable[..., Record], fields: str) -> None:
        self.name = name
        self.record = record
        self.fields = parse_parameters(fields, {})
        self.canonical = "(" + ",".join(field.type.canonical for field in self.fields) + ")"
        self.head_bytes = sum(field.type.head_bytes for field in self.fields)
        self.is_dynamic = any(field.type.is_dynamic for field in self.fields)

    def values(self, record: Record) -> list[Any]:
        """The record's fields in order."""
        names: Sequence[str] = list(record.__dataclass_fields__)  # type: ignore[attr-defined] # records are dataclasses
        return [getattr(record, name) for name in names]


# --- Declarations -----------------------------------------------------------------------------------------


def parse_type(text: str, structs: Mapping[str, Struct[Any]]) -> AbiType:
    """An `AbiType` from Solidity text such as `uint256[]` or a struct's name."""
    if text.endswith("[]"):
        element = parse_type(text[:-2], structs)
        return AbiType(element.canonical + "[]", "array", WORD_BYTES, True, element=element)
    if text in structs:
        struct = structs[text]
        head = WORD_BYTES if struct.is_dynamic else struct.head_bytes
        return AbiType(struct.canonical, "tuple", head, struct.is_dynamic, struct=struct)
    if text in ("bytes", "string"):
        return AbiType(text, text, WORD_BYTES, True)
    if text in ("uint256", "address", "bool"):
        return AbiType(text, text.rstrip("0123456789"), WORD_BYTES, False)
    if text in ("bytes4", "bytes32"):
        return AbiType(text, "fixed", WORD_BYTES, False)
    raise ValueError(f"unsupported ABI type {text!r}")


def parse_parameters(text: str, structs: Mapping[str, Struct[Any]]) -> tuple[Parameter, ...]:
    """Parameters from `"uint256 indexed a, bytes32 b"`; a name may be missing."""
    parameters = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        type_text, *words = part.split()
        name = words[-1] if words and words[-1] != "indexed" else ""
        parameters.append(Parameter(name, parse_type(type_text, structs), "indexed" in words))
    return tuple(parameters)


def signature(name: str, parameters: Sequence[Parameter]) -> str:
    """The canonical signature that selectors and topics are hashes of."""
    return f"{name}({','.join(parameter.type.canonical for parameter in parameters)})"


def selector(name: str, parameters: Sequence[Parameter]) -> bytes:
    """The four bytes that name a method or an error."""
    return keccak256(signature(name, parameters).encode())[:SELECTOR_BYTES]


# --- Decoding ---------------------------------------------------------------------------------------------


def decode_arguments(parameters: Sequence[Parameter], calldata: bytes) -> tuple[Any, ...]:
    """The arguments after the selector. Raises `MalformedCalldataError` where solc's decoder reverts.

    Integers decode to int, addresses and bytesN to bytes of their length, bytes and string to bytes (no
    check of UTF-8, as in solc), arrays to `Items`, structs to their records.
    """
    reader = _Reader(calldata)
    if len(calldata) - SELECTOR_BYTES < sum(parameter.type.head_bytes for parameter in parameters):
        raise MalformedCalldataError
    values = []
    position = SELECTOR_BYTES
    for parameter in parameters:
        values.append(reader.argument(parameter.type, position))
        position += parameter.type.head_bytes
    return tuple(values)


def _signed(value: int) -> int:
    """`value` modulo 2^256, read as two's complement."""
    value %= TWO_256
    return value - TWO_256 if value >= SIGN_BIT else value


class _Reader:
    """Calldata as the machine sees it: zeros past the end, positions modulo 2^256."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._size = len(data)

    def argument(self, kind: AbiType, position: int) -> Any:
        """A top-level argument whose head is at `position`."""
        if not kind.is_dynamic:
            return self._static(kind, position)
        offset = self._word(position)
        if offset > MAX_OFFSET:
            raise MalformedCalldataError
        start = SELECTOR_BYTES + offset
        if kind.struct is not None:
            if self._size - start < kind.struct.head_bytes:
                raise MalformedCalldataError
            return self._tuple(kind.struct, start)
        if start + WORD_BYTES - 1 >= self._size:
            raise MalformedCalldataError
        length = self._word(start)
        body = start + WORD_BYTES
        if length > MAX_OFFSET or body + length * kind.body_bytes > self._size:
            raise MalformedCalldataError
        return self._body(kind, body, length)

    def _nested(self, kind: AbiType, base: int, pointer: int) -> Any:
        """A dynamic value inside a struct or array at `base`, whose offset is at `pointer`."""
        needed = kind.struct.head_bytes if kind.struct is not None else WORD_BYTES
        offset = _signed(self._word(pointer))
        if offset >= _signed(self._size - base - (needed - 1)):
            raise MalformedCalldataError
        start = (base + offset) % TWO_256
        if kind.struct is not None:
            return self._tuple(kind.struct, start)
        length = self._word(start)
        body = (start + WORD_BYTES) % TWO_256
        if length > MAX_OFFSET or _signed(body) > self._size - length * kind.body_bytes:
            raise MalformedCalldataError
        return self._body(kind, body, length)

    def _body(self, kind: AbiType, body: int, length: int) -> Any:
        if kind.element is None:
            return self._data[body : body + length]
        return Items(self, kind, body, length)

    def _tuple(self, struct: Struct[Any], start: int) -> Any:
        values = []
        position = start
        for field in struct.fields:
            values.append(self.item(field.type, start, position))
            position += field.type.head_bytes
        return struct.record(*values)

    def item(self, kind: AbiType, base: int, position: int) -> Any:
        """A field or element whose head is at `position`, inside the struct or array at `base`."""
        return self._nested(kind, base, position) if kind.is_dynamic else self._static(kind, position)

    def _static(self, kind: AbiType, position: int) -> Any:
        if kind.struct is not None:
            return self._tuple(kind.struct, position)
        return _decode_word(kind, self._word(position))

    def _word(self, position: int) -> int:
        position %= TWO_256
        return int.from_bytes(self._data[position : position + WORD_BYTES].ljust(WORD_BYTES, b"\0"), "big")


class Items(Sequence[Any]):
    """A decoded array; an element is read each time it is asked for.

    Reading an element that is dynamic itself raises `MalformedCalldataError` where solc reverts.
    """

    def __init__(self, reader: _Reader, kind: AbiType, body: int, length: int) -> None:
        self._reader = reader
        self._kind = kind
        self._body = body
        self._length = length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._length))]
        if not 0 <= index < self._length:
            raise IndexError(index)
        assert self._kind.element is not None
        position = self._body + index * self._kind.body_bytes
        return self._reader.item(self._kind.element, self._body, position)


def _decode_word(kind: AbiType, value: int) -> Any:
    if kind.kind == "uint":
        return value
    if kind.kind == "bool":
        if value > 1:
            raise MalformedCalldataError
        return bool(value)
    raw = value.to_bytes(WORD_BYTES, "big")
    if kind.kind == "address":
        if value >> 160:
            raise MalformedCalldataError
        return raw[12:]
    size = int(kind.canonical.removeprefix("bytes"))
    if any(raw[size:]):
        raise MalformedCalldataError
    return raw[:size]


# --- Encoding ---------------------------------------------------------------------------------------------


def encode_word(kind: AbiType, value: Any) -> bytes:
    """One value type as its 32-byte word."""
    if kind.kind in ("uint", "bool"):
        return int(value).to_bytes(WORD_BYTES, "big")
    raw = bytes(value)
    return raw.rjust(WORD_BYTES, b"\0") if kind.kind == "address" else raw.ljust(WORD_BYTES, b"\0")


def encode(types: Sequence[AbiType], values: Sequence[Any]) -> bytes:
    """Standard ABI encoding of `values`, as `abi.encode` gives."""
    head_bytes = sum(kind.head_bytes for kind in types)
    heads, tails = [], []
    tail_bytes = 0
    for kind, value in zip(types, values, strict=True):
        encoded = _encode_value(kind, value)
        if kind.is_dynamic:
            heads.append((head_bytes + tail_bytes).to_bytes(WORD_BYTES, "big"))
            tails.append(encoded)
            tail_bytes += len(encoded)
        else:
            heads.append(encoded)
    return b"".join(heads + tails)


def _encode_value(kind: AbiType, value: Any) -> bytes:
    if kind.struct is not None:
        return encode([field.type for field in kind.struct.fields], kind.struct.values(value))
    if kind.element is not None:
        items = encode([kind.element] * len(value), value)
        return len(value).to_bytes(WORD_BYTES, "big") + items
    if kind.kind in ("bytes", "string"):
        padding = bytes(-len(value) % WORD_BYTES)
        return len(value).to_bytes(WORD_BYTES, "big") + bytes(value) + padding
    return encode_word(kind, value)


def encode_parameters(parameters: Sequence[Parameter], values: Sequence[Any]) -> bytes:
    """`encode` by the parameters' types."""
    return encode([parameter.type for parameter in parameters], values)
