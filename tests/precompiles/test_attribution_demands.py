"""Hidden content: every hash under a post or an index can be demanded, and silence loses."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    LEAF,
    NODE,
    address_word,
    leaf_hash,
    merkle_layers,
    word,
)
from genesis.keccak import keccak256
from genesis.types import Hash32
from precompiles import attribution_interface as interface
from precompiles.checks import INVALID_ARGUMENT
from precompiles.views.attribution import INDEX_KEY
from precompiles.views.disputes import DemandPath
from tests.precompiles.batch_scene import BATCH_POLICY, BatchScene
from tests.precompiles.calls import number
from tests.precompiles.evidence import Posted, Row, Tree
from tests.precompiles.index_scene import INDEX_POLICY, IndexScene
from tests.precompiles.world import NativeMachine, TwinMachine

VOID = 3
QUERY, QUERIES, RECEIPTS = 3, 4, 5


@pytest.fixture(params=[NativeMachine, TwinMachine])
def machine_type(request: pytest.FixtureRequest) -> Any:
    return request.param


def plain_nodes(layers: Sequence[Sequence[Hash32]], position: int) -> list[bytes]:
    """Contents of the inner nodes above a leaf, from the root down."""
    contents = []
    for level in range(len(layers) - 2, -1, -1):
        left = position >> level & ~1
        contents.append(NODE + layers[level][left] + layers[level][left + 1])
    return contents


def sum_nodes(tree: Tree, position: int) -> list[bytes]:
    contents = []
    for level in range(len(tree.layers) - 2, -1, -1):
        left, right = tree.layers[level][position >> level & ~1 : (position >> level & ~1) + 2]
        contents.append(NODE + left.hash + word(left.sum) + right.hash + word(right.sum))
    return contents


def query_leaf_content(scene: BatchScene, place: int) -> bytes:
    leaf = scene.batch.query(place)
    return LEAF + word(leaf.number) + word(leaf.weight) + leaf.query_root


def contents_of(scene: BatchScene, posted: Posted, tree: int, position: int) -> list[bytes]:
    """Everything on the way down to a place, from the root to the last content."""
    if tree in {0, 1, 2}:
        chosen = posted.trees[tree]
        key, amount = chosen.leaves[position]
        return [*sum_nodes(chosen, position), LEAF + chosen.id + word(position) + key + word(amount)]
    if tree == QUERY:
        return [LEAF + posted.queries[0]]
    if tree == QUERIES:
        nodes = plain_nodes(scene.batch.query_layers, position)
        return [*nodes, query_leaf_content(scene, position), LEAF + scene.batch.packed_query(position)]
    receipts = scene.batch.tree
    key, amount = receipts.leaves[position]
    leaf = LEAF + receipts.id + word(position) + key + word(amount)
    return [*sum_nodes(receipts, position), leaf]


@pytest.mark.parametrize("tree", [0, 1, 2, QUERY, QUERIES, RECEIPTS])
def test_every_content_can_be_demanded_and_shown(machine_type: Any, tree: int) -> None:
    scene = BatchScene(machine_type)
    post_id, posted = scene.posted()
    contents = contents_of(scene, posted, tree, 1 if tree != QUERY else 0)
    for shown in range(len(contents)):
        path = DemandPath(tree, 1, 0, tuple(contents[:shown]))
        demand_id = scene.demand(post_id, posted, path)
        fields = scene.fields(ATTRIBUTION, "getDemand", demand_id)
        assert fields[4] == int.from_bytes(keccak256(contents[shown]), "big")
        assert fields[5] == len(contents[shown])
        before = scene.machine.balance(scene.stranger.address)
        scene.do(scene.stranger, ATTRIBUTION, "answerDemand", demand_id, contents[shown])
        assert scene.machine.balance(scene.stranger.address) == before + scene.policy.demand_fee_wei
    beyond = DemandPath(tree, 1, 0, tuple(contents))
    refused = scene.refuse(
        scene.validator,
        ATTRIBUTION,
        "demandOfPost",
        post_id,
        posted.claims,
        beyond,
        value_wei=scene.policy.demand_fee_wei,
    )
    assert refused == INVALID_ARGUMENT(b"opened").data
    scene.wait(BATCH_POLICY.post_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)


@pytest.mark.parametrize("tree", [1, QUERY, RECEIPTS])
def test_silence_voids_the_post(machine_type: Any, tree: int) -> None:
    scene = BatchScene(machine_type)
    post_id, posted = scene.posted()
    before = scene.machine.balance(scene.validator.address)
    demand_id = scene.demand(post_id, posted, DemandPath(tree, 0, 0, ()))
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "expireDemand", demand_id)
    until = scene.machine.moment.timestamp_s + BATCH_POLICY.demand_window_s
    assert refused == interface.WINDOW_OPEN(until).data
    scene.wait(BATCH_POLICY.demand_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "expireDemand", demand_id)
    slash = scene.policy.slash_amount_wei
    assert scene.status(post_id) == VOID
    assert scene.machine.balance(scene.validator.address) == before
    assert scene.read(ATTRIBUTION, "slashedOf", scene.provider.address) == slash
    assert scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) == slash * 3 // 10
    is_void = scene.read(ATTRIBUTION, "postOfSettlement", scene.settlement_id) == 2**256 - 1
    assert is_void == (tree == RECEIPTS), "receipts are the provider's, whoever posted"
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "expireDemand", demand_id)
    assert refused == interface.WRONG_STATUS(0).data


def test_a_demand_stops_finalize_and_its_answer_reopens_the_window(machine_type: Any) -> None:
    scene = BatchScene(machine_type)
    post_id, posted = scene.posted()
    scene.wait(BATCH_POLICY.post_window_s)
    demand_id = scene.demand(post_id, posted, DemandPath(QUERY, 0, 0, ()))
    scene.wait(1)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "finalize", post_id)
    assert refused == interface.PENDING_CHALLENGE(post_id).data
    scene.do(scene.provider, ATTRIBUTION, "answerDemand", demand_id, LEAF + posted.queries[0])
    until = scene.machine.moment.timestamp_s + BATCH_POLICY.challenge_reveal_s
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "finalize", post_id)
    assert refused == interface.WINDOW_OPEN(until).data
    path = DemandPath(QUERY, 0, 0, ())
    arguments = (post_id, posted.claims, path)
    fee = scene.policy.demand_fee_wei
    refused = scene.refuse(scene.validator, ATTRIBUTION, "demandOfPost", *arguments, value_wei=fee)
    assert refused == interface.WINDOW_CLOSED(until - 11).data, "one more demand would go on for ever"
    scene.dispute(post_id, posted, 1)
    scene.commit(post_id)


def test_what_is_shown_must_be_what_was_committed(machine_type: Any) -> None:
    scene = BatchScene(machine_type)
    post_id, posted = scene.posted()
    root = sum_nodes(posted.amounts, 2)[0]
    demand_id = scene.demand(post_id, posted, DemandPath(0, 2, 0, ()))
    for content in (root[:-1], root + b"\0", b"", NODE + bytes(128)):
        refused = scene.refuse(scene.stranger, ATTRIBUTION, "answerDemand", demand_id, content)
        assert refused == interface.INVALID_PROOF(b"content").data
    scene.wait(BATCH_POLICY.demand_window_s + 1)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "answerDemand", demand_id, root)
    until = scene.machine.moment.timestamp_s - 1
    assert refused == interface.WINDOW_CLOSED(until).data
    absent = interface.DEMAND_NOT_FOUND(9).data
    assert scene.refuse(scene.stranger, ATTRIBUTION, "answerDemand", 9, root) == absent


def test_a_tree_that_is_none_cannot_be_shown(machine_type: Any) -> None:
    """A root over content that is no node has an answer of the right hash and of no right form."""
    scene = BatchScene(machine_type)
    scene.settle_batch()
    posted = scene.prepare_post([scene.settlement_id])
    content = b"\1" + b"\7" * 99
    posted.claims = (replace(posted.claims[0], scores_root=keccak256(content)),)
    post_id = scene.send_post(posted)
    demand_id = scene.demand(post_id, posted, DemandPath(1, 0, 0, ()))
    refused = scene.refuse(scene.provider, ATTRIBUTION, "answerDemand", demand_id, content)
    assert refused == interface.INVALID_PROOF(b"content").data


def test_places_that_are_none_cannot_be_demanded(machine_type: Any) -> None:
    scene = BatchScene(machine_type)
    post_id, posted = scene.posted()
    fee = scene.policy.demand_fee_wei

    def refused(path: DemandPath, value_wei: int = fee) -> bytes:
        arguments = (post_id, posted.claims, path)
        return scene.refuse(scene.validator, ATTRIBUTION, "demandOfPost", *arguments, value_wei=value_wei)

    assert refused(DemandPath(0, 3, 0, ())) == INVALID_ARGUMENT(b"position").data
    assert refused(DemandPath(QUERIES, 3, 0, ())) == INVALID_ARGUMENT(b"position").data
    assert refused(DemandPath(6, 0, 0, ())) == INVALID_ARGUMENT(b"tree").data
    assert refused(DemandPath(QUERY, 0, 1, ())) == INVALID_ARGUMENT(b"chunk").data
    assert refused(DemandPath(0, 0, 0, ()), fee - 1) == interface.WRONG_BOND(fee, fee - 1).data
    lied = DemandPath(0, 0, 0, (sum_nodes(posted.scores[0], 0)[0],))
    assert refused(lied) == interface.INVALID_PROOF(b"opened").data


ROWS = [Row(0, 0, 0, (100, 2, -3)), Row(1, 1, 1, (-127, 5, 6)), Row(2, 0, 0, (70, 7, 8))]


@pytest.mark.parametrize("tree", [0, 1])
def test_an_index_is_void_if_its_signer_hides(machine_type: Any, tree: int) -> None:
    scene = IndexScene(machine_type, ROWS)
    index_id = scene.commit_rows()
    fee = INDEX_POLICY.demand_fee_wei
    layers = scene.index.row_layers if tree == 0 else scene.index.layers
    opened: tuple[bytes, ...] = ()
    for content in index_contents(scene, layers, tree, 1):
        path = DemandPath(tree, 1, 0, opened)
        outcome = scene.do(scene.stranger, ATTRIBUTION, "demandOfIndex", index_id, path, value_wei=fee)
        assert scene.status() == 1
        scene.do(scene.owner, ATTRIBUTION, "answerDemand", number(outcome), content)
        opened = (*opened, content)
    path = DemandPath(tree, 2, 0, ())
    outcome = scene.do(scene.stranger, ATTRIBUTION, "demandOfIndex", index_id, path, value_wei=fee)
    scene.wait(INDEX_POLICY.demand_window_s + 1)
    scene.do(scene.validator, ATTRIBUTION, "expireDemand", number(outcome))
    assert scene.status() == 2
    assert scene.read(ATTRIBUTION, "slashedOf", scene.owner.address) == INDEX_POLICY.slash_amount_wei
    assert scene.machine.balance(ATTRIBUTION) == 0


def index_contents(
    scene: IndexScene, layers: Sequence[Sequence[Hash32]], tree: int, position: int
) -> list[bytes]:
    """The way down to a row, or to a sum's vector."""
    nodes = plain_nodes(layers, position)
    if tree == 0:
        row = scene.index.row(position)
        vector = LEAF + row.row
        numbers = (row.index, row.canonical_index, row.contributor_index, row.exponent)
        return [*nodes, LEAF + b"".join(map(word, numbers)) + keccak256(vector), vector]
    found = scene.index.evidence(position)
    vector = LEAF + found.vector
    head = word(position) + address_word(scene.contributors[position])
    tail = word(found.records) + word(found.norm_squared)
    return [*nodes, LEAF + head + tail + keccak256(vector), vector]


def test_an_answered_demand_keeps_an_index_open_for_one_window(machine_type: Any) -> None:
    scene = IndexScene(machine_type, ROWS)
    index_id = scene.commit_rows()
    scene.wait(INDEX_POLICY.index_window_s - 1)
    fee = INDEX_POLICY.demand_fee_wei
    path = DemandPath(0, 0, 0, ())
    outcome = scene.do(scene.stranger, ATTRIBUTION, "demandOfIndex", index_id, path, value_wei=fee)
    scene.wait(5)
    node = plain_nodes(scene.index.row_layers, 0)[0]
    scene.do(scene.owner, ATTRIBUTION, "answerDemand", number(outcome), node)
    assert scene.status() == 1
    scene.commit_to()
    scene.dispute(0, 0)
    key = INDEX_KEY + index_id
    assert key > index_id
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "demandOfIndex", index_id, path, value_wei=fee)
    assert refused[:4] == interface.WINDOW_CLOSED.selector


def test_a_wide_batch_query_is_demanded_chunk_by_chunk(machine_type: Any) -> None:
    wide = 1_030
    vectors = [[7] * wide, [-3] * wide, [1] * wide]
    scene = BatchScene(machine_type, vectors, [[5] * wide, [6] * wide])
    post_id, posted = scene.posted()
    size = 1_024 * BATCH_QUERY_BYTES
    chunks = [posted.queries[0][:size], posted.queries[0][size:]]
    layers = merkle_layers([leaf_hash(chunk) for chunk in chunks])
    for place, chunk in enumerate(chunks):
        path = DemandPath(QUERY, 0, place, tuple(plain_nodes(layers, place)))
        demand_id = scene.demand(post_id, posted, path)
        scene.do(scene.provider, ATTRIBUTION, "answerDemand", demand_id, LEAF + chunk)
