"""Batch queries, receipts and weights: what is wrong loses, what is right wins, alike on both machines."""

from dataclasses import replace
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION
from precompiles import attribution_interface as interface
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.batch_scene import BATCH_POLICY, QUERIES, BatchScene
from tests.precompiles.calls import UNIT
from tests.precompiles.scene import HASH
from tests.precompiles.world import NativeMachine, TwinMachine

VOID = 3
VOID_SETTLEMENT = 2**256 - 1
ANSWER, PROOF = 1, 3


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> BatchScene:
    return BatchScene(request.param)


def slashed(scene: BatchScene, account: Any) -> int:
    return scene.read(ATTRIBUTION, "slashedOf", account.address)


def test_a_wrong_batch_query_loses_its_game(scene: BatchScene) -> None:
    post_id, posted = scene.posted(off_by=-7, coordinate=2)
    game_id = scene.dispute(post_id, posted, 2)
    assert scene.game(game_id)[8] == ANSWER
    scene.answer_and_choose(game_id)
    assert scene.game(game_id)[8] == PROOF
    before = scene.machine.balance(scene.validator.address)
    scene.prove_game(game_id)
    slash = scene.policy.slash_amount_wei
    assert scene.status(post_id) == VOID
    assert slashed(scene, scene.provider) == slash
    assert scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) == slash * 3 // 10
    assert scene.machine.balance(scene.validator.address) == before + scene.policy.challenge_bond_wei
    assert scene.read(ATTRIBUTION, "postOfSettlement", scene.settlement_id) == 0
    assert scene.read(ATTRIBUTION, "openLiabilityOf", scene.provider.address) == 0


def test_the_last_receipt_not_shown_loses(scene: BatchScene) -> None:
    post_id, posted = scene.posted()
    game_id = scene.dispute(post_id, posted, 1)
    scene.answer_and_choose(game_id)
    scene.wait(BATCH_POLICY.demand_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "endSumGame", game_id)
    assert scene.status(post_id) == VOID
    assert slashed(scene, scene.provider) == scene.policy.slash_amount_wei


def test_the_last_receipt_shown_in_time_saves_the_post(scene: BatchScene) -> None:
    post_id, posted = scene.posted()
    game_id = scene.dispute(post_id, posted, 1)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "finalize", post_id)
    assert refused == interface.WINDOW_OPEN(scene.fields(ATTRIBUTION, "getPost", post_id)[8]).data
    scene.answer_and_choose(game_id)
    before = scene.machine.balance(scene.provider.address)
    scene.prove_game(game_id)
    assert scene.machine.balance(scene.provider.address) == before + scene.policy.challenge_bond_wei
    scene.wait(BATCH_POLICY.post_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)


def test_an_open_game_stops_finalize(scene: BatchScene) -> None:
    post_id, posted = scene.posted()
    scene.wait(BATCH_POLICY.post_window_s)
    scene.dispute(post_id, posted, 1)
    scene.wait(1)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "finalize", post_id)
    assert refused == interface.PENDING_CHALLENGE(post_id).data


def test_what_a_query_game_refuses(scene: BatchScene) -> None:
    post_id, posted = scene.posted()
    game_id = scene.dispute(post_id, posted, 1)
    scene.answer_and_choose(game_id)
    first = scene.game(game_id)[4]
    leaf, chunk = scene.batch.query(first), scene.batch.query_chunk(first, 1)
    other = scene.batch.query((first + 1) % 3)
    name = "proveQueryGame"
    refused = scene.refuse(scene.owner, ATTRIBUTION, name, game_id, other, chunk)
    assert refused == INVALID_ARGUMENT(b"number").data
    refused = scene.refuse(scene.owner, ATTRIBUTION, name, game_id, replace(leaf, weight=1), chunk)
    assert refused == interface.INVALID_PROOF(b"query").data
    bad_chunk = replace(chunk, chunk=b"\1" * len(chunk.chunk))
    refused = scene.refuse(scene.owner, ATTRIBUTION, name, game_id, leaf, bad_chunk)
    assert refused == interface.INVALID_PROOF(b"chunk").data


@pytest.mark.parametrize(
    "changes",
    [{"fee_wei": 5 * UNIT}, {"amount_wei": UNIT}, {"tokens_in": 2_999}, {"tokens_out": 2**32 + 1}],
)
def test_a_wrong_receipt_convicts_the_provider(scene: BatchScene, changes: dict[str, int]) -> None:
    scene.lie(1, **changes)
    post_id, posted = scene.posted()
    scene.commit(post_id)
    pool = scene.pool_of(scene.settlement_id)
    arguments = (post_id, HASH, posted.claims, 0, scene.batch.receipt(1))
    scene.do(scene.validator, ATTRIBUTION, "challengeReceipt", *arguments)
    assert scene.status(post_id) == VOID
    assert slashed(scene, scene.provider) == scene.policy.slash_amount_wei
    assert scene.read(ATTRIBUTION, "postOfSettlement", scene.settlement_id) == VOID_SETTLEMENT
    assert scene.read(ATTRIBUTION, "carryOf", scene.model_id) == pool
    again = scene.refuse(scene.provider, ATTRIBUTION, "post", *scene.post_arguments(posted))
    assert again == interface.ALREADY_ATTRIBUTED(scene.settlement_id).data


def test_a_post_of_somebody_else_is_void_without_blame(scene: BatchScene) -> None:
    scene.lie(0, amount_wei=1)
    scene.settle_batch()
    scene.wait(BATCH_POLICY.post_delay_s)
    posted = scene.prepare_post([scene.settlement_id], scene.validator)
    post_id = scene.send_post(posted)
    scene.commit(post_id, scene.stranger)
    arguments = (post_id, HASH, posted.claims, 0, scene.batch.receipt(0))
    scene.do(scene.stranger, ATTRIBUTION, "challengeReceipt", *arguments)
    assert slashed(scene, scene.validator) == 0
    assert slashed(scene, scene.provider) == scene.policy.slash_amount_wei
    assert scene.read(ATTRIBUTION, "openLiabilityOf", scene.validator.address) == 0


def test_right_receipts_weights_and_queries_stand(scene: BatchScene) -> None:
    post_id, posted = scene.posted()
    scene.commit(post_id)
    head = (post_id, HASH, posted.claims, 0)
    receipt, leaf = scene.batch.receipt(2), scene.batch.query(2)
    failed = interface.CHALLENGE_FAILED(receipt.fee_wei, receipt.fee_wei).data
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeReceipt", *head, receipt) == failed
    failed = interface.CHALLENGE_FAILED(leaf.weight, leaf.weight).data
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeWeight", *head, leaf, receipt) == failed
    norm = sum(value * value for value in QUERIES[2])
    failed = interface.CHALLENGE_FAILED(2**29, norm).data
    query = scene.batch.packed_query(2)
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeQuery", *head, leaf, query) == failed
    forged = replace(receipt, fee_wei=1)
    failed = interface.INVALID_PROOF(b"receipt").data
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeReceipt", *head, forged) == failed
    failed = INVALID_ARGUMENT(b"number").data
    elsewhere = replace(receipt, number=3)
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeReceipt", *head, elsewhere) == failed
    other = scene.batch.receipt(1)
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeWeight", *head, leaf, other) == failed


def test_a_wrong_weight_convicts_the_provider(scene: BatchScene) -> None:
    scene.lie(2, weight=scene.batch.receipts[2].weight + 1)
    post_id, posted = scene.posted()
    scene.commit(post_id)
    evidence = (scene.batch.query(2), scene.batch.receipt(2))
    scene.do(scene.validator, ATTRIBUTION, "challengeWeight", post_id, HASH, posted.claims, 0, *evidence)
    assert scene.status(post_id) == VOID


def test_a_query_that_is_too_long_convicts_the_provider(scene: BatchScene) -> None:
    scene.lie(1, query=(2**14, 2**14, 1, 0))
    post_id, posted = scene.posted()
    scene.commit(post_id)
    evidence = (scene.batch.query(1), scene.batch.packed_query(1))
    scene.do(scene.validator, ATTRIBUTION, "challengeQuery", post_id, HASH, posted.claims, 0, *evidence)
    assert scene.status(post_id) == VOID
    assert scene.read(ATTRIBUTION, "postOfSettlement", scene.settlement_id) == VOID_SETTLEMENT


def test_a_later_settlement_of_the_channel_has_its_own_queries() -> None:
    scene = BatchScene(NativeMachine)
    scene.settle_batch()
    more = tuple(scene.honest(query) for query in QUERIES[:2])
    scene.batch = replace(scene.batch, receipts=(*scene.batch.receipts, *more), first=3)
    scene.settle_batch()
    scene.query = [scene.batch.part(k, 0, 2) for k in range(4)]
    posted = scene.prepare_post([scene.settlement_id])
    post_id = scene.send_post(posted)
    game_id = scene.dispute(post_id, posted, 0)
    scene.answer_and_choose(game_id)
    leaf = scene.batch.query(3 + scene.game(game_id)[4])
    scene.do(
        scene.owner, ATTRIBUTION, "proveQueryGame", game_id, leaf, scene.batch.query_chunk(leaf.number, 0)
    )
    assert scene.status(post_id) == 1
