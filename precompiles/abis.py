"""The precompiles' ABIs as JSON, built from the declarations that run: what clients and the house read."""

from collections.abc import Mapping, Sequence
from typing import Any

from genesis.addresses import (
    ATTRIBUTION,
    DATANET_REGISTRY,
    INFERENCE_METERING,
    MODEL_REGISTRY,
    POLICY,
    PRECOMPILE_REGISTRY,
    STAKING,
)
from genesis.types import Address
from precompiles.abi import AbiType, Parameter
from precompiles.contract import COMMON_ERRORS, Contract, Error, Event, Method
from precompiles.table import CONTRACTS

Json = dict[str, Any]

CLIENT_NAMES: Mapping[str, Address] = {
    "attribution": ATTRIBUTION,
    "datanets": DATANET_REGISTRY,
    "models": MODEL_REGISTRY,
    "metering": INFERENCE_METERING,
    "staking": STAKING,
    "policy": POLICY,
    "registry": PRECOMPILE_REGISTRY,
}
"""What clients in every language call each precompile."""


def contract_named(name: str) -> Contract:
    """The precompile called `name`, for instance `Attribution`. Raises KeyError."""
    return {contract.name: contract for contract in CONTRACTS.values()}[name]


def abi_of(address: Address) -> list[Json]:
    """The JSON ABI of the precompile at `address`, the errors common to all included. Raises KeyError."""
    contract = CONTRACTS[address]
    return [
        *map(_method, contract.methods),
        *map(_event, contract.events),
        *map(_error, (*contract.errors, *COMMON_ERRORS)),
    ]


def _method(method: Method) -> Json:
    return {
        "type": "function",
        "name": method.name,
        "inputs": _parameters(method.inputs),
        "outputs": _parameters(method.outputs),
        "stateMutability": method.mutability,
    }


def _event(event: Event) -> Json:
    inputs = [{**_parameter(parameter), "indexed": parameter.indexed} for parameter in event.inputs]
    return {"type": "event", "name": event.name, "inputs": inputs, "anonymous": False}


def _error(error: Error) -> Json:
    return {"type": "error", "name": error.name, "inputs": _parameters(error.inputs)}


def _parameters(parameters: Sequence[Parameter]) -> list[Json]:
    return [_parameter(parameter) for parameter in parameters]


def _parameter(parameter: Parameter) -> Json:
    suffix = ""
    kind: AbiType = parameter.type
    while kind.element is not None:
        kind = kind.element
        suffix += "[]"
    if kind.struct is None:
        return {"name": parameter.name, "type": kind.canonical + suffix}
    return {
        "name": parameter.name,
        "type": "tuple" + suffix,
        "components": _parameters(kind.struct.fields),
    }
