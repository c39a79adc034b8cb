"""How a worker process starts: `python -m workers.pool.main --connect A --token-file F --artifacts DIR`.

Exit codes: 0 the node closed the connection, 1 refused or unreachable, 2 bad usage.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from workers.errors import WorkerError
from workers.parent import is_orphan
from workers.pool.address import connect
from workers.pool.handshake import greet_node, read_token
from workers.pool.placement import Capacity
from workers.pool.runner import RecordingStore, RunJob, Runner

MEMINFO = Path("/proc/meminfo")
CONNECT_ATTEMPTS = 20
CONNECT_INTERVAL_S = 0.5


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line; exits with 2 when it is wrong."""
    parser = argparse.ArgumentParser(prog="openledger-worker", description="Runs AI jobs for one node.")
    parser.add_argument("--connect", required=True, help="unix:/path or tcp:host:port of the node's pool")
    parser.add_argument("--token-file", required=True, type=Path, help="file with the pool's token")
    parser.add_argument("--artifacts", required=True, type=Path, help="directory of artefacts")
    parser.add_argument("--artifacts-url", default="", help="where to fetch missing ones, …/artifacts")
    parser.add_argument("--name", default=socket.gethostname(), help="shown in the node's status")
    return parser.parse_args(arguments)


def load_jobs() -> RunJob:
    """Import torch and the jobs, before a node is told that this worker is ready."""
    from workers.determinism import use_determinism  # noqa: PLC0415
    from workers.jobs.table import run_job  # noqa: PLC0415 - a usage error should not wait for torch

    use_determinism()
    return run_job


async def work(options: argparse.Namespace) -> None:
    """Connect, prove the token, serve until the node goes."""
    token = read_token(options.token_file)
    store = RecordingStore(options.artifacts, options.artifacts_url)
    run_job = load_jobs()
    reader, writer = await connect_patiently(options.connect)
    try:
        await greet_node(reader, writer, token, options.name, capacity())
        runner = Runner(store, run_job, reader, writer)
        leave_on_sigterm(runner)
        await runner.serve()
    finally:
        writer.close()


async def connect_patiently(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the node, which may still be starting; raises OSError when it does not come up."""
    for attempt in range(CONNECT_ATTEMPTS):
        try:
            return await connect(address)
        except OSError:
            if attempt == CONNECT_ATTEMPTS - 1 or is_orphan():
                raise
            await asyncio.sleep(CONNECT_INTERVAL_S)
    raise AssertionError("unreachable")


def capacity() -> Capacity:
    """This machine's device and memory; a CPU worker may use what the operating system calls available."""
    import torch  # noqa: PLC0415 - loaded with the jobs

    if torch.cuda.is_available():
        return Capacity("cuda", torch.cuda.get_device_properties(0).total_memory >> 20)
    lines = MEMINFO.read_text().splitlines() if MEMINFO.exists() else []
    available = [int(line.split()[1]) >> 10 for line in lines if line.startswith("MemAvailable:")]
    return Capacity("cpu", *available)


def leave_on_sigterm(runner: Runner) -> None:
    """The first SIGTERM lets the running job finish; whoever cannot wait sends SIGKILL."""
    tasks: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    if threading.current_thread() is threading.main_thread():
        loop.add_signal_handler(signal.SIGTERM, lambda: tasks.add(loop.create_task(runner.leave())))


def main() -> None:
    """Run a worker; never returns."""
    options = parse_arguments(sys.argv[1:])
    try:
        asyncio.run(work(options))
    except (WorkerError, OSError, TimeoutError) as error:
        print(f"openledger-worker: {error}", file=sys.stderr)
        _leave(1)
    except KeyboardInterrupt:
        pass
    _leave(0)


def _leave(code: int) -> None:
    """End now: a job still running on its thread belongs to nobody, and artefacts are written whole."""
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
