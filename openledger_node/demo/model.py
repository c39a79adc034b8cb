"""Steps 3 and 4: the Model Factory trains from the version; the builder registers model, price and index."""

import asyncio
from dataclasses import dataclass

from openledger_node.client.economy import MODELS, ROLE_PROVIDER, STAKING
from openledger_node.client.index_stake import missing_stake_wei
from openledger_node.demo.data import DemoData
from openledger_node.demo.world import BUILDER, World, open_text
from workers.artifacts.store import ArtifactId
from workers.protocol import (
    DatasetVersion,
    FeatureIndexRequest,
    FeatureIndexResult,
    TrainRequest,
    TrainResult,
)
from workers.protocol.codec import from_json, to_json

INPUT_PRICE_WEI = 10**18
OUTPUT_PRICE_WEI = 36 * 10**18
"""Per 1,000 tokens: a classification of 64 pixels costs 0.1 OPEN."""
NO_PARENT = 0
POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Published:
    """The model and index the rest of the demo uses."""

    model_id: int
    index_id: int
    training: TrainResult
    index: FeatureIndexResult


async def train(world: World, version: DatasetVersion, data: DemoData) -> TrainResult:
    """A classifier from the version, evaluated on records nobody contributed."""
    holdout = ArtifactId(await world.gateway.put_artifact(data.holdout_file))
    request = TrainRequest(dataset=version, holdout=holdout)
    result = from_json(TrainResult, await world.gateway.job("train", to_json(request)))
    world.result.training = {
        "records": result.records,
        "canonical_records": result.canonical_records,
        "train_accuracy": result.train_accuracy,
        "holdout_accuracy": result.holdout_accuracy,
        "manifest": result.manifest,
    }
    world.say(
        f"{result.canonical_records} of {result.records} records are canonical; "
        f"accuracy on held-out digits {result.holdout_accuracy:.1%}"
    )
    return result


async def register(world: World, version: DatasetVersion, training: TrainResult) -> Published:
    """Model, price and feature index on chain; waits until the index is usable."""
    model_id = await register_model(world, training.model, NO_PARENT, training.manifest, version)
    await world.send(BUILDER, MODELS, "setPrice", model_id, INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)
    index_id, index = await publish_index(
        world, model_id, training.manifest, f"at {open_text(INPUT_PRICE_WEI, 2)} per 1,000 input tokens"
    )
    return Published(model_id, index_id, training, index)


async def register_model(
    world: World, artifact: str, parent: int, manifest: str, version: DatasetVersion | None
) -> int:
    """A model of the builder's on chain; returns its id. A base is of no version here."""
    mined = await world.send(
        BUILDER,
        MODELS,
        "registerModel",
        bytes.fromhex(artifact),
        parent,
        bytes.fromhex(manifest),
        [] if version is None else [version.datanet_id],
        [] if version is None else [version.version],
        f"sha256:{manifest}",
    )
    return int(mined.event("ModelRegistered").arguments["modelId"])


async def publish_index(
    world: World, model_id: int, manifest: str, sold: str
) -> tuple[int, FeatureIndexResult]:
    """The feature index of the model for sale, built and committed; waits until it is usable."""
    request = FeatureIndexRequest(manifest=ArtifactId(manifest))
    index = from_json(FeatureIndexResult, await world.gateway.job("feature_index", to_json(request)))
    await _stake(world, model_id)
    mined = await world.send(
        BUILDER,
        MODELS,
        "commitFeatureIndex",
        model_id,
        index.rows_root,
        index.sums_root,
        index.preconditioner_hash,
        index.numeric_profile,
        index.rows,
        index.contributors,
        index.dimensions,
        f"sha256:{index.index}",
    )
    event = mined.event("FeatureIndexCommitted").arguments
    world.result.model_id = model_id
    world.say(f"model {model_id} {sold}; {index.rows} rows of {index.dimensions}")
    while await world.l2.timestamp_s() <= event["usableAt"]:
        await asyncio.sleep(POLL_S)
    return int(event["indexId"]), index


async def _stake(world: World, model_id: int) -> None:
    """The builder signs the index, so its stake answers for it."""
    missing_wei = await missing_stake_wei(world.reader, world.address(BUILDER), model_id)
    if missing_wei:
        world.say(f"the builder stakes {open_text(missing_wei, 0)}, which answers for the index")
        await world.send(BUILDER, STAKING, "stake", ROLE_PROVIDER, value_wei=missing_wei)
