"""Is there room on the data directory's disk: asked before the node starts and while it runs."""

import asyncio
import shutil
from pathlib import Path

from openledger_node.errors import CriticalError, StartError

MEGABYTE = 1_000_000
POLL_S = 5.0
REMEDY = "make room, choose another --datadir, or ask for less with --min-free-disk"


class DiskGuard:
    """A service that stops the node in order before its disk is full; 0 megabytes turn it off."""

    def __init__(self, directory: Path, least_megabytes: int) -> None:
        self._directory = directory
        self._least_bytes = least_megabytes * MEGABYTE

    def free_bytes(self) -> int:
        """What the node's user may still write."""
        return shutil.disk_usage(self._directory).free

    def problem(self) -> str | None:
        """For the health check: None while there is room."""
        free = self.free_bytes()
        if free >= self._least_bytes:
            return None
        least = self._least_bytes // MEGABYTE
        return f"{free // MEGABYTE} MB are free on the disk of {self._directory}, {least} are asked for"

    def assert_room(self) -> None:
        """Raises StartError if the node would stop again at once."""
        if (problem := self.problem()) is not None:
            raise StartError(problem, REMEDY)

    async def run(self) -> None:
        """Look until cancelled; raises CriticalError, which stops the node."""
        while True:
            await asyncio.sleep(POLL_S)
            if (problem := self.problem()) is not None:
                raise CriticalError(problem, REMEDY)
