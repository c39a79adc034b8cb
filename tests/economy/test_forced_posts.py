"""Challenges of a post and their answers, each sent once by a forced deposit: the L2 must do what they say.

Windows are longer than a call's two seconds; what depends on the second is in `tests.precompiles`.
"""

from dataclasses import replace
from typing import Any

from genesis.addresses import ATTRIBUTION, STAKING
from genesis.commitments import BATCH_QUERY_BYTES, LEAF, unpack_vector
from genesis.spec import OPEN_UNIT
from precompiles.views.disputes import DemandPath
from tests.economy.forced import sends
from tests.precompiles import test_attribution_claims as claims
from tests.precompiles.batch_scene import BatchScene
from tests.precompiles.calls import Account
from tests.precompiles.evidence import Posted
from tests.precompiles.scene import HASH, SCENE_POLICY, Scene
from tests.precompiles.test_attribution_challenges import change, dishonest, status
from tests.precompiles.test_attribution_demands import QUERY, RECEIPTS
from tests.precompiles.test_attribution_tallies import tally, wide_scene, wide_sum
from tests.precompiles.world import MachineType

PENDING, FINAL, VOID = 1, 2, 3
VOID_SETTLEMENT = 2**256 - 1


def settled(machine_type: MachineType) -> Scene:
    """One settlement of three receipts."""
    scene = Scene(machine_type=machine_type)
    scene.settlement_id = scene.settle(scene.channel())
    return scene


def convict(scene: Scene, post_id: int, name: str, *arguments: Any) -> None:
    """The validator's challenge voids the post and costs the provider its slash."""
    scene.commit(post_id)
    scene.do(scene.validator, ATTRIBUTION, name, *arguments)
    assert status(scene, post_id) == VOID
    slash_wei = scene.policy.slash_amount_wei
    assert scene.read(ATTRIBUTION, "slashedOf", scene.provider.address) == slash_wei
    assert 0 < scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) <= slash_wei * 3 // 10


@sends("post", "commitChallenge", "challengeScore", "withdrawBond", "Staking.claimSlashReward")
def test_a_wrong_score(machine_type: MachineType) -> None:
    scene = settled(machine_type)
    post_id, posted = dishonest(scene)
    before_wei = scene.machine.balance(scene.validator.address)
    convict(scene, post_id, "challengeScore", *scene.score_challenge(post_id, posted, 0))
    scene.wait(scene.policy.challenge_reveal_s + 1)
    scene.do(scene.validator, ATTRIBUTION, "withdrawBond", post_id)
    assert scene.machine.balance(scene.validator.address) == before_wei
    reward_wei = scene.read(ATTRIBUTION, "rewardOf", scene.validator.address)
    scene.do(scene.validator, STAKING, "claimSlashReward", scene.validator.address)
    assert scene.machine.balance(scene.validator.address) == before_wei + reward_wei


@sends("challengeDebt")
def test_a_wrong_debt(machine_type: MachineType) -> None:
    scene = settled(machine_type)
    posted = scene.prepare_post([scene.settlement_id])
    key, amount = posted.debts[0].leaves[1]
    change(posted.debts[0], 1, key, amount + 1)
    scene.reclaim(posted)
    post_id = scene.send_post(posted)
    convict(scene, post_id, "challengeDebt", *scene.product_challenge(post_id, posted, 1, posted.debts[0]))


@sends("challengeAmount")
def test_a_wrong_amount(machine_type: MachineType) -> None:
    scene = settled(machine_type)
    posted = scene.prepare_post([scene.settlement_id])
    key, amount = posted.amounts.leaves[1]
    change(posted.amounts, 1, key, amount - 1)
    post_id = scene.send_post(posted)
    convict(scene, post_id, "challengeAmount", *scene.amount_challenge(post_id, posted, 1))


@sends("challengeNode")
def test_a_node_that_does_not_sum(machine_type: MachineType) -> None:
    scene = settled(machine_type)
    posted = scene.prepare_post([scene.settlement_id])
    posted.amounts.forged[1, 0] = 1
    post_id = scene.send_post(posted)
    convict(scene, post_id, "challengeNode", post_id, HASH, posted.claims, posted.amounts.inner(0, 1, 0))


@sends("tallyProducts", "challengeWideScore")
def test_a_wrong_score_of_a_wide_model(machine_type: MachineType) -> None:
    scene = wide_scene(machine_type)
    scene.settle_batch()
    scene.query = unpack_vector(scene.batch.batch_query(scene.index.dimensions), BATCH_QUERY_BYTES)
    posted = scene.prepare_post([scene.settlement_id])
    place = next(i for i, (_, amount) in enumerate(posted.scores[0].leaves) if amount > 0)
    key, amount = posted.scores[0].leaves[place]
    change(posted.scores[0], place, key, amount + 1)
    scene.reclaim(posted)
    post_id = scene.send_post(posted)
    tally(scene, scene.index.vectors[place], posted.queries[0])
    leaf = posted.scores[0].opened(place)
    named = (place, scene.contributors[place], wide_sum(scene, place), leaf, False)
    convict(scene, post_id, "challengeWideScore", post_id, HASH, posted.claims, 0, *named)


# --- What the provider committed --------------------------------------------------------------------------


@sends("challengeReceipt")
def test_a_wrong_receipt(machine_type: MachineType) -> None:
    scene = BatchScene(machine_type)
    scene.lie(1, fee_wei=5 * OPEN_UNIT)
    post_id, posted = scene.posted()
    evidence = scene.batch.receipt(1)
    convict(scene, post_id, "challengeReceipt", post_id, HASH, posted.claims, 0, evidence)
    assert scene.read(ATTRIBUTION, "postOfSettlement", scene.settlement_id) == VOID_SETTLEMENT


@sends("challengeWeight")
def test_a_wrong_weight(machine_type: MachineType) -> None:
    scene = BatchScene(machine_type)
    scene.lie(2, weight=scene.batch.receipts[2].weight + 1)
    post_id, posted = scene.posted()
    evidence = (scene.batch.query(2), scene.batch.receipt(2))
    convict(scene, post_id, "challengeWeight", post_id, HASH, posted.claims, 0, *evidence)
    assert scene.read(ATTRIBUTION, "postOfSettlement", scene.settlement_id) == VOID_SETTLEMENT


@sends("challengeQuery")
def test_a_query_that_is_too_long(machine_type: MachineType) -> None:
    scene = BatchScene(machine_type)
    scene.lie(1, query=(2**14, 2**14, 1, 0))
    post_id, posted = scene.posted()
    evidence = (scene.batch.query(1), scene.batch.packed_query(1))
    convict(scene, post_id, "challengeQuery", post_id, HASH, posted.claims, 0, *evidence)


# --- The batch query --------------------------------------------------------------------------------------


@sends("openQueryGame", "answerSumGame", "chooseSumGame", "proveQueryGame")
def test_a_wrong_batch_query(machine_type: MachineType) -> None:
    scene = BatchScene(machine_type)
    post_id, posted = scene.posted(off_by=-7, coordinate=2)
    game_id = scene.dispute(post_id, posted, 2)
    scene.answer_and_choose(game_id)
    before_wei = scene.machine.balance(scene.validator.address)
    scene.prove_game(game_id)
    assert status(scene, post_id) == VOID
    assert scene.machine.balance(scene.validator.address) == before_wei + scene.policy.challenge_bond_wei


@sends("endSumGame")
def test_a_last_receipt_that_nobody_shows(machine_type: MachineType) -> None:
    scene = BatchScene(machine_type)
    post_id, posted = scene.posted()
    game_id = scene.dispute(post_id, posted, 1)
    scene.answer_and_choose(game_id)
    scene.wait(scene.policy.demand_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "endSumGame", game_id)
    assert status(scene, post_id) == VOID
    assert scene.read(ATTRIBUTION, "slashedOf", scene.provider.address) == scene.policy.slash_amount_wei


# --- Demands ----------------------------------------------------------------------------------------------


@sends("demandOfPost", "answerDemand", "finalize")
def test_a_demand_is_answered_and_the_post_stands(machine_type: MachineType) -> None:
    scene = BatchScene(machine_type)
    post_id, posted = scene.posted()
    demand_id = scene.demand(post_id, posted, DemandPath(QUERY, 0, 0, ()))
    before_wei = scene.machine.balance(scene.stranger.address)
    scene.do(scene.stranger, ATTRIBUTION, "answerDemand", demand_id, LEAF + posted.queries[0])
    assert scene.machine.balance(scene.stranger.address) == before_wei + scene.policy.demand_fee_wei
    scene.wait(scene.policy.post_window_s + scene.policy.challenge_reveal_s)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)
    assert status(scene, post_id) == FINAL


@sends("expireDemand")
def test_a_demand_is_not_answered_and_the_post_falls(machine_type: MachineType) -> None:
    scene = BatchScene(machine_type)
    post_id, posted = scene.posted()
    demand_id = scene.demand(post_id, posted, DemandPath(RECEIPTS, 0, 0, ()))
    scene.wait(scene.policy.demand_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "expireDemand", demand_id)
    assert status(scene, post_id) == VOID
    assert scene.read(ATTRIBUTION, "postOfSettlement", scene.settlement_id) == VOID_SETTLEMENT


# --- Claims -----------------------------------------------------------------------------------------------


def finalized(machine_type: MachineType, minimum_claim_wei: int = 0) -> tuple[Scene, int, Posted]:
    scene = Scene(replace(SCENE_POLICY, minimum_claim_wei=minimum_claim_wei), machine_type)
    scene.settlement_id = scene.settle(scene.channel())
    return scene, *claims.finalized(scene)


@sends("claim", "withdrawDust")
def test_a_claim_and_dust(machine_type: MachineType) -> None:
    scene, post_id, posted = finalized(machine_type, 10 * OPEN_UNIT)
    contributor, amount = posted.index.contributors[0], posted.amounts.leaves[0][1]
    scene.do(scene.stranger, ATTRIBUTION, "claim", *scene.claim_arguments(post_id, posted, 0))
    assert scene.read(ATTRIBUTION, "dustOf", contributor) == amount > 0
    scene.do(contributor, ATTRIBUTION, "withdrawDust", claims.ELSEWHERE)
    assert scene.machine.balance(claims.ELSEWHERE) == amount


@sends("claimFor")
def test_a_claim_by_signature(machine_type: MachineType) -> None:
    scene, post_id, posted = finalized(machine_type)
    order, amount, proof = claims.order_of(scene, post_id, posted)
    order = replace(order, deadline_s=order.deadline_s + 100)
    signature = claims.sign(order, Account(21))
    scene.do(scene.stranger, ATTRIBUTION, "claimFor", order, amount, *proof, signature)
    assert scene.machine.balance(claims.ELSEWHERE) == amount > 0
