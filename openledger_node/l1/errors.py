"""What can go wrong between this node and its L1, and who catches it.

rollup_bridge.errors.TemporaryError, openledger_node.errors.TemporaryError
└── L1UnavailableError   no URL gave a usable answer; services of both kinds back off and ask again
rollup_bridge.errors.TransactionError
└── L1RefusedError       the node answered with a JSON-RPC error; whoever asked decides
"""

from typing import Any

from openledger_node.errors import TemporaryError
from rollup_bridge.errors import TemporaryError as BridgeTemporaryError
from rollup_bridge.errors import TransactionError


class L1UnavailableError(TemporaryError, BridgeTemporaryError):
    code = "OL-1330"


class L1RefusedError(TransactionError):
    """`rpc_code`, `message` and `data` are the members of the JSON-RPC error object."""

    def __init__(self, method: str, rpc_code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{method} refused: {message} ({rpc_code})")
        self.rpc_code = rpc_code
        self.message = message
        self.data = data
