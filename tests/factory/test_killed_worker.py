"""A fine-tuning whose worker process is killed -9 goes on from its checkpoint to the same bytes."""

import asyncio
import os
import signal
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.workers.conftest import text_chain  # noqa: F401 - a fixture
from tests.workers.text_chain import RECIPE, TextChain, publish_texts
from workers.artifacts.store import ArtifactStore
from workers.datasets.text import encode_text_jsonl, text_record
from workers.jobs.finetune import finetune
from workers.pool.handshake import write_token
from workers.pool.server import WorkerPool
from workers.pool.spawn import LocalWorkers
from workers.protocol import FinetuneRequest, FinetuneResult
from workers.protocol.codec import from_json, to_json
from workers.text.export import TextParts
from workers.training.checkpoints import checkpoint_path

EPOCHS = 12
PATIENCE_S = 240.0


def preferences(chain: TextChain, store: ArtifactStore) -> FinetuneRequest:
    """The request as one for preferences: titles' own texts over others'."""
    texts = [record.plain() for part in chain.parts.parts for record in part]
    pairs = [
        text_record({"prompt": text[:40], "chosen": text, "rejected": other})
        for text, other in pairwise(texts)
    ]
    parts = TextParts(("all",), (tuple(pairs[4:]),), tuple(pairs[:4]))
    return replace(
        chain.request,
        datasets=(publish_texts(store, parts),),
        holdout=store.put(encode_text_jsonl(parts.holdout)),
        recipe=replace(RECIPE, objective="preference", epochs=EPOCHS // 2),
    )


@pytest.mark.slow  # two starts of a worker with transformers
@pytest.mark.timeout(400)
@pytest.mark.parametrize("objective", ["response", "preference"])
async def test_killed_while_training(
    text_chain: TextChain,  # noqa: F811 - the fixture
    tmp_path: Path,
    objective: str,
) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    for file in text_chain.store.directory.iterdir():
        (store.directory / file.name).hardlink_to(file)
    request = replace(text_chain.request, recipe=replace(RECIPE, epochs=EPOCHS))
    if objective == "preference":
        request = preferences(text_chain, store)
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
    whole = finetune(store, request)
    assert (found.model, found.manifest) == (whole.model, whole.manifest)
    assert (found.losses, found.rewards) == (whole.losses, whole.rewards)
    assert not checkpoint_path(store, request).exists()
