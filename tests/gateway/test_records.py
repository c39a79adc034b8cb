"""What JSON-RPC tells of off-chain work, and that the law takes its proofs."""

import asyncio
from typing import Any

import pytest

from genesis.commitments import SumNode, sum_leaf, sum_node, sum_tree_id
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Hash32
from openledger_node.client.account import dev_account
from openledger_node.client.economy import ATTRIBUTION, DATANETS, METERING
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.sender import Sender
from openledger_node.errors import UserError
from openledger_node.gateway.records import Records
from openledger_node.rpc.errors import ServerError
from openledger_node.rpc.ports import EconomyDoor, EconomyPort
from tests.gateway.conftest import Running
from tests.gateway.test_inference import features
from tests.gateway.test_settling import settled
from tests.jobs.economy import CHAIN_ID, OWNER
from workers.artifacts.store import artifact_id
from workers.datasets.contribution import summarize
from workers.datasets.digits import demo_parts
from workers.datasets.records import encode_jsonl

SOMEBODY = Address(b"\x77" * 20)
NOTHING = Hash32(b"\x66" * 32)


def records_of(running: Running) -> EconomyPort:
    assert running.gateway is not None
    records: Records = running.gateway.records
    return records


def integers(values: list[str]) -> list[int]:
    return [int(value, 16) for value in values]


def under(leaf: SumNode, place: int, proof: dict[str, Any]) -> SumNode:
    """The root that a proof gives for a leaf."""
    node = leaf
    hashes = [Hash32(bytes.fromhex(text[2:])) for text in proof["siblings"]]
    for level, sibling in enumerate(map(SumNode, hashes, integers(proof["siblingSums"]))):
        node = sum_node(sibling, node) if place >> level & 1 else sum_node(node, sibling)
    return node


async def test_a_settled_answer_is_told_and_proved(with_worker: Running) -> None:
    purchases = await with_worker.purchases()
    for number in range(5):
        await purchases.classify(features(with_worker.economy, number))
    records, channel_id = records_of(with_worker), purchases._terms.channel_id
    early = await records.receipt_proof(channel_id, 4)
    assert early is not None
    assert (early["count"], early["settlementId"]) == ("0x5", None)
    await purchases.acknowledge()
    started = await with_worker.http.post(f"/api/channels/0x{channel_id.hex()}/settle", {})
    found: Any = await settled(with_worker, started["key"], "final")

    receipt = await records.receipt(channel_id, 3)
    proof = await records.receipt_proof(channel_id, 3)
    assert receipt is not None
    assert proof is not None
    assert receipt["settlementId"] == proof["settlementId"] == hex(found["settlementId"])
    settlement = await with_worker.economy.reader.settlement(found["settlementId"])
    assert proof["root"] == "0x" + settlement.receipts_root.hex()
    tree = sum_tree_id(1, CHAIN_ID, METERING.address, int.from_bytes(channel_id, "big"))
    leaf = sum_leaf(tree, 3, bytes.fromhex(receipt["receiptHash"][2:]), int(receipt["fee"], 16))
    assert under(leaf, 3, proof).hash == settlement.receipts_root

    told = await records.attribution(f"{channel_id.hex()}-3")
    assert told is not None
    assert told["postId"] == found["postId"]
    contributor = Address(bytes.fromhex(told["contributors"][0]["contributor"][2:]))
    await _claimed(with_worker, found["postId"], contributor)


async def _claimed(running: Running, post_id: int, contributor: Address) -> None:
    """The proof is one that the precompile pays for, and the estimate follows."""
    records = records_of(running)
    before = await records.estimate_earnings(contributor, 1)
    claim = await records.attribution_proof(post_id, contributor)
    assert before is not None
    assert claim is not None
    assert (claim["final"], claim["claimed"]) == (True, False)
    assert before["claimable"] == claim["amount"]
    await Sender(Ethereum(running.economy.node), dev_account(OWNER)).transact(
        ATTRIBUTION,
        "claim",
        post_id,
        int(claim["contributorIndex"], 16),
        contributor,
        int(claim["amount"], 16),
        [bytes.fromhex(sibling[2:]) for sibling in claim["siblings"]],
        integers(claim["siblingSums"]),
        contributor,
    )
    after = await records.estimate_earnings(contributor, 1)
    assert after is not None
    assert (after["claimable"], after["claimed"]) == ("0x0", claim["amount"])
    assert await records.attribution_proof(post_id, SOMEBODY) is None


async def test_an_estimate_counts_what_is_not_settled_yet(running: Running) -> None:
    purchases = await running.purchases()
    await purchases.classify(features(running.economy))
    estimate = await records_of(running).estimate_earnings(SOMEBODY, 1)
    assert estimate is not None
    assert estimate["newestPost"] is None
    assert set(map(str, estimate.values())) >= {"0x0", "None"}


async def test_unknown_ids_are_none(running: Running) -> None:
    records = records_of(running)
    assert await records.job("no such job") is None
    for number in (0, 2**62, 2**64 - 1):
        assert await records.receipt(NOTHING, number) is None
        assert await records.receipt_proof(NOTHING, number) is None
    for name in ("", "x", f"{NOTHING.hex()}-0", f"0x{NOTHING.hex()}-{'9' * 5_000}"):
        assert await records.attribution(name) is None
    with pytest.raises(UserError, match="32 bytes"):
        await records.attribution("0x12-5")
    assert await records.attribution_proof(2**64 - 1, SOMEBODY) is None
    assert await records.record_proof(1, 99, 0) is None
    assert await records.record_proof(99, 1, 0) is None


async def test_jobs_are_told_as_over_http(running: Running) -> None:
    made = await running.http.post("/api/jobs", {"kind": "ping", "request": {}})
    assert (await records_of(running).job(made["id"]) or {})["kind"] == "ping"


async def test_the_law_takes_record_proofs(running: Running) -> None:
    economy = running.economy
    sender = Sender(Ethereum(economy.node), dev_account(OWNER))
    name = ("Two", "sha256:00", bytes(32), b"cc0".ljust(32, b"\0"), 0, 0)
    created = await sender.transact(DATANETS, "createDatanet", *name)
    datanet_id = int(created.event("DatanetCreated").arguments["datanetId"])
    for part in demo_parts(1, part_records=5).parts[:3]:
        data = encode_jsonl(part)
        made = summarize(
            data, chain_id=CHAIN_ID, datanet_id=datanet_id, contributor=dev_account(OWNER).address
        )
        name_of_file = economy.store.put(data)
        committed = await sender.transact(
            DATANETS, "contribute", datanet_id, made.root, made.records, made.size_bytes, value_wei=OPEN_UNIT
        )
        identity = int(committed.event("ContributionCommitted").arguments["contributionId"])
        economy.node.advance(3)
        await sender.transact(DATANETS, "reveal", identity, f"sha256:{name_of_file}")
        await sender.transact(DATANETS, "review", identity, True, 10_000)
    await sender.transact(DATANETS, "publishVersion", datanet_id)
    records = records_of(running)
    for record in (0, 4, 5, 14):
        proof = await records.record_proof(datanet_id, 1, record)
        assert proof is not None
        arguments = (
            datanet_id,
            1,
            *(int(proof[name], 16) for name in ("position", "contributionId", "firstRecord")),
            [bytes.fromhex(node[2:]) for node in proof["contributionProof"]],
            bytes.fromhex(proof["recordLeaf"][2:]),
            int(proof["recordIndex"], 16),
            [bytes.fromhex(node[2:]) for node in proof["recordProof"]],
        )
        assert await economy.reader.ethereum.read(DATANETS, "verifyRecord", *arguments) is True
    assert await records.record_proof(datanet_id, 1, 15) is None
    economy.store.path(artifact_id(economy.trained.parts[0])).unlink()
    with pytest.raises(UserError, match="cannot be read"):
        await records.record_proof(1, 1, 0)


async def test_the_door_is_closed_until_the_gateway_is_open(running: Running) -> None:
    door = EconomyDoor()
    with pytest.raises(ServerError, match="still starting"):
        _ = door.port
    door.open(records_of(running))
    assert await asyncio.wait_for(door.port.job("none"), 5) is None
