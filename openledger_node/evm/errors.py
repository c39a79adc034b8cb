"""What the engine refuses, by consequence, and who catches it.

UserError
├── TransactionError   a transaction that can not be in this block; the builder skips it, RPC answers -32000
└── CallError          a call or estimate that can not run; RPC answers -32000 (or 3 with revert data)
    └── CallTimeoutError
CriticalError
└── InvalidBlockError  a block breaks the rules: import refuses it, derivation decides what follows
"""

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


class InvalidBlockError(CriticalError):
    code = "OL-1410"
