"""Real worker processes with torch, and the node's half without it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers.conftest import Chain
from workers.artifacts.store import ArtifactStore
from workers.parent import PARENT_VARIABLE
from workers.pool.client import Jobs
from workers.pool.handshake import write_token
from workers.pool.main import CONNECT_INTERVAL_S, connect_patiently, parse_arguments
from workers.pool.ray_workers import parse_arguments as parse_ray_arguments
from workers.pool.server import WorkerPool
from workers.pool.spawn import (
    LocalWorkers,
    ray_command,
    worker_command,
    worker_environment,
)
from workers.protocol import FeatureIndexRequest, PredictRequest

NODE_MODULES = (
    "workers.pool.server",
    "workers.pool.client",
    "workers.pool.spawn",
    "workers.jobs.attribution",
    "workers.protocol.codec",
    "workers.attribution.post",
    "workers.attribution.index",
    "workers.attribution.scoring",
    "workers.datasets.contribution",
    "workers.datasets.version",
    "workers.datasets.text",
    "workers.datasets.cleaning",
    "workers.artifacts.folders",
    "openledger_node.factory.planning",
    "openledger_node.factory.folders",
    "openledger_node.factory.exporting",
)
WITHOUT_TORCH = """
import sys
AI = ("torch", "sklearn", "safetensors", "scipy", "transformers", "yaml", "pyarrow")
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in AI:
            raise ImportError(name)
sys.meta_path.insert(0, Block())
import importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def test_the_node_side_needs_no_torch() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *NODE_MODULES], check=True, timeout=60)
    failed = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "workers.jobs.table"], check=False, capture_output=True
    )
    assert b"ImportError: torch" in failed.stderr


async def test_local_workers_answer_restart_and_end(chain: Chain, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    store = ArtifactStore(chain.store.directory)
    pool = WorkerPool(store, address=f"unix:{tmp_path}/pool", token=write_token(token_file))
    await pool.start()
    workers = LocalWorkers(1, address=pool.address, token_file=token_file, artifacts=chain.store.directory)
    await workers.start()
    jobs = Jobs(pool)
    try:
        assert (await jobs.ping()).device == "cpu"
        inputs = tuple(tuple(record.features) for record in chain.parts.holdout[:3])
        answers = await jobs.predict(PredictRequest(chain.trained.manifest, inputs))
        assert len(answers.labels) == 3
        os.kill(workers.processes["local-0"].pid, signal.SIGKILL)
        again = await jobs.feature_index(FeatureIndexRequest(chain.trained.manifest, chain.index.dimensions))
        assert again == chain.index
    finally:
        await workers.close()
        await pool.close()
    assert all(process.returncode is not None for process in workers.processes.values())


async def test_a_worker_with_the_wrong_token_says_so(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    write_token(token_file)
    pool = WorkerPool(ArtifactStore(tmp_path / "a"), address="tcp:127.0.0.1:0", token=b"another")
    await pool.start()
    command = worker_command(
        address=pool.address, token_file=token_file, artifacts=tmp_path / "a", artifacts_url="", name="w"
    )
    process = await asyncio.create_subprocess_exec(
        *command, env=worker_environment(os.environ), stderr=asyncio.subprocess.PIPE
    )
    _out, error = await process.communicate()
    assert process.returncode == 1
    assert error == b"openledger-worker: refused: wrong token\n"
    await pool.close()


async def test_an_orphan_does_not_wait_for_a_node_that_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token_file = tmp_path / "token"
    write_token(token_file)
    arguments = ["--connect", f"unix:{tmp_path}/nobody", "--token-file", str(token_file)]
    options = parse_arguments([*arguments, "--artifacts", str(tmp_path)])
    monkeypatch.setenv(PARENT_VARIABLE, str(os.getpid()))
    async with asyncio.timeout(0.4 * CONNECT_INTERVAL_S):
        with pytest.raises(FileNotFoundError):
            await connect_patiently(options.connect)


def test_command_line(tmp_path: Path) -> None:
    command = worker_command(
        address="tcp:h:1", token_file=tmp_path, artifacts=tmp_path, artifacts_url="http://h/a", name="w"
    )
    options = parse_arguments(command[3:])
    assert (options.connect, options.artifacts_url, options.name) == ("tcp:h:1", "http://h/a", "w")
    assert worker_environment({"A": "b"})["OMP_NUM_THREADS"] == "1"
    with pytest.raises(SystemExit, match="2"):
        parse_arguments([])


def test_a_cluster_is_asked_for_the_same_workers(tmp_path: Path) -> None:
    local = worker_command(
        address="tcp:10.0.0.1:7000",
        token_file=tmp_path / "token",
        artifacts=tmp_path,
        artifacts_url="http://10.0.0.1:8000/artifacts",
        name="ray",
    )
    command = ray_command(local, "10.0.0.2:6379", 3)
    parsed = parse_ray_arguments(command[3:])
    assert command[2] == "workers.pool.ray_workers"
    assert (parsed.ray, parsed.count, parsed.connect) == ("10.0.0.2:6379", 3, "tcp:10.0.0.1:7000")
    assert (parsed.token_file, parsed.artifacts) == (tmp_path / "token", str(tmp_path))
    assert parsed.artifacts_url == "http://10.0.0.1:8000/artifacts"
