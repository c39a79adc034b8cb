"""The pool's promises with workers on a Ray cluster: the same jobs, the same deaths, the same answers."""

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from workers.artifacts.store import ArtifactStore, artifact_id
from workers.errors import JobCrashedError
from workers.pool.handshake import write_token
from workers.pool.ray_workers import RayOptions, RayWorkers
from workers.pool.server import WorkerPool

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
KILLS = 3


@pytest.fixture(autouse=True)
def quiet_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ray keeps its token and its reports out of the home directory."""
    token = tmp_path / "ray-token"
    token.write_text("0" * 64)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))


async def test_jobs_run_on_the_cluster_and_survive_kills(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    token = write_token(tmp_path / "token")
    pool = WorkerPool(store, address="tcp:127.0.0.1:0", token=token)
    await pool.start()
    options = RayOptions(
        ray="local",
        connect=pool.address,
        token=token.decode(),
        artifacts=str(store.directory),
        artifacts_url="",
        count=1,
        memory_mb=64,
        entry="tests.workers.pool.fake_worker",
    )
    workers = RayWorkers(options)
    running = asyncio.create_task(workers.run())
    try:
        async with asyncio.timeout(240):
            for _ in range(KILLS):
                pid = (await pool.submit("ping", {}))["pid"]
                started = asyncio.Event()
                job = asyncio.create_task(
                    pool.submit("train", pid, lambda done, text, heard=started: heard.set())  # type: ignore[misc]
                )
                await started.wait()
                os.kill(pid, signal.SIGKILL)
                answer = await job
                assert answer["artifact"] == artifact_id(b"result of %d" % pid)
                assert answer["pid"] != pid
            with pytest.raises(JobCrashedError, match="3 times"):
                await pool.submit("predict", {})  # kills whoever takes it
            answers = await asyncio.gather(*(pool.submit("embed", number) for number in range(20)))
        assert Counter(answer["artifact"] for answer in answers) == Counter(
            artifact_id(b"result of %d" % number) for number in range(20)
        )
        assert pool.statistics().requeued == KILLS + 2
    finally:
        workers.stop()
        await running
        await pool.close()
