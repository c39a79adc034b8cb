"""How the engine runs beside an event loop: on a thread of its own, fed by a queue, answering in batches."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from workers.serving.engine.engine import Engine, EngineStatistics
from workers.serving.engine.sequence import Event, Sequence
from workers.serving.errors import DrainingError

log = logging.getLogger(__name__)

IDLE_WAIT_S = 0.5
MOST_FAILURES = 3
"""Failed steps in a row after which the engine says that it is not healthy."""


class EngineThread:
    """Create inside a running event loop; `start`, `submit`, `close`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._loop = asyncio.get_running_loop()
        self._condition = threading.Condition()
        self._arriving: deque[Sequence] = deque()
        self._calls: deque[Callable[[], Any]] = deque()
        self._outgoing: list[tuple[Callable[[Event], None], Event]] = []
        self._is_closing = self._is_woken = False
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    @property
    def is_healthy(self) -> bool:
        """False when the thread is gone or fails step after step."""
        return self._thread.is_alive() and self._failures < MOST_FAILURES

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    async def close(self) -> None:
        """End the thread; what is open fails with DrainingError."""
        with self._condition:
            self._is_closing = True
            self._condition.notify()
        await asyncio.to_thread(self._thread.join)
        self._hand_out(self._outgoing)

    def submit(self, sequence: Sequence) -> None:
        """Queue a sequence; its `deliver` is called on the event loop."""
        on_loop = sequence.deliver
        sequence.deliver = lambda event: self._outgoing.append((on_loop, event))
        with self._condition:
            self._arriving.append(sequence)
            self._condition.notify()

    def cancel(self, sequence: Sequence) -> None:
        """Stop a sequence before its next step; nothing happens to one that has ended."""
        sequence.is_cancelled = True
        self.wake()

    def call(self, function: Callable[[], Any]) -> None:
        """Run something small between two steps, on the engine's thread."""
        with self._condition:
            self._calls.append(function)
            self._condition.notify()

    def wake(self) -> None:
        """Look again at what waits: an adapter has arrived."""
        with self._condition:
            self._is_woken = True
            self._condition.notify()

    def statistics(self) -> EngineStatistics:
        """The engine's counters; sequences on their way to it count as waiting."""
        return self.engine.statistics()

    @property
    def open_sequences(self) -> int:
        """Sequences that run or wait."""
        statistics = self.engine.statistics()
        return statistics.running + statistics.waiting + len(self._arriving)

    # --- On the engine's thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        is_stuck = False
        while True:
            with self._condition:
                if is_stuck or not self.engine.has_work:
                    self._condition.wait_for(self._has_news, IDLE_WAIT_S if is_stuck else None)
                if self._is_closing:
                    break
                self._take_in()
            is_stuck = not self._advance()
            self._flush()
        self.engine.fail_all(DrainingError("the server is shutting down"))
        for sequence in self._arriving:
            sequence.deliver(DrainingError("the server is shutting down"))

    def _has_news(self) -> bool:
        return bool(self._arriving or self._calls or self._is_closing or self._is_woken)

    def _take_in(self) -> None:
        self._is_woken = False
        while self._arriving:
            self.engine.add(self._arriving.popleft())
        while self._calls:
            self._calls.popleft()()

    def _advance(self) -> bool:
        try:
            has_advanced = self.engine.step()
            self._failures = 0
        except Exception as error:  # the engine's one supervisor: a batch fails, the next runs
            log.exception("a step of the engine failed")
            self._failures += 1
            self.engine.fail_running(error)
            return True
        return has_advanced

    def _flush(self) -> None:
        if self._outgoing:
            outgoing, self._outgoing = self._outgoing, []
            self._loop.call_soon_threadsafe(self._hand_out, outgoing)

    @staticmethod
    def _hand_out(outgoing: list[tuple[Callable[[Event], None], Event]]) -> None:
        for deliver, event in outgoing:
            deliver(event)
