"""How services live and die: started in order, stopped in reverse; the first failure stops the node.

The only place that catches whatever a service raises.
"""

import asyncio
import os
import signal
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import structlog

from openledger_node.errors import CriticalError, OpenLedgerError

Answer = TypeVar("Answer")

log = structlog.get_logger(__name__)

SERVICE_PATIENCE_S = 8.0


class Service(Protocol):
    """Runs until cancelled; returning early or raising stops the node."""

    async def run(self) -> None: ...


class StoppedError(OpenLedgerError):
    """The operator stopped the node while it was starting."""


class Supervisor:
    """Holds the running services of one process. Use as `async with Supervisor(stop) as supervisor`."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._tasks: list[asyncio.Task[None]] = []
        self._unneeded: list[asyncio.Task[None]] = []
        self._raised: set[asyncio.Task[Any]] = set()

    def start(self, name: str, service: Service, *, needed: bool = True) -> None:
        """Start a service; those started earlier outlive it, unless no other service needs it."""
        task = asyncio.create_task(service.run(), name=name)
        self._tasks.append(task)
        if not needed:
            self._unneeded.append(task)

    async def guard(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """The result of `work`, unless a service fails or the operator stops the node first."""
        task = asyncio.create_task(work)
        self._raised.add(task)
        try:
            await self._first_of(task)
            if not task.done():
                raise StoppedError("stopped while starting")
            return task.result()
        except BaseException:
            await self._end(task)
            await self.stop_services()
            raise

    async def run_until_stopped(self) -> None:
        """Returns when the operator stops the node; raises what stopped it otherwise.

        All services have ended then, so that what they use can be closed.
        """
        try:
            await self._first_of()
        finally:
            await self.stop_services()

    async def stop_services(self) -> None:
        """Cancel every service, the last started first, each to its end before the next.

        Those that no other needs, child processes most of all, begin to stop at once.
        """
        for task in self._unneeded:
            task.cancel()
        while self._tasks:
            task = self._tasks.pop()
            await self._end(task)
            log.debug("service stopped", service=task.get_name())

    async def _end(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelling():
            task.cancel()
        _, pending = await asyncio.wait([task], timeout=SERVICE_PATIENCE_S)
        if pending:
            log.warning("service does not stop", service=task.get_name())
        elif not task.cancelled() and task.exception() is not None and task not in self._raised:
            log.error("service failed while stopping", service=task.get_name(), reason=str(task.exception()))

    async def _first_of(self, *others: asyncio.Task[Any]) -> None:
        """Wait for the stop event, one of `others`, or the failure of a service, which is raised."""
        stopping = asyncio.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait(
                [stopping, *others, *self._tasks], return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stopping.cancel()
        for task in self._tasks:
            if task in done:
                self._raised.add(task)
                task.result()
                raise CriticalError(f"service {task.get_name()} ended by itself", "this is a bug: report it")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_services()


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on the first SIGINT or SIGTERM; the second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def handle(received: signal.Signals) -> None:
        if stop.is_set():
            os._exit(128 + received)
        log.info("stopping", signal=received.name)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, handle, number)
