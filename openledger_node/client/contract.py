"""How one contract is spoken to: calldata in, results, events and errors out."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from eth_abi.exceptions import DecodingError, EncodingError

from genesis.types import Address, Hash32
from openledger_node.client.abi import (
    Interface,
    Parameter,
    Signature,
    decode_abi,
    decode_values,
    encode_values,
    interface_from_solidity,
)
from openledger_node.client.errors import RevertedError
from openledger_node.errors import UserError

ERROR_SELECTOR = bytes.fromhex("08c379a0")
PANIC_SELECTOR = bytes.fromhex("4e487b71")


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded log and where it stands."""

    name: str
    arguments: Mapping[str, Any]
    address: Address
    block_number: int
    log_index: int
    transaction_hash: Hash32


@dataclass(frozen=True)
class Contract:
    """An address with its interface."""

    address: Address
    interface: Interface

    def calldata(self, method: str, *arguments: Any) -> bytes:
        """Selector and encoded arguments; raises KeyError for an unknown method, UserError for what its types
        cannot hold."""
        function = self.interface.functions[method]
        try:
            return function.selector + encode_values(function.inputs, arguments)
        except EncodingError as error:
            raise UserError(
                f"{method} takes no such argument ({error})", "see the ranges of its types"
            ) from None

    def result(self, method: str, data: bytes) -> Any:
        """A single output as itself, several as a tuple, none as None."""
        outputs = self.interface.functions[method].outputs
        values = decode_values(outputs, data)
        if not outputs:
            return None
        return values[0] if len(values) == 1 else tuple(values)

    def arguments(self, method: str, calldata: bytes) -> dict[str, Any]:
        """The arguments of calldata for `method`, by name; raises ValueError for another selector."""
        function = self.interface.functions[method]
        if calldata[:4] != function.selector:
            raise ValueError(f"calldata is not for {method}")
        values = decode_values(function.inputs, calldata[4:])
        return {p.name: value for p, value in zip(function.inputs, values, strict=True)}

    def event(self, log: Mapping[str, Any]) -> Event | None:
        """A JSON-RPC log object decoded, or None if it is not one of this contract's events."""
        topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
        address = Address(bytes.fromhex(log["address"][2:]))
        signature = self.interface.events.get(topics[0]) if topics else None
        if signature is None or address != self.address:
            return None
        return Event(
            signature.name,
            _event_arguments(signature, topics[1:], bytes.fromhex(log["data"][2:])),
            address,
            int(log["blockNumber"], 16),
            int(log["logIndex"], 16),
            Hash32(bytes.fromhex(log["transactionHash"][2:])),
        )

    def reverted(self, what: str, data: bytes) -> RevertedError:
        """The error behind revert data."""
        name, arguments = _decode_error(self.interface, data)
        return RevertedError(what, name, arguments, data)


def _event_arguments(signature: Signature, topics: list[bytes], data: bytes) -> dict[str, Any]:
    indexed = [parameter for parameter in signature.inputs if parameter.indexed]
    plain = [parameter for parameter in signature.inputs if not parameter.indexed]
    values = {
        parameter.name: topic if _is_hashed(parameter) else decode_values((parameter,), topic)[0]
        for parameter, topic in zip(indexed, topics, strict=True)
    }
    values.update(zip((p.name for p in plain), decode_values(plain, data), strict=True))
    return {parameter.name: values[parameter.name] for parameter in signature.inputs}


def _is_hashed(parameter: Parameter) -> bool:
    """True iff a topic has the hash of such a value instead of the value. Source: Solidity's ABI, events."""
    return parameter.type in {"string", "bytes"} or parameter.type.endswith("]") or parameter.type == "tuple"


def _decode_error(interface: Interface, data: bytes) -> tuple[str, dict[str, Any]]:
    selector, body = data[:4], data[4:]
    try:
        if selector == ERROR_SELECTOR:
            return "Error", {"message": decode_abi(["string"], body)[0]}
        if selector == PANIC_SELECTOR:
            return "Panic", {"code": decode_abi(["uint256"], body)[0]}
        error = interface.errors.get(selector) or _precompile_errors().get(selector)
        if error is None:
            return "", {}
        values = decode_values(error.inputs, body)
    except DecodingError:
        return "", {}
    return error.name, {p.name: value for p, value in zip(error.inputs, values, strict=True)}


@cache
def _precompile_errors() -> Mapping[bytes, Signature]:
    """What contracts that call precompiles pass on: wallets, the callback caller, the timelock."""
    names = (each.name for each in (files("precompiles") / "solidity" / "interfaces").iterdir())
    return {
        selector: error
        for name in sorted(names)
        for selector, error in precompile_interface(name.removesuffix(".sol")).errors.items()
    }


@cache
def precompile_interface(name: str) -> Interface:
    """The interface of one of our precompiles by its Solidity name, with the errors all of them share."""
    folder = files("precompiles") / "solidity" / "interfaces"
    return interface_from_solidity(
        (folder / f"{name}.sol").read_text(), (folder / "IPrecompileErrors.sol").read_text()
    )
