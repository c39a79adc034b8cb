"""From text to a model for sale: base, fine-tuning on three seeds, registration, feature index, serving."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from openledger_node.client.economy import MODELS
from openledger_node.demo.model import NO_PARENT, publish_index, register_model
from openledger_node.demo.text.data import last_json, run_module
from openledger_node.demo.text.records import BaseReport, FineTuned, TextDemoResult
from openledger_node.demo.world import BUILDER, World, open_text
from openledger_node.errors import OpenLedgerError
from workers.artifacts.folders import read_folder
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.protocol import (
    DEFAULT_FINE_TUNE_RECIPE,
    DatasetVersion,
    FeatureIndexResult,
    FinetuneRequest,
    FinetuneResult,
    LossPoint,
)
from workers.protocol.codec import from_json, to_json

NAME = "python-helper"
LICENCE = "psf-2.0"
RECIPE_FILE = "recipe.json"
RECIPE = replace(DEFAULT_FINE_TUNE_RECIPE, rank=16, alpha=32, epochs=12, learning_rate=0.006, max_tokens=128)
"""Chosen by `benchmarks.factory.answers` without `--report`: other questions than the demo's."""
INPUT_PRICE_WEI, OUTPUT_PRICE_WEI = 10**18, 4 * 10**18
"""Per 1,000 tokens."""
POLL_S = 0.2
SEEDS = 3
SERVER_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class PublishedText:
    """The adapter for sale, and the index that says whose data it learnt from."""

    model_id: int
    index_id: int
    index: FeatureIndexResult
    trained: FinetuneResult


async def make_base(world: World, result: TextDemoResult, preset: str) -> ArtifactId:
    """The project's own base from the cache, or pre-trained now; uploaded file by file."""
    store = ArtifactStore(world.directory / "base")
    start_s = time.time()
    arguments = ["--preset", preset, "--artifacts", str(store.directory), "--report-every", "20"]
    output = await run_module("workers.text.main", *arguments, heard=world.say)
    made = last_json(output)
    was_cached = (Path(made["folder"]) / RECIPE_FILE).stat().st_mtime < start_s
    folder, figures = ArtifactId(made["artifact"]), made["figures"]
    result.base = BaseReport(
        folder, preset, was_cached, float(figures["training_cpu_s"]), int(figures["parameters"])
    )
    for name in (folder, *read_folder(store, folder).values()):
        await world.gateway.put_artifact(await asyncio.to_thread(store.get, name))
    world.say(
        f"{result.base.parameters:,} parameters, {'from the cache' if was_cached else 'made now'}; "
        f"pre-training takes {result.base.pretraining_s:.0f} s"
    )
    return folder


async def fine_tune(
    world: World,
    result: TextDemoResult,
    base: ArtifactId,
    version: DatasetVersion,
    holdout_file: bytes,
) -> FinetuneResult:
    """One adapter per seed, each measured on records that nobody contributed; the first one is published."""
    holdout = ArtifactId(await world.gateway.put_artifact(holdout_file))
    made: list[FinetuneResult] = []
    for seed in range(world.options.seed, world.options.seed + SEEDS):
        request = FinetuneRequest(NAME, base, (version,), replace(RECIPE, seed=seed), holdout, LICENCE)
        trained = from_json(FinetuneResult, await world.gateway.job("finetune", to_json(request)))
        made.append(trained)
        result.runs.append(
            FineTuned(
                seed,
                *quarters(trained.losses),
                trained.base_holdout_loss,
                trained.holdout_loss,
                trained.model,
            )
        )
        world.say(
            f"seed {seed}: training loss {result.runs[-1].first_loss:.2f} → {result.runs[-1].last_loss:.2f}; "
            f"held out {trained.holdout_loss:.3f}, the base {trained.base_holdout_loss:.3f}"
        )
    result.training = {
        "records": made[0].records,
        "canonical_records": made[0].canonical_records,
        "trained_parameters": made[0].trained_parameters,
        "tokens_per_s": made[0].tokens_per_s,
        "manifest": made[0].manifest,
    }
    return made[0]


def quarters(losses: Sequence[LossPoint]) -> tuple[float, float]:
    """Mean loss over the first and over the last quarter of training."""
    size = max(1, len(losses) // 4)
    first, last = (sum(point.loss for point in part) / size for part in (losses[:size], losses[-size:]))
    return first, last


async def publish_model(
    world: World, base: ArtifactId, version: DatasetVersion, trained: FinetuneResult
) -> PublishedText:
    """Base and adapter on chain, a price, a feature index; waits until the index is usable."""
    files = await asyncio.to_thread(read_folder, ArtifactStore(world.directory / "base"), base)
    parent = await register_model(world, base, NO_PARENT, files[RECIPE_FILE], None)
    model_id = await register_model(world, trained.model, parent, trained.manifest, version)
    await world.send(BUILDER, MODELS, "setPrice", model_id, INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)
    sold = (
        f"on base {parent} at {open_text(INPUT_PRICE_WEI, 2)} in and "
        f"{open_text(OUTPUT_PRICE_WEI, 2)} out per 1,000 tokens"
    )
    index_id, index = await publish_index(world, model_id, trained.manifest, sold)
    return PublishedText(model_id, index_id, index, trained)


async def serve_base(world: World, base: ArtifactId) -> None:
    """Tell the provider to serve the base; raises OpenLedgerError when it does not come up."""
    await world.gateway.post("/api/text/base", {"folder": base})
    deadline_s = time.monotonic() + SERVER_PATIENCE_S
    while not (await world.gateway.get("/api/text"))["ready"]:
        if time.monotonic() > deadline_s:
            raise OpenLedgerError("the language model server did not come up", "see the node's log")
        await asyncio.sleep(POLL_S)
