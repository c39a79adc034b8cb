"""What any stranger may put on chain or publish, beside honest work: the validator's service neither ends nor
stalls, and still voids a wrong feature index in time.

Each kind of garbage is really on chain (or in the artefact host's folder) before the service starts.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import astuple
from typing import Any

import pytest
from eth_abi.abi import encode

from genesis.addresses import ATTRIBUTION as ATTRIBUTION_ADDRESS
from genesis.addresses import DATANET_REGISTRY
from genesis.policy import DEV_POLICY
from openledger_node.client.account import dev_account
from openledger_node.client.datasets import NO_FILE, dataset_version
from openledger_node.client.economy import ATTRIBUTION, DATANETS, MODELS, POST_VOID
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.sender import Sender
from openledger_node.clock import SystemClock
from precompiles.views.attribution import INDEX_VOID
from tests.jobs.economy import BUILDER, OWNER, PROVIDER, Economy
from tests.validator.indexing import commit, published, with_norm
from tests.validator.posting import carry, earner, right_post, send_post, settle, with_score
from tests.validator.test_indexes import status
from tests.validator.test_service import rounds, validator
from workers.artifacts import canonical_json
from workers.attribution.post import encode_post
from workers.errors import ArtifactError

STRANGER = 7
WINDOW_S = DEV_POLICY.index_window_s

Garbage = Callable[[Economy], Awaitable[None]]


class QuickClock(SystemClock):
    """Real time, but nobody sleeps long."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


def contribution(uri: bytes) -> Garbage:
    """Accepted, revealed under any bytes; the law does not look into them."""

    async def put(economy: Economy) -> None:
        node, count = economy.node, len(economy.trained.parts)
        bond_wei = DEV_POLICY.contribution_bond_wei
        node.act(STRANGER, DATANET_REGISTRY, DATANETS.calldata("contribute", 1, b"\1" * 32, 1, 1), bond_wei)
        node.advance(3)
        selector = DATANETS.interface.functions["reveal"].selector
        number = count + 1
        node.act(STRANGER, DATANET_REGISTRY, selector + encode(["uint256", "bytes"], [number, uri]))
        node.act(OWNER, DATANET_REGISTRY, DATANETS.calldata("review", number, True, 10_000))

    return put


def file(content: bytes) -> Garbage:
    """An accepted contribution of this file."""

    async def put(economy: Economy) -> None:
        await contribution(f"sha256:{economy.store.put(content)}".encode())(economy)

    return put


def posted(**changed: Any) -> Garbage:
    """A post whose document says other things than its trees hold."""

    async def put(economy: Economy) -> None:
        right = await right_post(economy, await settle(economy))
        document = canonical_json.decode(encode_post(right)) | changed
        await send_post(economy, right, document=canonical_json.encode(document))

    return put


def scored(**changed: Any) -> Garbage:
    """The same of what it says of its settlement."""

    async def put(economy: Economy) -> None:
        right = await right_post(economy, await settle(economy))
        document = canonical_json.decode(encode_post(right))
        document["batches"][0] |= changed
        await send_post(economy, right, document=canonical_json.encode(document))

    return put


async def posted_inside_another_call(economy: Economy, change: int = 0, uri: str = "x") -> None:
    """What a contract posts is in no transaction's own calldata."""
    right = await right_post(economy, await settle(economy))
    if change:
        right = with_score(right, earner(right), right.batches[0].scores[earner(right)] + change)
        uri = f"sha256:{economy.store.put(encode_post(right))}"
    tree = right.amounts_tree()
    claims = [astuple(claim) for claim in right.claims()]
    said = (economy.index_id, claims, await carry(economy), tree.root().hash, tree.root().sum, uri)
    economy.node.act(PROVIDER, ATTRIBUTION_ADDRESS, ATTRIBUTION.calldata("post", *said))


def index(uri: str = "x", **changed: Any) -> Garbage:
    """A feature index that is not what its model's owner publishes under it, and somebody asks for a part."""

    async def put(economy: Economy) -> None:
        trained, node = economy.trained.index, economy.node
        document = canonical_json.decode(economy.store.get(trained.index)) | changed
        name = f"sha256:{economy.store.put(canonical_json.encode(document))}" if changed else uri
        roots = (trained.rows_root, trained.sums_root, trained.preconditioner_hash, trained.numeric_profile)
        counts = (trained.rows, trained.contributors, trained.dimensions)
        owner = Sender(Ethereum(node), dev_account(BUILDER))
        mined = await owner.transact(MODELS, "commitFeatureIndex", 1, *roots, *counts, name)
        number = mined.event("FeatureIndexCommitted").arguments["indexId"]
        fee_wei = DEV_POLICY.demand_fee_wei
        stranger = Sender(Ethereum(node), dev_account(STRANGER))
        await stranger.transact(ATTRIBUTION, "demandOfIndex", number, (0, 0, 0, []), value_wei=fee_wei)

    return put


def rows(shape: list[int]) -> Garbage:
    """An index whose rows' file claims a shape that no memory holds."""

    async def put(economy: Economy) -> None:
        header = {"mantissas": {"dtype": "I8", "shape": shape, "data_offsets": [0, 0]}}
        text = canonical_json.encode(header)
        file_name = economy.store.put(len(text).to_bytes(8, "little") + text)
        await index(rows=file_name)(economy)

    return put


GARBAGE: dict[str, Garbage] = {
    "an address that is no text": contribution(b"\xff\xfe"),
    "an address of no file": contribution(b"sha256:" + b"0" * 64),
    "a file of brackets": file(b"[" * 100_000),
    "a file of parents that are no words": file(b'{"text": "a", "parents": [1e999, "x", {}]}'),
    "a file in halves of pairs": file(b'{"text": "\\ud800", "sketch": "0x00", "parents": ["1:1"]}'),
    "a post of negative amounts": posted(amounts_wei=["-5", "1", "1"]),
    "a post beyond 256 bits": posted(amounts_wei=[str(2**256)]),
    "a post of numbers": posted(contributors=[1, 2, 3]),
    "a post of nothing": posted(batches=[None]),
    "a post of short addresses": posted(contributors=["0x00"] * 3),
    "a post of endless scores": scored(scores=["9" * 4_000]),
    "a post of a query that is a number": scored(query=5),
    "a post inside another call": posted_inside_another_call,
    "an index of no file": index("sha256:" + "0" * 64),
    "an index of no address": index("\x00"),
    "an index of a number": index(sums=5),
    "an index of no preconditioner": index(preconditioner="zz"),
    "an index of negative norms": index(contributors=[{"contributor": "0x00", "norm_squared": "-1"}]),
    "rows without end": rows([0, 2**62]),
    "rows in many ways": rows([1] * 99 + [0]),
}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_a_validator_lives_on_and_does_its_work(economy: Economy, kind: str) -> None:
    await GARBAGE[kind](economy)
    honest, sums = published(economy)
    wrong = await commit(economy, honest, with_norm(sums, 0, 1))
    one = validator(economy, clock=QuickClock())
    service = asyncio.create_task(one.run())
    try:
        for _ in range(WINDOW_S):
            economy.node.advance(1)
            await asyncio.sleep(0.1)
            assert not service.done(), service.exception()
            if await status(economy, wrong) == INDEX_VOID:
                break
        assert await status(economy, wrong) == INDEX_VOID
    finally:
        service.cancel()
        await asyncio.wait([service])


async def test_a_contracts_false_post_is_voided(economy: Economy) -> None:
    """Its batches stand in an event, so whoever contests them need not know how they came there."""
    await posted_inside_another_call(economy, change=1)
    await rounds(validator(economy), economy)
    assert (await economy.reader.post(1)).status == POST_VOID


async def test_a_contract_that_hides_its_document_is_asked(economy: Economy) -> None:
    await posted_inside_another_call(economy)
    one = validator(economy)
    await rounds(one, economy, 24)
    assert one.demands.demanded >= 1
    assert (await economy.reader.post(1)).status == POST_VOID


async def test_hidden_queries_do_not_hide_a_false_score(economy: Economy) -> None:
    """A poster could show the one path that is asked for, and be paid by its lie."""
    queries = await settle(economy)
    right = await right_post(economy, queries)
    victim = earner(right)
    notice = await send_post(economy, with_score(right, victim, right.batches[0].scores[victim] + 1))
    economy.store.path(queries).unlink()
    await rounds(validator(economy), economy)
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID
    assert not await Ethereum(economy.node).events(ATTRIBUTION, "Demanded")


async def test_an_address_that_names_nothing_is_a_file_nobody_serves(economy: Economy) -> None:
    await contribution(b"\xff\xfe")(economy)
    economy.node.act(OWNER, DATANET_REGISTRY, DATANETS.calldata("publishVersion", 1))
    found = await dataset_version(economy.reader, 1, 2, nameless=True)
    assert [each.artifact == NO_FILE for each in found.contributions].index(True) == len(
        found.contributions
    ) - 1
    with pytest.raises(ArtifactError):
        await dataset_version(economy.reader, 1, 2)
