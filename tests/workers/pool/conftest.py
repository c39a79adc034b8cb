"""What the pool's tests share: a pool, and workers on local processes or on a Ray cluster."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workers.pool.backends import Backend, LocalBackend, RayBackend, Worker
from workers.artifacts.store import ArtifactStore
from workers.pool.handshake import write_token
from workers.pool.server import WorkerPool

Spawn = Callable[..., Awaitable[Worker]]
ON_RAY = pytest.param("ray", marks=[pytest.mark.slow, pytest.mark.filterwarnings("ignore")])


@pytest.fixture(scope="module")
def ray_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A cluster of this machine; its token and reports stay out of the home directory."""
    import ray  # noqa: PLC0415 - an extra of its own, and seconds to load

    token = tmp_path_factory.mktemp("ray") / "token"
    token.write_text("0" * 64)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_AUTH_TOKEN_PATH", str(token))
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        environment.setenv("PYTHONPATH", str(Path.cwd()))
        ray.init("local", num_cpus=4, log_to_driver=False, include_dashboard=False)
        yield ray
        ray.shutdown()


@pytest.fixture(params=["local", ON_RAY])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Who starts the workers."""
    return LocalBackend() if request.param == "local" else RayBackend(request.getfixturevalue("ray_cluster"))


@pytest.fixture
async def pool(store: ArtifactStore, tmp_path: Path, backend: Backend) -> AsyncIterator[WorkerPool]:
    """A pool without workers."""
    token = write_token(tmp_path / "token")
    pool = WorkerPool(
        store, address="tcp:127.0.0.1:0", token=token, heartbeat_timeout_s=backend.heartbeat_timeout_s
    )
    await pool.start()
    yield pool
    await pool.close()


@pytest.fixture
async def spawn(
    pool: WorkerPool, store: ArtifactStore, tmp_path: Path, backend: Backend
) -> AsyncIterator[Spawn]:
    """Starts a worker; all end with the test."""
    started: list[Worker] = []

    async def start(artifacts: Path = store.directory) -> Worker:
        worker = await backend.start(pool, tmp_path / "token", artifacts)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.kill()
        await worker.wait()
