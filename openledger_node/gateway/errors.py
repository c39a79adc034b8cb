"""What the gateway refuses, by HTTP status.

UserError (openledger_node.errors)
├── ParameterError         400: a parameter that cannot be what it is, by name
├── NotFoundError          404: no such model, channel, job, artefact or receipt
├── ConflictError          409: an idempotency key used for something else
└── PaymentRequiredError   402: no voucher, or one that does not cover the call; says what would
All are caught by the gateway's one error middleware.
"""

from typing import Any

from openledger_node.errors import UserError


class NotFoundError(UserError):
    code = "OL-1120"


class ConflictError(UserError):
    code = "OL-1121"


class PaymentRequiredError(UserError):
    """`reason` is machine-readable; `terms` is what the next voucher must say.

    `headers` go with the answer: x402's requirements.
    """

    code = "OL-1122"

    def __init__(self, reason: str, message: str, terms: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.terms = terms or {}
        self.headers: dict[str, str] = {}


class ParameterError(UserError):
    """A request's parameter cannot be what it is; `parameter` names it, as OpenAI's errors do."""

    def __init__(self, parameter: str | None, cause: str, remedy: str = "") -> None:
        super().__init__(cause, remedy)
        self.parameter = parameter
