"""A node's workers: the pool they join, here or on a cluster, opened and closed in order."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from openledger_node.config.model import WorkersSection
from openledger_node.jobs.pool import PoolAdapter
from workers.artifacts.store import ArtifactStore
from workers.pool.handshake import read_token, write_token
from workers.pool.server import WorkerPool
from workers.pool.spawn import LocalWorkers

ARTIFACTS_FOLDER = "artifacts"
TOKEN_FILE = "worker.token"  # noqa: S105 - a file name


@contextlib.asynccontextmanager
async def open_workers(
    directory: Path, options: WorkersSection, artifacts_url: str = ""
) -> AsyncIterator[WorkerPool]:
    """Start the pool with its workers, here or on a Ray cluster; they join once torch is loaded.

    They fetch artefacts that are not in `directory` from `artifacts_url`.
    """
    artifacts_path = directory / ARTIFACTS_FOLDER
    token_file = worker_token_file(directory)
    pool = WorkerPool(
        ArtifactStore(artifacts_path, artifacts_url), address=options.listen, token=read_token(token_file)
    )
    async with contextlib.AsyncExitStack() as closing:
        await pool.start()
        closing.push_async_callback(pool.close)
        local = LocalWorkers(
            options.count,
            address=pool.address,
            token_file=token_file,
            artifacts=artifacts_path,
            artifacts_url=artifacts_url,
            ray=options.ray,
        )
        await local.start()
        closing.push_async_callback(local.close)
        yield pool


@contextlib.asynccontextmanager
async def open_checkers(directory: Path, artifacts_url: str) -> AsyncIterator[PoolAdapter]:
    """A validator's one worker, which reads what the network published."""
    async with open_workers(directory, WorkersSection(), artifacts_url) as pool:
        yield PoolAdapter(pool)


def worker_token_file(directory: Path) -> Path:
    """The secret workers show; made once, readable by the owner alone; again if a crash left it empty."""
    path = directory / TOKEN_FILE
    if not path.exists() or not path.read_bytes().strip():
        write_token(path)
    return path
