"""What can go wrong between a client and a node.

TemporaryError (openledger_node.errors)
├── UnreachableError   no answer, or one that is not JSON-RPC; loops back off and ask again
└── NotIncludedError   a sent transaction has no receipt yet; state decides whether to send again
OpenLedgerError
├── RemoteError        the node answered with a JSON-RPC error
├── RevertedError      a call or transaction reverted, with the contract's reason decoded
└── DishonestReceiptError   a provider's receipt or offer is not for what was bought
"""

from typing import Any

from openledger_node.errors import OpenLedgerError, TemporaryError


class UnreachableError(TemporaryError):
    code = "OL-1310"


class NotIncludedError(TemporaryError):
    code = "OL-1311"


class RemoteError(OpenLedgerError):
    """`rpc_code`, `message` and `data` are the members of the JSON-RPC error object."""

    code = "OL-1312"

    def __init__(self, method: str, rpc_code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{method} failed: {message} ({rpc_code})")
        self.rpc_code = rpc_code
        self.message = message
        self.data = data


class RevertedError(OpenLedgerError):
    """`name` is the Solidity error's name ("Error" for a string, "" when there is no data)."""

    code = "OL-1313"

    def __init__(self, what: str, name: str, arguments: dict[str, Any], data: bytes) -> None:
        shown = ", ".join(f"{key}={_shown(value)}" for key, value in arguments.items())
        super().__init__(f"{what} reverted: {name}({shown})" if name else f"{what} reverted: 0x{data.hex()}")
        self.name = name
        self.arguments = arguments
        self.data = data


def _shown(value: Any) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)


class DishonestReceiptError(OpenLedgerError):
    """A receipt is not for what was bought: the customer signs nothing more."""

    code = "OL-1315"
