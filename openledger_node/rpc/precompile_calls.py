"""What calls of our precompiles are in words: contract, method, arguments and errors by name, for traces.

Covered: every frame of a callTracer result that goes to one of our precompiles. Not covered: calldata longer
than a page, since a short one may describe much more than it holds.
"""

from collections.abc import Mapping
from typing import Any

from eth_abi.exceptions import DecodingError

from genesis.types import Address
from openledger_node.client.abi import Signature
from openledger_node.client.contract import Contract, precompile_interface
from openledger_node.rpc.encode import Json, data, quantity
from precompiles import table

LONGEST_CALLDATA_BYTES = 16_384
CONTRACTS: Mapping[Address, tuple[str, Contract]] = {
    address: (native.name, Contract(address, precompile_interface(f"I{native.name}")))
    for address, native in table.CONTRACTS.items()
}


def name_precompile_calls(trace: Json) -> None:
    """Add `precompile` to every frame of a call trace that called one of ours."""
    waiting = [trace]
    while waiting:
        frame = waiting.pop()
        waiting += frame.get("calls", ())
        decoded = _decoded(frame)
        if decoded is not None:
            frame["precompile"] = decoded


def _decoded(frame: Json) -> Json | None:
    to = frame.get("to")
    known = None if to is None else CONTRACTS.get(Address(bytes.fromhex(to[2:])))
    calldata = bytes.fromhex(frame.get("input", "0x")[2:])
    if known is None or len(calldata) > LONGEST_CALLDATA_BYTES:
        return None
    name, contract = known
    method = _method(contract, calldata[:4])
    if method is None:
        return {"contract": name, "method": None}
    answer: Json = {"contract": name, "method": method.text}
    try:
        answer["arguments"] = _json(contract.arguments(method.name, calldata))
    except (DecodingError, ValueError, OverflowError):
        answer["arguments"] = None
    return answer | _error(contract, frame)


def _method(contract: Contract, selector: bytes) -> Signature | None:
    functions = contract.interface.functions.values()
    return next((function for function in functions if function.selector == selector), None)


def _error(contract: Contract, frame: Json) -> Json:
    """The custom error a reverted call returned."""
    if "error" not in frame or "output" not in frame:
        return {}
    reverted = contract.reverted("call", bytes.fromhex(frame["output"][2:]))
    if not reverted.name:
        return {}
    return {"error": {"name": reverted.name, "arguments": _json(reverted.arguments)}}


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, bool | str):
        return value
    return data(value) if isinstance(value, bytes) else quantity(value)
