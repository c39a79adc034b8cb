"""What the job room needs from outside: somebody who works, and who says how it went.

Requests and results are plain JSON values; their records are in `workers.protocol`.
"""

from collections.abc import Callable
from typing import Any, Protocol

from openledger_node.errors import OpenLedgerError

Progress = Callable[[float, str], None]
"""Fraction done in [0, 1] and a few words."""


class WorkerFailedError(OpenLedgerError):
    """The worker says the job cannot be done; `retryable` if it may go better the next time."""

    code = "OL-1320"

    def __init__(self, failure: str, message: str, retryable: bool) -> None:
        super().__init__(f"{failure}: {message}")
        self.failure = failure
        self.message = message
        self.retryable = retryable


class WorkerLostError(OpenLedgerError):
    """The worker went away with the job: killed, crashed or cut off."""

    code = "OL-1321"


class WorkerPool(Protocol):
    async def run(self, kind: str, request: Any, progress: Progress | None = None) -> Any:
        """Do one job on some worker; cancelling the call cancels the job.

        Raises `WorkerFailedError` and `WorkerLostError`.
        """
        ...

    @property
    def workers(self) -> int:
        """How many workers are connected now."""
        ...
