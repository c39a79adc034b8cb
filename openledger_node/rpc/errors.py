"""Which error code and words a failed request gets: the one table from our errors to JSON-RPC's.

RpcError                 caught by `dispatch`, which writes it into the answer
├── InvalidParamsError   -32602: the request's parameters are not what the method takes
├── ExecutionRevertedError  3: the call ran and reverted; `data` is what it returned
└── LimitError           -32005: the node's own limit, not the request's form

Source: JSON-RPC 2.0; execution-apis error groups; go-ethereum's codes where those are silent.
"""

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError

from openledger_node.errors import TemporaryError, UserError
from openledger_node.evm.errors import CallError
from openledger_node.evm.node_store import MissingStateError
from sequencer.errors import AdmissionError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
TIMED_OUT = -32002
RESPONSE_TOO_LARGE = -32003
LIMIT_EXCEEDED = -32005
EXECUTION_REVERTED = 3

ERROR_STRING_SELECTOR = bytes.fromhex("08c379a0")
PANIC_SELECTOR = bytes.fromhex("4e487b71")
PANIC_REASONS = {
    0x00: "generic panic",
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}
"""Source: Solidity documentation, "Panic via assert and Error via require"."""


class RpcError(Exception):
    """An answer other than a result. `data` is any JSON value, None for absent."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class InvalidParamsError(RpcError):
    def __init__(self, message: str) -> None:
        super().__init__(INVALID_PARAMS, message)


class ServerError(RpcError):
    """What the request asks for is well formed and cannot be given."""

    def __init__(self, message: str) -> None:
        super().__init__(SERVER_ERROR, message)


class LimitError(RpcError):
    def __init__(self, message: str) -> None:
        super().__init__(LIMIT_EXCEEDED, message)


class ExecutionRevertedError(RpcError):
    def __init__(self, output: bytes) -> None:
        reason = revert_reason(output)
        message = f"execution reverted: {reason}" if reason else "execution reverted"
        super().__init__(EXECUTION_REVERTED, message, "0x" + output.hex())


def revert_reason(output: bytes) -> str | None:
    """The text of `Error(string)` or `Panic(uint256)` revert data; None for anything else."""
    selector, body = output[:4], output[4:]
    try:
        if selector == ERROR_STRING_SELECTOR:
            return str(abi_decode(["string"], body)[0])
        if selector == PANIC_SELECTOR:
            code = int(abi_decode(["uint256"], body)[0])
            return PANIC_REASONS.get(code, f"unknown panic code: {code:#x}")
    except (DecodingError, OverflowError, UnicodeDecodeError):
        return None
    return None


def to_rpc_error(error: Exception) -> RpcError | None:
    """The answer for an error of ours; None if it is a fault of the node."""
    if isinstance(error, RpcError):
        return error
    if isinstance(error, CallError) and error.cause.startswith("execution reverted"):
        return ExecutionRevertedError(error.output)
    if isinstance(error, AdmissionError):
        return ServerError(str(error))
    if isinstance(error, UserError | TemporaryError | MissingStateError):
        return ServerError(str(error))
    return None
