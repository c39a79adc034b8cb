"""The one lane on which blocks execute: a thread of its own, one piece of work at a time.

Everything that writes the chain goes through here, so that there is one writer and the event loop stays free.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")


class ExecutionLane:
    """Implements `sequencer.ports.Lane`."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="execution")

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Run `work` on the lane, to its end even if the caller is cancelled meanwhile."""
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        return await asyncio.shield(future)

    def close(self) -> None:
        """Wait for the work under way; later calls raise RuntimeError."""
        self._executor.shutdown(wait=True)
