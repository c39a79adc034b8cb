"""How a Ray cluster lends its machines to a node: `python -m workers.pool.ray_workers --ray ADDRESS …`.

Ray places and starts the workers (one actor each, by processors, GPUs and memory); the work itself goes over
the pool's own connection, as for local processes: JSON with a token, heartbeats, requeueing, poison counts.
So nothing of a job or a result is ever pickled, and a worker's death is the pool's affair on both back ends.
Whoever may join a Ray cluster may run code on it: one cluster is one operator's. Ray asks for its own token
(`RAY_AUTH_TOKEN_PATH`), the pool for its own.

Covered: placement, starting again what ended, an orderly end. Not covered: starting or scaling the cluster.
"""

import argparse
import asyncio
import importlib
import logging
import os
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.parent import PARENT_VARIABLE

log = logging.getLogger(__name__)

RESTART_DELAY_S = 1.0
CHECK_S = 1.0


@dataclass(frozen=True, slots=True)
class RayOptions:
    """`count` workers of `cpus`, `gpus` (fractions allowed) and `memory_mb` each; paths are the workers'."""

    ray: str
    connect: str
    token: str
    artifacts: str
    artifacts_url: str
    count: int
    cpus: float = 1.0
    gpus: float = 0.0
    memory_mb: int = 1_024
    entry: str = "workers.pool.main"


def run_worker(entry: str, arguments: list[str], token: str) -> None:
    """In the actor's process: be an ordinary worker until the node closes the connection."""
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.pop(PARENT_VARIABLE, None)
    with tempfile.TemporaryDirectory() as folder:
        token_file = Path(folder) / "token"
        token_file.touch(mode=0o600)
        token_file.write_text(token)
        module: Any = importlib.import_module(entry)
        asyncio.run(module.work(module.parse_arguments([*arguments, "--token-file", str(token_file)])))


def start_worker(ray: Any, options: RayOptions, name: str) -> tuple[Any, Any]:
    """Ask the cluster that `ray` has joined for one worker: its actor, and a reference that ends with it."""

    class Worker:
        """One actor; it has one process to itself."""

        def work(self, entry: str, arguments: list[str], token: str) -> None:
            run_worker(entry, arguments, token)

    placed = ray.remote(Worker).options(
        num_cpus=options.cpus,
        num_gpus=options.gpus,
        memory=options.memory_mb << 20,
        max_restarts=0,
        max_task_retries=0,
    )
    arguments = ["--connect", options.connect, "--artifacts", options.artifacts, "--name", name]
    if options.artifacts_url:
        arguments += ["--artifacts-url", options.artifacts_url]
    actor = placed.remote()
    return actor, actor.work.remote(options.entry, arguments, options.token)


class RayWorkers:
    """Keeps `count` actors alive; `run` returns after `stop`."""

    def __init__(self, options: RayOptions) -> None:
        self._options = options
        self._actors: dict[int, tuple[Any, Any]] = {}
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End all workers and `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Join the cluster, start the workers, start again those that end; raises what `ray.init` raises."""
        import ray  # noqa: PLC0415 - an extra of its own, and seconds to load

        await asyncio.to_thread(ray.init, self._options.ray, namespace="openledger", log_to_driver=False)
        try:
            while not self._stopping.is_set():
                for number in range(self._options.count):
                    self._tend(ray, number)
                await self._wait(CHECK_S)
        finally:
            for actor, _running in self._actors.values():
                ray.kill(actor)
            await asyncio.to_thread(ray.shutdown)

    def _tend(self, ray: Any, number: int) -> None:
        """Start worker `number` unless it runs."""
        if number in self._actors:
            _actor, running = self._actors[number]
            ended, _open = ray.wait([running], timeout=0)
            if not ended:
                return
            log.warning("worker %d on the cluster ended; starting another", number)
        self._actors[number] = start_worker(ray, self._options, f"ray-{number}")

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line; exits with 2 when it is wrong."""
    parser = argparse.ArgumentParser(prog="openledger-ray-workers", description="Workers on a Ray cluster.")
    parser.add_argument("--ray", required=True, help="address of the cluster: HOST:PORT, ray://… or auto")
    parser.add_argument(
        "--connect", required=True, help="tcp:host:port of the node's pool, as workers reach it"
    )
    parser.add_argument("--token-file", required=True, type=Path, help="file with the pool's token")
    parser.add_argument("--artifacts", required=True, help="folder of artefacts on the workers' machines")
    parser.add_argument("--artifacts-url", default="", help="where workers fetch missing ones")
    parser.add_argument("--count", type=int, default=1, help="how many workers")
    parser.add_argument("--cpus", type=float, default=1.0, help="processors of each")
    parser.add_argument("--gpus", type=float, default=0.0, help="GPUs of each; fractions share one")
    parser.add_argument("--memory-mb", type=int, default=1_024, help="memory of each")
    return parser.parse_args(arguments)


async def serve(parsed: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT."""
    workers = RayWorkers(
        RayOptions(
            ray=parsed.ray,
            connect=parsed.connect,
            token=parsed.token_file.read_text().strip(),
            artifacts=parsed.artifacts,
            artifacts_url=parsed.artifacts_url,
            count=parsed.count,
            cpus=parsed.cpus,
            gpus=parsed.gpus,
            memory_mb=parsed.memory_mb,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, workers.stop)
    await workers.run()


def main() -> int:
    """Run; returns the exit code."""
    parsed = parse_arguments(sys.argv[1:])
    logging.basicConfig(level=logging.INFO)
    try:
        asyncio.run(serve(parsed))
    except ImportError:
        print(
            "openledger-ray-workers: ray is not installed: pip install 'openledger-node[ray]'",
            file=sys.stderr,
        )
        return 1
    except (ConnectionError, OSError, ValueError, RuntimeError) as error:
        print(f"openledger-ray-workers: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
