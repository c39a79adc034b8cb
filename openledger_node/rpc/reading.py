"""Reads of a batch that stand side by side share one thread job.

The way to a thread and back costs more than most reads do.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from openledger_node.rpc import errors
from openledger_node.rpc.errors import RpcError

TURN_S = 0.02
"""After this a job makes room for others' reads; what it has not begun waits for the next."""

Read = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a read answered or raised."""

    value: Any = None
    error: Exception | None = None
    seconds: float = 0.0

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


class ReadingJob:
    """Runs `reads` in order, at least the first; one that fails does not end it."""

    def __init__(self, reads: Sequence[Read]) -> None:
        self._reads = reads
        self._outcomes: list[Outcome] = []
        self._given_up = False

    def run(self) -> list[Outcome]:
        """In a thread."""
        end_s = time.monotonic() + TURN_S
        for read in self._reads:
            if self._given_up:
                break
            self._outcomes.append(_outcome(read))
            if time.monotonic() > end_s:
                break
        return self._outcomes

    def give_up(self) -> list[Outcome]:
        """Outcomes of what was finished, and of the read that was not; none after it begins."""
        self._given_up = True
        finished = list(self._outcomes)
        return finished if len(finished) == len(self._reads) else [*finished, Outcome(error=timed_out())]


def timed_out() -> RpcError:
    return RpcError(errors.TIMED_OUT, "request timed out")


def _outcome(read: Read) -> Outcome:
    start_s = time.monotonic()
    try:
        value = read()
    except Exception as error:  # noqa: BLE001 - handed over to whoever asks for the result
        return Outcome(error=error, seconds=time.monotonic() - start_s)
    return Outcome(value, seconds=time.monotonic() - start_s)
