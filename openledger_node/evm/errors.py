"""What the engine refuses, by consequence, and who catches it.

UserError
├── TransactionError   a transaction that can not be in this block; the builder skips it, RPC answers -32000
├── CallError          a call or estimate that can not run; RPC answers -32000 (or 3 with revert data)
│   └── CallTimeoutError
└── SimulationError    a simulation that can not go on; RPC has a code for each reason
CriticalError
└── InvalidBlockError  a block breaks the rules: import refuses it, derivation decides what follows
"""

from enum import Enum, auto

from openledger_node.errors import CriticalError, UserError


class TransactionError(UserError):
    """Worded as geth words it. `permanent`: the transaction can never become valid, whatever the block."""

    code = "OL-1110"

    def __init__(self, cause: str, *, permanent: bool = True) -> None:
        super().__init__(cause)
        self.permanent = permanent


class CallError(UserError):
    """`output` is the revert data, empty for other halts."""

    code = "OL-1111"

    def __init__(self, cause: str, output: bytes = b"") -> None:
        super().__init__(cause)
        self.output = output


class CallTimeoutError(CallError):
    """The call took longer than its caller allows."""


class TraceTooLargeError(CallError):
    """A trace would take more memory than this node gives to one request."""

    def __init__(self) -> None:
        super().__init__("trace too large: leave parts out by the tracer's options, or trace one transaction")


class Refusal(Enum):
    """Why a simulation stops. Source: execution-apis, errors of eth_simulateV1."""

    NONCE_TOO_LOW = auto()
    NONCE_TOO_HIGH = auto()
    FEE_TOO_LOW = auto()
    FEES_INVALID = auto()
    INTRINSIC_GAS = auto()
    FUNDS = auto()
    BLOCK_GAS = auto()
    BLOCK_NUMBER = auto()
    BLOCK_TIME = auto()
    INITCODE_SIZE = auto()
    LIMIT = auto()
    OTHER = auto()


class SimulationError(UserError):
    code = "OL-1112"

    def __init__(self, refusal: Refusal, cause: str) -> None:
        super().__init__(cause)
        self.refusal = refusal


class InvalidBlockError(CriticalError):
    code = "OL-1410"
