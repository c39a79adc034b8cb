"""The Model Factory over HTTP: plan, run, watch and publish, on the law itself with real training."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from openledger_node.client.account import dev_account
from openledger_node.client.economy import DATANETS, MODELS
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import GatewayError
from openledger_node.client.sender import Sender
from tests.gateway.conftest import Running
from tests.jobs.economy import BUILDER, CHAIN_ID, OWNER
from workers.artifacts import canonical_json
from workers.artifacts.folders import FORMAT
from workers.artifacts.store import ArtifactStore
from workers.datasets.contribution import summarize
from workers.datasets.digits import demo_parts
from workers.datasets.records import encode_jsonl
from workers.datasets.text import encode_text_jsonl, text_record

ENCODER_CONFIG = b'{"max_position_embeddings": 32, "architectures": ["BertModel"]}'
QUICK = {"preset": "quick", "settings": {"epochs": 1}}


async def publish(running: Running, data: bytes, licence: bytes = b"cc0-1.0", usage: int = 0) -> int:
    """A Datanet of one contribution; returns its id."""
    node, artifact = running.economy.node, running.economy.store.put(data)
    owner = Sender(Ethereum(node), dev_account(OWNER))
    card = (bytes(32), licence.ljust(32, b"\0"), 0, usage)
    created = await owner.transact(DATANETS, "createDatanet", "Things", "sha256:00", *card)
    number = int(created.event("DatanetCreated").arguments["datanetId"])
    summary = summarize(data, chain_id=CHAIN_ID, datanet_id=number, contributor=owner.address)
    sizes = (summary.records, summary.size_bytes)
    bond = 10**18
    committed = await owner.transact(DATANETS, "contribute", number, summary.root, *sizes, value_wei=bond)
    contribution = committed.event("ContributionCommitted").arguments["contributionId"]
    node.advance(3)
    await owner.transact(DATANETS, "reveal", contribution, f"sha256:{artifact}")
    await owner.transact(DATANETS, "review", contribution, True, 10_000)
    await owner.transact(DATANETS, "publishVersion", number)
    return number


def digits() -> bytes:
    return encode_jsonl(demo_parts(1, part_records=40).parts[0])


async def test_a_classifier_from_plan_to_publication(running: Running) -> None:
    datanet = await publish(running, digits())
    wish = {"name": "Digits", "datanets": [{"id": datanet}], **QUICK}
    plan = await running.http.post("/api/factory/plans", wish)
    assert (plan["kind"], plan["problems"], plan["warnings"]) == ("train", [], [])
    assert plan["datanets"][0]["records"] == 40
    assert plan["command"].startswith("openledger-node factory train --name Digits --datanet 2:1")
    twice = {**wish, "datanets": [{"id": datanet}, {"id": datanet, "version": 1}]}
    with pytest.raises(GatewayError, match="named twice"):
        await running.http.post("/api/factory/plans", twice)
    run = await running.http.post("/api/factory/runs", wish)
    assert (await running.http.post("/api/factory/runs", wish))["id"] == run["id"]
    result = await running.http.job(plan["kind"], plan["request"])
    shown = await running.http.get(f"/api/factory/runs/{run['id']}")
    assert (shown["state"], shown["result"]) == ("done", result)
    assert shown["request"] == plan["request"]
    assert run["id"] in [each["id"] for each in (await running.http.get("/api/factory/runs"))["runs"]]
    path = f"/api/factory/runs/{run['id']}/publication"
    [registered] = (await running.http.post(path, {}))["transactions"]
    assert registered["to"] == f"0x{MODELS.address.hex()}"
    running.economy.node.act(BUILDER, MODELS.address, bytes.fromhex(registered["data"][2:]))
    prices = {"modelId": 2, "inputPrice": str(10**18), "outputPrice": "7"}
    for call in (await running.http.post(path, prices))["transactions"]:
        running.economy.node.act(BUILDER, MODELS.address, bytes.fromhex(call["data"][2:]))
    stranger = {**prices, "signer": f"0x{dev_account(OWNER).address.hex()}"}
    first = (await running.http.post(path, stranger))["transactions"][0]
    _, policy = await running.economy.reader.current_policy()
    assert (first["method"], int(first["value"], 16)) == ("stake", policy.minimum_provider_stake_wei)
    model = await running.economy.reader.model(2)
    assert (model.artifact_hash.hex(), model.input_price_wei, model.output_price_wei) == (
        result["model"],
        10**18,
        7,
    )
    assert model.feature_index == 2


@pytest.mark.parametrize(
    ("settings", "problem"), [({"licence": b"cc-by-nc-4.0"}, "commercial"), ({"usage": 1}, "granted")]
)
async def test_what_stands_in_the_way_is_said_and_stops_the_run(
    running: Running, settings: dict[str, Any], problem: str
) -> None:
    datanet = await publish(running, digits(), **settings)
    wish = {"name": "Digits", "datanets": [{"id": datanet}], **QUICK}
    assert problem in (await running.http.post("/api/factory/plans", wish))["problems"][0]
    with pytest.raises(GatewayError, match=problem) as caught:
        await running.http.post("/api/factory/runs", wish)
    assert caught.value.status == 409


async def test_a_plan_for_text_is_fitted_to_its_base(running: Running) -> None:
    datanet = await publish(
        running, encode_text_jsonl([text_record({"text": "a b c"}), text_record({"text": "d"})])
    )
    files = {"config.json": running.economy.store.put(b'{"max_position_embeddings": 64}')}
    base = running.economy.store.put(canonical_json.encode({"format": FORMAT, "files": files}))
    wish = {"name": "Helper", "base": base, "datanets": [{"id": datanet, "version": 1}]}
    plan = await running.http.post("/api/factory/plans", wish)
    assert plan["kind"] == "finetune"
    assert plan["request"]["recipe"]["max_tokens"] == 64
    assert plan["request"]["recipe"]["holdout_every"] == 10
    assert plan["request"]["licence"] == "cc0-1.0"
    assert plan["estimate"]["steps"] == 3
    assert plan["estimate"]["seconds"] is None
    wrong: dict[str, Any] = {"max_tokens": 65, "beta": 0.0, "threads": 0, "method": "prefix", "rank": 0}
    for name, value in wrong.items():
        with pytest.raises(GatewayError, match=name):
            await running.http.post("/api/factory/plans", {**wish, "settings": {name: value}})
    encoder = {"config.json": running.economy.store.put(ENCODER_CONFIG)}
    wish["base"] = running.economy.store.put(canonical_json.encode({"format": FORMAT, "files": encoder}))
    with pytest.raises(GatewayError, match="answers nothing"):
        await running.http.post("/api/factory/plans", wish)
    with pytest.raises(GatewayError, match="hard_negatives"):
        asked = {"preset": "embedding-full", "settings": {"hard_negatives": -1}}
        await running.http.post("/api/factory/plans", {**wish, **asked})
    pairs = await running.http.post("/api/factory/plans", {**wish, "preset": "embedding"})
    assert (pairs["kind"], pairs["request"]["recipe"]["max_tokens"]) == ("train_embedding", 32)
    with pytest.raises(GatewayError, match="needs a base"):
        await running.http.post("/api/factory/plans", {**wish, "base": ""})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": "x", "datanets": [{"id": 99}]}, "Datanet 99"),
        ({"name": "x", "datanets": [{"id": 1, "version": 9}]}, "version 9"),
        ({"name": "x"}, "datanets"),
    ],
)
async def test_wishes_that_cannot_be_planned_are_refused(
    running: Running, body: dict[str, Any], message: str
) -> None:
    with pytest.raises(GatewayError, match=message) as caught:
        await running.http.post("/api/factory/plans", body)
    assert caught.value.status == 400


async def test_runs_that_are_not_there_or_not_done(running: Running) -> None:
    with pytest.raises(GatewayError) as caught:
        await running.http.get("/api/factory/runs/nothing")
    assert caught.value.status == 404
    presets = (await running.http.get("/api/factory/recipes"))["presets"]
    assert set(presets["finetune"]) == {"quick", "standard", "thorough", "preference"}


def aged(store: ArtifactStore, directory: Path) -> None:
    """Let every file be a month old."""
    then_s = time.time() - 30 * 86_400
    for path in (*store.directory.iterdir(), *directory.rglob("*.safetensors")):
        os.utime(path, (then_s, then_s))


async def test_only_what_nobody_needs_is_cleaned_away(running: Running) -> None:
    """Models, indexes, settlements, contributions and jobs keep their files; the rest is shown, then goes."""
    store = running.economy.store
    datanet = await publish(running, digits())
    wish = {"name": "Digits", "datanets": [{"id": datanet}], **QUICK}
    run = await running.http.post("/api/factory/runs", wish)
    plan = await running.http.post("/api/factory/plans", wish)
    result = await running.http.job(plan["kind"], plan["request"])
    needed = {path.name for path in store.directory.iterdir()}
    unnamed = {store.put(b"an upload that nobody used"), store.put(b'{"another": 1}')}
    checkpoints = store.directory.parent / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    (checkpoints / f"{'ab' * 16}-{'cd' * 16}.safetensors").write_bytes(b"of a run that failed")
    shown = await running.http.post("/api/factory/clean", {})
    assert (shown["sizeBytes"], shown["kept"]) == (0, len(needed | unnamed)), "all of it is young"
    aged(store, checkpoints)
    shown = await running.http.post("/api/factory/clean", {})
    assert not shown["removed"]
    assert {file["name"] for file in shown["artifacts"]["files"]} == unnamed
    assert shown["checkpoints"]["sizeBytes"] == 20
    assert {path.name for path in store.directory.iterdir()} == needed | unnamed, "shown only"
    done = await running.http.post("/api/factory/clean", {"removes": True, "ageS": 7_200})
    assert done["removed"]
    assert done["sizeBytes"] == shown["sizeBytes"]
    assert {path.name for path in store.directory.iterdir()} == needed
    assert list(checkpoints.iterdir()) == []
    assert (await running.http.get(f"/api/factory/runs/{run['id']}"))["result"] == result


@pytest.mark.parametrize("body", [{"ageS": 60}, {"ageS": -1}, {"removes": "yes"}])
async def test_cleaning_refuses_what_is_too_young_or_unclear(running: Running, body: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as caught:
        await running.http.post("/api/factory/clean", body)
    assert caught.value.status == 400
