"""How the node keeps local worker processes alive: starts them, restarts the dead, ends them with itself."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from workers.parent import PARENT_VARIABLE

log = logging.getLogger(__name__)

RESTART_DELAY_S = 1.0
TERMINATE_TIMEOUT_S = 3.0
MODULE = "workers.pool.main"
RAY_MODULE = "workers.pool.ray_workers"


def worker_command(
    *, address: str, token_file: Path, artifacts: Path, artifacts_url: str, name: str
) -> list[str]:
    """The command line of one worker process."""
    command = [sys.executable, "-m", MODULE, "--connect", address, "--token-file", str(token_file)]
    command += ["--artifacts", str(artifacts), "--name", name]
    return [*command, "--artifacts-url", artifacts_url] if artifacts_url else command


def worker_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of one worker: one thread (attribution.md, finding 10), nothing buffered, our id."""
    return {
        **environment,
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",  # a training's threads that spin stand in each other's way
        "MKL_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
        PARENT_VARIABLE: str(os.getpid()),
    }


def ray_command(local: list[str], ray: str, count: int) -> list[str]:
    """The command line of the process that keeps `count` such workers on a Ray cluster."""
    name = local.index("--name")
    arguments = [*local[3:name], *local[name + 2 :]]
    return [sys.executable, "-m", RAY_MODULE, *arguments, "--ray", ray, "--count", str(count)]


class LocalWorkers:
    """`count` worker processes on this machine; create, `await start()`, `await close()`.

    Artefacts that are not in the folder are fetched from `artifacts_url`, where there is one. With `ray` one
    process here keeps them all on that cluster.
    """

    def __init__(
        self,
        count: int,
        *,
        address: str,
        token_file: Path,
        artifacts: Path,
        artifacts_url: str = "",
        ray: str | None = None,
    ) -> None:
        self._count, self._ray = count, ray
        self._names = ["ray"] if ray else [f"local-{number}" for number in range(count)]
        self._address = address
        self._token_file = token_file
        self._artifacts = artifacts
        self._artifacts_url = artifacts_url
        self._watchers: list[asyncio.Task[None]] = []
        self.processes: dict[str, asyncio.subprocess.Process] = {}

    async def start(self) -> None:
        """Start all processes; they connect by themselves."""
        for name in self._names:
            self.processes[name] = await self._spawn(name)
            self._watchers.append(asyncio.create_task(self._watch(name)))

    async def close(self) -> None:
        """End all processes: politely, then not."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        await asyncio.gather(*(_end(process) for process in self.processes.values()))

    async def _spawn(self, name: str) -> asyncio.subprocess.Process:
        command = worker_command(
            address=self._address,
            token_file=self._token_file,
            artifacts=self._artifacts,
            artifacts_url=self._artifacts_url,
            name=name,
        )
        if self._ray:
            command = ray_command(command, self._ray, self._count)
        return await asyncio.create_subprocess_exec(
            *command,
            env=worker_environment(os.environ),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the node's; its workers leave when it closes the connection
        )

    async def _watch(self, name: str) -> None:
        while True:
            code = await self.processes[name].wait()
            log.warning("worker %s ended with code %d; starting another", name, code)
            await asyncio.sleep(RESTART_DELAY_S)
            self.processes[name] = await self._spawn(name)


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(TERMINATE_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
