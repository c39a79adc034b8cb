"""A fine-tuning whose worker process is killed -9 goes on from its checkpoint to the same bytes."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.workers.conftest import text_chain  # noqa: F401 - a fixture
from tests.workers.text_chain import RECIPE, TextChain
from workers.artifacts.store import ArtifactStore
from workers.jobs.codec import from_json, to_json
from workers.jobs.finetune import finetune
from workers.jobs.types import FinetuneResult
from workers.pool.handshake import write_token
from workers.pool.server import WorkerPool
from workers.pool.spawn import LocalWorkers
from workers.training.checkpoints import checkpoint_path

EPOCHS = 12
PATIENCE_S = 240.0


@pytest.mark.slow  # two starts of a worker with transformers
@pytest.mark.timeout(400)
async def test_killed_while_training(
    text_chain: TextChain,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    for file in text_chain.store.directory.iterdir():
        (store.directory / file.name).hardlink_to(file)
    request = replace(text_chain.request, recipe=replace(RECIPE, epochs=EPOCHS))
    token_file = tmp_path / "token"
    pool = WorkerPool(store, address=f"unix:{tmp_path}/pool", token=write_token(token_file))
    await pool.start()
    workers = LocalWorkers(1, address=pool.address, token_file=token_file, artifacts=store.directory)
    await workers.start()
    reports: list[tuple[float, int]] = []

    def report(done: float, _text: str) -> None:
        reports.append((done, workers.processes["local-0"].pid))

    try:
        async with asyncio.timeout(PATIENCE_S):
            running = asyncio.create_task(pool.submit("finetune", to_json(request), report))
            while not checkpoint_path(store, request).is_file():
                await asyncio.sleep(0.02)
                assert not running.done(), running
            killed = workers.processes["local-0"].pid
            os.kill(killed, signal.SIGKILL)
            found = from_json(FinetuneResult, await running)
    finally:
        await workers.close()
        await pool.close()
    after = [done for done, pid in reports if pid != killed]
    assert min(after) > 0.05, "it went on, it did not begin again"
    whole = finetune(text_chain.store, request)
    assert (found.model, found.manifest) == (whole.model, whole.manifest)
    assert not checkpoint_path(store, request).exists()
