"""The two ways to start a worker, behind one handle, so that the pool's tests run on both."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, Protocol

from workers.pool.ray_workers import RayOptions, start_worker
from workers.pool.server import WorkerPool

ENTRY = "tests.workers.pool.fake_worker"
RAY_CPUS = 0.1
POLL_S = 0.05


class Worker(Protocol):
    """A worker that was started."""

    @property
    def pid(self) -> int:
        """Its process."""
        ...

    def kill(self) -> None:
        """End it at once, by SIGKILL."""
        ...

    async def wait(self) -> bool:
        """Until it has ended; True when it did so by itself and in order."""
        ...


class Backend(Protocol):
    """Starts workers. `kills` and `killed_jobs` say how much of it the test of random kills can afford."""

    heartbeat_timeout_s: float
    kills: int
    killed_jobs: int

    async def start(self, pool: WorkerPool, token_file: Path, artifacts: Path) -> Worker:
        """A worker that has joined the pool, or died trying."""
        ...


class LocalWorker:
    """A child process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    async def wait(self) -> bool:
        return await self._process.wait() == 0


class LocalBackend:
    """Processes of this machine, as `LocalWorkers` starts them."""

    heartbeat_timeout_s = 4.0
    kills, killed_jobs = 100, 1_000

    async def start(self, pool: WorkerPool, token_file: Path, artifacts: Path) -> LocalWorker:
        places = ("--connect", pool.address, "--token-file", str(token_file), "--artifacts", str(artifacts))
        return LocalWorker(await asyncio.create_subprocess_exec(sys.executable, "-m", ENTRY, *places))


class RayWorker:
    """An actor, which lives as long as its handle."""

    def __init__(self, ray: Any, actor: Any, running: Any, pid: int) -> None:
        self._ray, self._actor, self._running = ray, actor, running
        self.pid = pid

    def kill(self) -> None:
        if _is_alive(self.pid):
            os.kill(self.pid, signal.SIGKILL)

    async def wait(self) -> bool:
        await asyncio.to_thread(self._ray.wait, [self._running])
        try:
            await asyncio.to_thread(self._ray.get, self._running)
        except self._ray.exceptions.RayActorError:
            return False
        return True


class RayBackend:
    """Actors of a cluster that `ray` has joined."""

    heartbeat_timeout_s = 20.0
    kills, killed_jobs = 10, 600

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._started = 0

    async def start(self, pool: WorkerPool, token_file: Path, artifacts: Path) -> RayWorker:
        self._started += 1
        name = f"ray-{self._started}"
        options = RayOptions(
            ray="joined",
            connect=pool.address,
            token=token_file.read_text(),
            artifacts=str(artifacts),
            artifacts_url="",
            count=1,
            cpus=RAY_CPUS,
            memory_mb=64,
            entry=ENTRY,
        )
        actor, running = await asyncio.to_thread(start_worker, self._ray, options, name)
        async with asyncio.timeout(120):
            while not (file := artifacts / f"{name}.pid").is_file():
                await asyncio.sleep(POLL_S)
        return RayWorker(self._ray, actor, running, int(file.read_text()))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
