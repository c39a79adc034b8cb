"""A worker process without torch: `python -m tests.workers.pool.fake_worker --connect …`, as the real one.

Its jobs are small: `ping` answers with its process id, `predict` dies at once unless a file named `calm` lies
beside the artefacts, `train` writes an artefact and counts to fifty with progress, `embed` writes
one and is soon done. Its process id lies in `NAME.pid` beside the artefacts.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from typing import Any

from workers.artifacts.store import ArtifactStore
from workers.errors import InvalidInputError
from workers.pool.address import connect
from workers.pool.handshake import greet_node, read_token
from workers.pool.main import leave_on_sigterm, parse_arguments
from workers.pool.runner import RecordingStore, Runner
from workers.progress import Progress


def run_job(store: ArtifactStore, kind: str, parameters: Any, progress: Progress) -> Any:
    """The fake jobs."""
    if kind == "ping":
        return {"pid": os.getpid()}
    if kind == "predict":
        if not (store.directory / "calm").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return "calm"
    if kind == "queries":
        raise InvalidInputError("no such index")
    if kind == "attribution":
        raise ZeroDivisionError("unforeseen")
    name = store.put(b"result of " + str(parameters).encode())
    if kind == "embed":
        time.sleep(0.05)
        return {"artifact": name, "pid": os.getpid()}
    for step in range(50):
        progress(step / 50, f"step {step}")
        time.sleep(0.02)
    return {"artifact": name, "pid": os.getpid()}


async def work(options: argparse.Namespace) -> None:
    """Serve until the node goes."""
    options.artifacts.mkdir(parents=True, exist_ok=True)
    starting = options.artifacts / f"{options.name}.starting"
    starting.write_text(str(os.getpid()))
    starting.rename(starting.with_suffix(".pid"))
    reader, writer = await connect(options.connect)
    await greet_node(reader, writer, read_token(options.token_file), "fake")
    runner = Runner(RecordingStore(options.artifacts), run_job, reader, writer)
    leave_on_sigterm(runner)
    await runner.serve()


if __name__ == "__main__":
    asyncio.run(work(parse_arguments(sys.argv[1:])))
