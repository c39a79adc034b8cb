"""What a precompile is: methods, events and errors declared by Solidity signature, and how a call runs.

Order of checks, the same in every twin: selector (fewer than four bytes revert with no data), static call,
arguments (malformed ones revert with no data), value, then the method's own; elements of an array of structs
with arrays of their own are decoded there. Gas for the input is taken before it is decoded, the
method's own price before it has any effect.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from precompiles import gas
from precompiles.abi import (
    SELECTOR_BYTES,
    MalformedCalldataError,
    Struct,
    decode_arguments,
    encode_parameters,
    encode_word,
    parse_parameters,
    selector,
    signature,
)
from precompiles.host import Host

Structs = Mapping[str, Struct[Any]]
_DECLARATION = re.compile(
    r"^(?P<kind>function|event|error) (?P<name>\w+)\((?P<inputs>[^)]*)\)"
    r"(?: (?P<mutability>view|payable))?(?: returns \((?P<outputs>[^)]*)\))?$"
)


class PrecompileRevertError(Exception):
    """The call reverts with `data`; what it did is undone and the gas left returns to the caller."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__(data.hex())
        self.data = data


def _parse(text: str) -> re.Match[str]:
    match = _DECLARATION.match(text)
    if match is None:
        raise ValueError(f"not a declaration: {text!r}")
    return match


class Error:
    """A custom error; calling it gives the exception to raise."""

    def __init__(self, declaration: str) -> None:
        match = _parse(declaration)
        self.name: str = match["name"]
        self.inputs = parse_parameters(match["inputs"], {})
        self.selector = selector(self.name, self.inputs)

    def __call__(self, *values: Any) -> PrecompileRevertError:
        return PrecompileRevertError(self.selector + encode_parameters(self.inputs, values))


class Event:
    """A log with its first topic; indexed parameters are value types."""

    def __init__(self, declaration: str, structs: Structs | None = None) -> None:
        match = _parse(declaration)
        self.name: str = match["name"]
        self.inputs = parse_parameters(match["inputs"], structs or {})
        self.topic = keccak256(signature(self.name, self.inputs).encode())

    def emit(self, host: Host, *values: Any) -> None:
        """Log the event from the running precompile."""
        pairs = list(zip(self.inputs, values, strict=True))
        topics = [Hash32(encode_word(p.type, value)) for p, value in pairs if p.indexed]
        plain = [(p, value) for p, value in pairs if not p.indexed]
        data = encode_parameters([p for p, _ in plain], [value for _, value in plain])
        host.log((self.topic, *topics), data)


class Method:
    """An external function: its declaration and the Python function that is its body.

    The body takes the host and the decoded arguments; it returns nothing, one value, or a tuple of values.
    """

    def __init__(self, declaration: str, body: Callable[..., Any], structs: Structs | None = None) -> None:
        match = _parse(declaration)
        self.name: str = match["name"]
        self.inputs = parse_parameters(match["inputs"], structs or {})
        self.outputs = parse_parameters(match["outputs"] or "", structs or {})
        self.mutability: str = match["mutability"] or "nonpayable"
        self.selector = selector(self.name, self.inputs)
        self.body = body

    def encode_result(self, result: Any) -> bytes:
        """The body's result as return data."""
        if not self.outputs:
            return b""
        values: Sequence[Any] = [result] if len(self.outputs) == 1 else result
        return encode_parameters(self.outputs, values)


DELEGATE_CALL_NOT_ALLOWED = Error("error DelegateCallNotAllowed()")
STATIC_CALL_NOT_ALLOWED = Error("error StaticCallNotAllowed()")
UNKNOWN_FUNCTION_SELECTOR = Error("error UnknownFunctionSelector(bytes4 selector)")
VALUE_NOT_ALLOWED = Error("error ValueNotAllowed()")
COMMON_ERRORS = (
    DELEGATE_CALL_NOT_ALLOWED,
    STATIC_CALL_NOT_ALLOWED,
    UNKNOWN_FUNCTION_SELECTOR,
    VALUE_NOT_ALLOWED,
)
DELEGATE_CALL_REVERT_DATA = DELEGATE_CALL_NOT_ALLOWED().data
"""What the engine answers when a precompile's code address is not its own address."""


class Contract:
    """One native precompile."""

    def __init__(
        self,
        *,
        name: str,
        address: Address,
        prices: Mapping[str, gas.Price],
        methods: Sequence[Method],
        events: Sequence[Event],
        errors: Sequence[Error],
    ) -> None:
        self.name = name
        self.address = address
        gas_of = Method(
            "function gasOf(bytes4 selector, uint256[] elementCounts) view returns (uint256)", self._gas_of
        )
        self.methods = (*methods, gas_of)
        self.events = tuple(events)
        self.errors = tuple(errors)
        self.prices = {method.selector: prices[method.name] for method in self.methods}
        self._by_selector = {method.selector: method for method in self.methods}

    def run(self, host: Host, calldata: bytes) -> bytes:
        """Run one call. Raises `PrecompileRevertError`, or the host's `OutOfGasError`."""
        gas.charge_input(host, len(calldata))
        if len(calldata) < SELECTOR_BYTES:
            raise PrecompileRevertError
        method = self._by_selector.get(calldata[:SELECTOR_BYTES])
        if method is None:
            raise UNKNOWN_FUNCTION_SELECTOR(calldata[:SELECTOR_BYTES])
        if host.is_static and method.mutability != "view":
            raise STATIC_CALL_NOT_ALLOWED()
        try:
            return self._run_method(host, method, calldata)
        except MalformedCalldataError:
            raise PrecompileRevertError from None

    def _run_method(self, host: Host, method: Method, calldata: bytes) -> bytes:
        arguments = decode_arguments(method.inputs, calldata)
        if host.value_wei and method.mutability != "payable":
            raise VALUE_NOT_ALLOWED()
        return method.encode_result(method.body(host, *arguments))

    def _gas_of(self, host: Host, method_selector: bytes, element_counts: Sequence[int]) -> int:
        """What a call of a method costs; the first count is the calldata's words, selector included."""
        gas.charge(host, gas.GAS_OF)
        price = self.prices.get(method_selector)
        if price is None:
            raise UNKNOWN_FUNCTION_SELECTOR(method_selector)
        return price.total(element_counts)
