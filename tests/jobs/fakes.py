"""Stand-ins at the job room's ports: a pool that answers from a list, a clock turned by hand."""

import asyncio
from collections.abc import Callable
from typing import Any

from openledger_node.jobs.ports import Progress


class ManualClock:
    """Time stands still; sleeping returns at once and moves it."""

    def __init__(self, now_s: float = 1_000.0) -> None:
        self._now_s = now_s
        self.slept_s: list[float] = []

    def now_s(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        self._now_s += seconds

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self._now_s += seconds
        await asyncio.sleep(0)


Answer = Callable[[str, Any], Any] | BaseException


class ScriptedPool:
    """Gives the next answer of a script: a function of kind and request, or an exception to raise."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Any]] = []
        self.workers = 1

    async def run(self, kind: str, request: Any, progress: Progress | None = None) -> Any:
        self.asked.append((kind, request))
        if progress is not None:
            progress(0.5, "half way")
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer(kind, request)
