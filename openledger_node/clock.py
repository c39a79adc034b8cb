"""What time it is: injected everywhere, so that tests turn the hands."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    def now_s(self) -> float:
        """Unix time in seconds."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now_s(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ElapsedClock:
    """Goes on from `start_s`; stands still while the machine sleeps, and for a next process starts anew."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._start_s = start_s - time.monotonic()

    def now_s(self) -> float:
        return self._start_s + time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SteeredClock:
    """A development chain's clock: another clock's time plus an offset that only grows.

    Not below `not_before_s`: a chain whose time was turned forward goes on from there after a restart.
    """

    def __init__(self, inner: Clock, not_before_s: float = 0.0) -> None:
        self._inner = inner
        self._offset_s = max(0.0, not_before_s - inner.now_s())

    def now_s(self) -> float:
        return self._inner.now_s() + self._offset_s

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)

    def advance_s(self, seconds: float) -> None:
        """Turn the clock forward."""
        if seconds < 0:
            raise ValueError("a clock is only turned forward")
        self._offset_s += seconds
