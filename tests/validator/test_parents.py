"""Derived records from upload to payout: whoever the draw credits gets paid, and a forged credit is voided.

Real digits, real jobs, real roots and law; only the chain around them is `LawNode`.
"""

import asyncio
import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genesis.commitments import merkle_proof
from genesis.parents import ParentRecord, drawn_parent, parent_record
from genesis.policy import DEV_POLICY
from openledger_node.client.account import dev_account
from openledger_node.client.datasets import dataset_version
from openledger_node.client.draws import is_due, parent_draws, undrawn
from openledger_node.client.economy import ATTRIBUTION, DATANETS, MODELS, POST_FINAL, EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.sender import Sender
from openledger_node.validator.arguments import index_challenge
from openledger_node.validator.documents import Documents
from openledger_node.validator.record_check import WrongOwner, check_records
from precompiles.views.attribution import INDEX_KEY, INDEX_VOID
from tests.client.law_node import LawNode
from tests.jobs.economy import (
    BUILDER,
    CHAIN_ID,
    DIMENSIONS,
    OWNER,
    VALIDATOR,
    Economy,
    Trained,
    publish_parts,
    sell,
)
from tests.validator.indexing import commit, published
from tests.validator.posting import right_post, send_post, settle
from tests.validator.test_indexes import rounds, status
from tests.validator.test_service import validator
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.attribution.index import Rows, Sums, sums_of
from workers.datasets.contribution import summarize
from workers.datasets.digits import load_records
from workers.datasets.records import Record, encode_jsonl
from workers.errors import InvalidInputError
from workers.jobs.feature_index import feature_index
from workers.jobs.train import train
from workers.protocol import (
    DEFAULT_RECIPE,
    DatasetVersion,
    FeatureIndexRequest,
    ParentDraw,
    TrainRequest,
    TrainResult,
)

PART_RECORDS = 40
SIDE = 8
FIRST, SECOND, MAKER = 1, 2, 3
"""Contributions and accounts: the third made its records from the first two's."""
DERIVED = range(2 * PART_RECORDS, 3 * PART_RECORDS)
"""Its rows."""


def moved(record: Record) -> bytes:
    """A digit one pixel to the right."""
    return np.roll(np.frombuffer(record.features, np.uint8).reshape(SIDE, SIDE), 1, axis=1).tobytes()


def parts() -> tuple[bytes, ...]:
    """Two contributions of digits, and one of moved digits that each name one record of both as parents."""
    records = load_records(1)[: 2 * PART_RECORDS]
    made = [
        Record(moved(record), record.label, (ParentRecord(1, place).word, ParentRecord(2, place).word))
        for place, record in enumerate(records[:PART_RECORDS])
    ]
    return tuple(encode_jsonl(part) for part in (records[:PART_RECORDS], records[PART_RECORDS:], made))


class World:
    """A trained model on chain whose version holds derived records, before anything is drawn."""

    def __init__(self, directory: Path) -> None:
        self.node, self.store, self.files = LawNode(DEV_POLICY), ArtifactStore(directory), parts()
        for part in self.files:
            self.store.put(part)
        publish_parts(self.node, self.files)
        self.version: DatasetVersion = asyncio.run(dataset_version(self.reader, 1, 1))
        recipe = replace(DEFAULT_RECIPE, epochs=10, batch_size=20, classes=10)
        self.model: TrainResult = train(self.store, TrainRequest(self.version, recipe))

    @property
    def reader(self) -> EconomyReader:
        return EconomyReader(Ethereum(self.node))

    async def fetch(self, name: ArtifactId) -> bytes:
        return self.store.get(name)

    async def draw(self) -> tuple[ParentDraw, ...]:
        """What a publisher's command does."""
        assert await undrawn(self.reader, [self.version], self.fetch) == [MAKER]
        while not await is_due(self.reader, MAKER):
            self.node.advance(1)
        await Sender(Ethereum(self.node), dev_account(BUILDER)).transact(DATANETS, "drawParents", MAKER)
        assert await undrawn(self.reader, [self.version], self.fetch) == []
        return await parent_draws(self.reader, [self.version])

    def sold(self, draws: tuple[ParentDraw, ...]) -> Economy:
        """The index by these draws, a price and an open channel."""
        index = feature_index(self.store, FeatureIndexRequest(self.model.manifest, DIMENSIONS, draws))
        asked = tuple(tuple(moved(record)) for record in load_records(1)[-30:])
        return sell(self.node, self.store, Trained({}, self.model, index, asked, self.files))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("derived") / "artifacts")


@pytest.fixture(scope="module")
def opened(world: World) -> Economy:
    drawing = copy.copy(world)
    drawing.node = copy.deepcopy(world.node)
    return drawing.sold(asyncio.run(drawing.draw()))


@pytest.fixture
def economy(opened: Economy) -> Economy:
    """A fresh copy of the chain with an honest index, before its window is over."""
    return replace(opened, node=copy.deepcopy(opened.node))


def documents(economy: Economy) -> Documents:
    return Documents(economy.reader, [economy.store])


async def credited(economy: Economy) -> list[int]:
    """Per derived record the account that the chain's randomness draws, from 1 on."""
    accepted = await economy.reader.ethereum.read(DATANETS, "getAcceptance", MAKER)
    made = (await documents(economy).sources(1)).contributions[MAKER - 1]
    drawn = [
        drawn_parent(accepted["randomness"], made.layers[0][place], record.parents)
        for place, record in enumerate(made.records)
    ]
    return [MAKER if each is None else parent_record(each).contribution_id for each in drawn]


def with_owners(economy: Economy, owners: dict[int, int]) -> tuple[Rows, Sums]:
    """The honest index with some rows of other accounts, its sums following."""
    rows, sums = published(economy)
    for row, account in owners.items():
        rows.owners[row] = account - 1
    return rows, sums_of(rows, sums.contributors)


async def test_the_index_credits_whom_the_chain_draws(economy: Economy) -> None:
    rows, _ = published(economy)
    expected = await credited(economy)
    assert (rows.owners[list(DERIVED)] + 1).tolist() == expected
    assert rows.owners[: DERIVED.start].tolist() == [0] * PART_RECORDS + [1] * PART_RECORDS
    assert 10 <= expected.count(MAKER) <= 30  # one half of 40; chance of less or more: 0.001
    assert min(expected.count(FIRST), expected.count(SECOND)) >= 3
    assert rows.canonical_mask[list(DERIVED)].all()


async def test_an_honest_index_of_derived_records_is_left_alone(economy: Economy) -> None:
    one = validator(economy)
    await rounds(one, economy, 3)
    assert (one.indexes.checked, one.indexes.challenged) == (1, 0)
    assert await status(economy, 1) == 0


async def test_parents_contributors_are_paid_and_nothing_is_lost(economy: Economy) -> None:
    """Everybody's amount is that of the rows the draw gives it; all claims and the carry make the pool."""
    post = await right_post(economy, await settle(economy, 12))
    notice = await send_post(economy, post)
    amounts = post.amounts()
    rows, owners = published(economy)[0], np.array(await credited(economy)) - 1
    phi = rows.integers()
    query = np.array(post.batches[0].query, dtype=object)
    for account in (FIRST, SECOND, MAKER):
        own = phi[DERIVED.start :][owners == account - 1].sum(axis=0, dtype=object)
        if account != MAKER:
            own = own + phi[(account - 1) * PART_RECORDS : account * PART_RECORDS].sum(axis=0, dtype=object)
        score = post.batches[0].scores[account - 1]
        assert score in {0, (own * query).sum()}  # 0: not significant
    economy.node.advance(DEV_POLICY.post_window_s + 1)
    ethereum = Ethereum(economy.node)
    mined = await Sender(ethereum, dev_account(OWNER)).transact(ATTRIBUTION, "finalize", notice.post_id)
    final = await economy.reader.post(notice.post_id)
    assert final.status == POST_FINAL
    for place, amount in enumerate(amounts):
        person = dev_account(place + 1).address
        before = economy.node.machine.balance(person)
        leaf = post.amount_evidence(place)
        sums = (list(leaf.siblings), list(leaf.sibling_sums))
        if amount:
            claim = (notice.post_id, place, person, amount, *sums, person)
            await Sender(ethereum, dev_account(OWNER)).transact(ATTRIBUTION, "claim", *claim)
        assert economy.node.machine.balance(person) - before == amount
    carried = mined.event("PostFinalized").arguments["carryOut"]
    assert sum(amounts) + carried == final.pool_wei
    assert amounts[FIRST - 1] > 0 or amounts[SECOND - 1] > 0


async def test_without_the_draw_nobody_builds_an_index(world: World) -> None:
    with pytest.raises(InvalidInputError, match="datanet draw 3"):
        feature_index(world.store, FeatureIndexRequest(world.model.manifest, DIMENSIONS))


@pytest.mark.parametrize("forged", ["to the maker", "to the other parent", "a parent's own row"])
async def test_a_forged_credit_voids_the_index(economy: Economy, forged: str) -> None:
    """Rows, sums and roots fit each other: only the draw shows it. The validator acts unattended."""
    drawn = await credited(economy)
    row = DERIVED[next(place for place, account in enumerate(drawn) if account == FIRST)]
    forgery = {
        "to the maker": {row: MAKER},
        "to the other parent": {row: SECOND},
        "a parent's own row": {0: MAKER},
    }
    index_id = await commit(economy, *with_owners(economy, forgery[forged]))
    one = validator(economy)
    await rounds(one, economy)
    assert (await status(economy, index_id), await status(economy, 1)) == (INDEX_VOID, 0)
    assert one.indexes.challenged == 1


def test_an_index_before_the_draw_is_voided(world: World, opened: Economy) -> None:
    """Its signer guesses right, and has not waited for the draw."""
    early = replace(opened, node=copy.deepcopy(world.node))
    economy = sell(early.node, early.store, early.trained)

    async def watch() -> None:
        index_id = await commit(economy, *published(economy))
        one = validator(economy)
        await rounds(one, economy)
        assert await status(economy, index_id) == INDEX_VOID

    asyncio.run(watch())


async def publish_more(economy: Economy) -> None:
    """Version 2 with one more contribution, and a second model of it."""
    more = encode_jsonl(load_records(1)[200:210])
    name = economy.store.put(more)
    ethereum = Ethereum(economy.node)
    giver, owner, builder = (Sender(ethereum, dev_account(each)) for each in (4, OWNER, BUILDER))
    found = summarize(more, chain_id=CHAIN_ID, datanet_id=1, contributor=dev_account(4).address)
    contribution = (1, found.root, found.records, found.size_bytes)
    bond_wei = DEV_POLICY.contribution_bond_wei
    await giver.transact(DATANETS, "contribute", *contribution, value_wei=bond_wei)
    economy.node.advance(3)
    await giver.transact(DATANETS, "reveal", 4, f"sha256:{name}")
    await owner.transact(DATANETS, "review", 4, True, 10_000)
    await owner.transact(DATANETS, "publishVersion", 1)
    await builder.transact(MODELS, "registerModel", b"\1" * 32, 0, b"\1" * 32, [1], [2], "")


async def test_a_validator_has_the_draw_kept_once(world: World, opened: Economy) -> None:
    economy = replace(opened, node=copy.deepcopy(world.node))
    one, another = validator(economy), validator(economy, VALIDATOR + 1)
    await one.look()
    await another.look()
    assert await parent_draws(economy.reader, [world.version]) == ()
    for _ in range(2 * DEV_POLICY.jury_delay_blocks):
        economy.node.advance(1)
        await one.look()
        await another.look()
    drawn = await parent_draws(economy.reader, [world.version])
    assert [draw.contribution_id for draw in drawn] == [MAKER]
    assert (one.draws.kept, another.draws.kept) == (1, 0)


@pytest.mark.parametrize("uri", ["x", "sha256:00", "https://example.org/data", "sha256:" + "0" * 64])
async def test_a_contribution_without_a_file_leaves_validators_alone(
    world: World, opened: Economy, uri: str
) -> None:
    economy = replace(opened, node=copy.deepcopy(world.node))
    giver, owner = (Sender(Ethereum(economy.node), dev_account(each)) for each in (4, OWNER))
    bond_wei = DEV_POLICY.contribution_bond_wei
    await giver.transact(DATANETS, "contribute", 1, b"\1" * 32, 1, 1, value_wei=bond_wei)
    economy.node.advance(3)
    await giver.transact(DATANETS, "reveal", 4, uri)
    await owner.transact(DATANETS, "review", 4, True, 10_000)
    watching = validator(economy)
    for _ in range(2 * DEV_POLICY.jury_delay_blocks):
        economy.node.advance(1)
        await watching.look()
    assert watching.draws.kept == 1


async def test_evidence_of_another_version_is_refused(economy: Economy) -> None:
    """Version 2 has a contribution more: its proofs say nothing about an index of version 1."""
    await publish_more(economy)
    row = DERIVED[(await credited(economy)).index(FIRST)]
    index_id = await commit(economy, *with_owners(economy, {row: MAKER}))
    challenger = validator(economy).indexes._challenger
    await challenger.commit(INDEX_KEY + index_id)
    salt = await challenger.salt(INDEX_KEY + index_id)
    inputs = await documents(economy).index_inputs(index_id)
    verdict = check_records(inputs, await documents(economy).sources(1), DEV_POLICY.similarity_ppm)
    assert isinstance(verdict, WrongOwner)
    later = (await documents(economy).sources(2)).versions[0]
    proof = merkle_proof(later.layers, verdict.record.position)
    replayed = replace(verdict, record=replace(verdict.record, contribution_proof=proof))
    method, evidence = index_challenge(replayed)
    with pytest.raises(RevertedError, match="InvalidProof"):
        await challenger.send(method, index_id, salt, *evidence)
    method, evidence = index_challenge(verdict)
    await challenger.send(method, index_id, salt, *evidence)
    assert await status(economy, index_id) == INDEX_VOID


async def test_a_record_is_whose_it_was_in_every_version(economy: Economy) -> None:
    """The draw is the contribution's: publishing again draws nothing again."""
    before = await parent_draws(economy.reader, [await dataset_version(economy.reader, 1, 1)])
    await publish_more(economy)
    assert await parent_draws(economy.reader, [await dataset_version(economy.reader, 1, 2)]) == before
