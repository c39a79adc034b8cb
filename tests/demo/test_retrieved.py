"""Retrieved records are paid on a running network: consent, answers bought, kill -9, a settlement, claims."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openledger_node.demo.datanet import commit, create_datanet, publish, reveal
from openledger_node.demo.records import DemoOptions
from openledger_node.demo.text.data import load_text_data
from openledger_node.demo.text.model import fine_tune, make_base, publish_model, serve_base
from openledger_node.demo.text.records import TextDemoResult
from openledger_node.demo.world import close_world, open_world
from tests.integration.network import COMMAND, DevNode, wait_until
from tests.integration.processes import processes_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2_400)]

BUILDER, CUSTOMER, BYSTANDER = "6", "7", "9"
PART_RECORDS = 20
PATIENCE_S = 600.0
QUESTIONS = ("How is a mailbox searched?", "Where does the turtle move?")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[DevNode]:
    with DevNode(tmp_path / "network") as node:
        yield node


async def published_model(node: DevNode, directory: Path) -> tuple[str, str]:
    """A Datanet of five contributors and a model on the small base that sells; their ids."""
    urls = (node.url("rpc"), node.url("l1"), node.url("gateway"))
    result = TextDemoResult()
    world = open_world(DemoOptions(*urls, as_json=True), directory)
    world.result = result
    try:
        base = await make_base(world, result, "small")
        data = await load_text_data(directory / "data", PART_RECORDS)
        everyone = range(len(data.subjects))
        datanet_id = await create_datanet(world, "Python by subject", "docstrings", b"psf-2.0")
        contributed = await commit(world, datanet_id, data.parts, everyone)
        await reveal(world, everyone, contributed)
        version = await publish(world, datanet_id, contributed)
        trained = await fine_tune(world, result, base, version, data.holdout_file)
        published = await publish_model(world, base, version, trained)
        await serve_base(world, base)
    finally:
        await close_world(world)
    return str(datanet_id), str(published.model_id)


def run(node: DevNode, account: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    where = ("--rpc", node.url("rpc"), "--l1", node.url("l1"), "--gateway", node.url("gateway"))
    words = [str(COMMAND), *arguments, "--account", account, "--json", *where]
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def command(node: DevNode, account: str, *arguments: str) -> Any:
    """A command's result; fails when the command does."""
    done = run(node, account, *arguments)
    assert done.returncode == 0, (arguments, done.stderr[-2_000:], node.log_tail())
    return json.loads(done.stdout)


def has_wei(node: DevNode, account: str) -> int:
    """An account's balance, with what is held for it of small amounts."""
    earned = command(node, BYSTANDER, "infer", "earnings", "--recipient", account)["earnings"]
    return int(node.rpc("eth_getBalance", account, "latest"), 16) + int(earned)


def test_records_are_paid_to_the_wei(node: DevNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("openledger_node.demo.text.model.SEEDS", 1)
    datanet, model = asyncio.run(published_model(node, tmp_path / "made"))
    command(node, BUILDER, "model", "retrieval", model, datanet)
    channel = command(node, CUSTOMER, "infer", "open-channel", model, "5")["channelId"]
    contributors: set[str] = set()
    for question in QUESTIONS:
        asked = ("infer", "ask", channel, question, "--top", "0", "--max-tokens", "8")
        looked_up = ("--records", datanet, "--most-records", "1")
        paid = command(node, CUSTOMER, *asked, *looked_up)["x_openledger"]
        assert sum(each["weightPpm"] for each in paid["citations"]) == 1_000_000
        contributors |= {each["contributor"] for each in paid["citations"]}
    node.kill()
    wait_until(lambda: not processes_of(node.datadir), "the children's end", 60.0)
    node.start()
    settled = command(node, CUSTOMER, "infer", "settle", channel, "--wait", "--timeout", "500")
    (shared,) = settled["retrieval"]
    assert {contributor for contributor, _ in shared["leaves"]} == contributors
    listed = ("infer", "retrievals", "--settlement", str(settled["settlementId"]))
    (found,) = command(node, BYSTANDER, *listed)["retrievals"]
    assert int(found["amount"]) == sum(int(amount) for _, amount in shared["leaves"]) > 0
    for contributor, amount in shared["leaves"]:
        before_wei = has_wei(node, contributor)
        claim = ("infer", "claim-retrieval", found["retrievalId"], "--contributor", contributor)
        command(node, BYSTANDER, *claim)
        assert has_wei(node, contributor) == before_wei + int(amount)
        again = run(node, BYSTANDER, *claim)
        assert again.returncode == 1
        assert "AlreadyClaimed" in again.stderr
    nobody = run(node, BYSTANDER, "infer", "claim-retrieval", found["retrievalId"], "--contributor", "dev:9")
    assert "has nothing in retrieval" in nobody.stderr
    (after,) = command(node, BYSTANDER, *listed)["retrievals"]
    assert after["claimed"] == after["amount"]
