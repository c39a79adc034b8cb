"""A worker process without torch: `python -m tests.workers.pool.fake_worker ADDRESS TOKEN_FILE ARTIFACTS`.

Its jobs are small: `ping` answers with its process id, `predict` dies at once unless a file named `calm` lies
beside the artefacts, `train` writes an artefact and counts to fifty with progress.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from workers.artifacts.store import ArtifactStore
from workers.errors import InvalidInputError
from workers.pool.address import connect
from workers.pool.handshake import greet_node, read_token
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
    for step in range(50):
        progress(step / 50, f"step {step}")
        time.sleep(0.02)
    return {"artifact": name, "pid": os.getpid()}


async def work(address: str, token_file: Path, artifacts: Path) -> None:
    """Serve until the node goes."""
    reader, writer = await connect(address)
    await greet_node(reader, writer, read_token(token_file), "fake")
    await Runner(RecordingStore(artifacts), run_job, reader, writer).serve()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
