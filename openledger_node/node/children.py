"""How the node keeps child processes: each in its own session, watched, stopped gently and then by force.

Covered: restart after a death; an end of the children when the node itself is killed (their standard input
closes then, see `parent.end_with_parent`).
"""

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from openledger_node.errors import CriticalError
from workers.parent import PARENT_VARIABLE

log = structlog.get_logger(__name__)

STOP_PATIENCE_S = 5.0
RESTART_PAUSE_S = 1.0
MAX_RESTARTS = 5
HEALTHY_S = 60.0
"""A child that lived this long is not one that cannot start: its earlier deaths are forgotten."""


class ChildProcess:
    """One child with its log file. `restart` names those whose death the node survives.

    A restarting child is given up, and the node stopped, after MAX_RESTARTS lives shorter than `healthy_s`.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log_file: Path,
        *,
        environment: Mapping[str, str] | None = None,
        restart: bool = False,
        healthy_s: float = HEALTHY_S,
    ) -> None:
        self.name = name
        self._command = list(command)
        self._log_file = log_file
        self._environment = dict(environment or {})
        self._restart = restart
        self._healthy_s = healthy_s
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Start the child and watch it; raises CriticalError when it dies for good."""
        deaths = 0
        while True:
            start_s = time.monotonic()
            code = await self._run_once()
            deaths = deaths + 1 if time.monotonic() - start_s < self._healthy_s else 1
            log.error("child process died", child=self.name, exit_code=code, log=str(self._log_file))
            if not self._restart or deaths > MAX_RESTARTS:
                raise CriticalError(
                    f"{self.name} died with code {code} ({self._last_words()})", f"read {self._log_file}"
                )
            await asyncio.sleep(RESTART_PAUSE_S)

    def _last_words(self) -> str:
        lines = self._log_file.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "without a word")

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def _run_once(self) -> int:
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,  # never written: it closes when this process ends
                stdout=output,
                stderr=output,
                env={**os.environ, PARENT_VARIABLE: str(os.getpid()), **self._environment},
                start_new_session=True,
            )
        try:
            return await self._process.wait()
        finally:
            await self._stop()

    async def _stop(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_PATIENCE_S):
                await process.wait()
        except TimeoutError:
            log.warning("child process ignored SIGTERM", child=self.name)
            process.kill()
            await process.wait()
