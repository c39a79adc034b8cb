"""What the node says it can do: an OpenRPC document made from the method table.

Parameters are described by the parsers that read them; results are left open, their shapes are those of the
specifications that each namespace follows.
Source: OpenRPC specification 1.3.2.
"""

from collections.abc import Mapping
from typing import Any

from openledger_node import __version__
from openledger_node.rpc import parse
from openledger_node.rpc.encode import Json
from openledger_node.rpc.log_filter import log_filter
from openledger_node.rpc.requests import (
    block_number,
    block_reference,
    call_block_overrides,
    call_object,
    state_overrides,
)
from openledger_node.rpc.simulation_request import simulation_request
from openledger_node.rpc.table import Method, Parameter, Table

_HEX = "^0x[0-9a-fA-F]"
_BLOCK_TAGS = ["earliest", "finalized", "safe", "latest", "pending"]
_QUANTITY: Json = {"type": "string", "pattern": "^0x(0|[1-9a-fA-F][0-9a-fA-F]*)$"}
_HASH: Json = {"type": "string", "pattern": f"{_HEX}{{64}}$"}
_NUMBER_OR_TAG: Json = {"oneOf": [_QUANTITY, {"type": "string", "enum": _BLOCK_TAGS}]}
_OBJECT: Json = {"type": "object"}

_DESCRIPTIONS: Mapping[Any, tuple[str, Json]] = {
    parse.text: ("text", {"type": "string"}),
    parse.boolean: ("flag", {"type": "boolean"}),
    parse.quantity: ("quantity", _QUANTITY),
    parse.uint64: ("number", _QUANTITY),
    parse.number: ("number", {"oneOf": [_QUANTITY, {"type": "integer", "minimum": 0}]}),
    parse.data: ("data", {"type": "string", "pattern": f"{_HEX}*$"}),
    parse.address: ("address", {"type": "string", "pattern": f"{_HEX}{{40}}$"}),
    parse.hash32: ("hash", _HASH),
    parse.storage_key: ("slot", {"type": "string", "pattern": f"{_HEX}{{0,64}}$"}),
    parse.json_object: ("object", _OBJECT),
    block_number: ("block", _NUMBER_OR_TAG),
    block_reference: ("block", {"oneOf": [_NUMBER_OR_TAG, _HASH, _OBJECT]}),
    call_object: ("transaction", _OBJECT),
    state_overrides: ("stateOverrides", _OBJECT),
    call_block_overrides: ("blockOverrides", _OBJECT),
    log_filter: ("filter", _OBJECT),
    simulation_request: ("simulation", _OBJECT),
}
"""Name and JSON schema of what each parser reads; others are described as anything."""


def document(table: Table) -> Json:
    """The OpenRPC document of a method table."""
    return {
        "openrpc": "1.3.2",
        "info": {
            "title": "openledger-node",
            "version": __version__,
            "description": "JSON-RPC of an OpenLedger node: Ethereum's, the OP Stack's and its own methods.",
            "license": {"name": "MIT"},
        },
        "methods": [_method(name, table[name]) for name in sorted(table)],
    }


def _method(name: str, method: Method) -> Json:
    return {
        "name": name,
        "paramStructure": "by-position",
        "params": [_parameter(index, item) for index, item in enumerate(method.parameters)],
        "result": {"name": "result", "schema": {}},
    }


def _parameter(index: int, parameter: Parameter) -> Json:
    name, schema = _DESCRIPTIONS.get(parameter.parse, ("value", {}))
    return {"name": f"{name}{index}", "required": parameter.required, "schema": schema}
