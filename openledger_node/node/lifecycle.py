"""How services live and die: started together, stopped together, the first failure stops the node."""

import asyncio
import signal
from collections.abc import Sequence
from typing import Protocol

import structlog

from openledger_node.errors import OpenLedgerError

log = structlog.get_logger(__name__)


class Service(Protocol):
    """Something that runs until cancelled. Returning early is a fault, except for `finite` services."""

    async def run(self) -> None: ...


async def run_services(services: Sequence[tuple[str, Service]], stop: asyncio.Event) -> None:
    """Run all services until `stop` is set; raises the first failure after the others were cancelled.

    Services are cancelled in reverse order of their start, each finished before the one it depends on.
    """
    tasks: list[asyncio.Task[None]] = []
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        for name, service in services:
            tasks.append(asyncio.create_task(service.run(), name=name))
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        failed = next((task for task in tasks if task in done), None)
        if failed is not None:
            log.error("service stopped", service=failed.get_name())
            await failed
            raise OpenLedgerError(f"service {failed.get_name()} ended unexpectedly", "see the log above")
    finally:
        stopping.cancel()
        for task in reversed(tasks):
            task.cancel()
            await asyncio.wait([task])


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on the first SIGINT or SIGTERM; the second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def handle(received: signal.Signals) -> None:
        if stop.is_set():
            raise SystemExit(128 + received)
        log.info("stopping", signal=received.name)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, handle, number)
