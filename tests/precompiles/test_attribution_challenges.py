"""Challenges: every kind of wrong leaf is caught, no right one is, and money goes where the rules say."""

from dataclasses import replace
from random import Random

import pytest

from genesis.addresses import ATTRIBUTION, STAKING, TREASURY
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    EMPTY_SUM_NODE,
    SumNode,
    address_word,
    pack_vector,
    sum_leaf,
    word,
)
from genesis.keccak import keccak256
from genesis.types import Hash32
from precompiles import attribution_interface as interface
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.calls import Account, event
from tests.precompiles.evidence import Posted, Tree, batch_claim, spoil
from tests.precompiles.scene import HASH, SCENE_POLICY, Scene
from tests.precompiles.world import NativeMachine, TwinMachine

VOID = 3


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> Scene:
    scene = Scene(machine_type=request.param)
    scene.settlement_id = scene.settle(scene.channel())
    return scene


def change(tree: Tree, position: int, key: Hash32, amount: int) -> None:
    """Post another leaf than the right one."""
    tree.leaves[position] = (key, amount)
    tree.nodes[position] = sum_leaf(tree.id, position, key, amount)


def status(scene: Scene, post_id: int) -> int:
    return scene.fields(ATTRIBUTION, "getPost", post_id)[9]


def dishonest(scene: Scene, position: int = 0, by: int = 1) -> tuple[int, Posted]:
    """A post with one score off by a little, everything else consistent with it."""
    posted = scene.prepare_post([scene.settlement_id])
    key, amount = posted.scores[0].leaves[position]
    change(posted.scores[0], position, key, amount + by)
    scene.reclaim(posted)
    return scene.send_post(posted), posted


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("bare", [False, True])
def test_right_scores_and_amounts_stand(scene: Scene, position: int, bare: bool) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    score = posted.scores[0].leaves[position][1]
    amount = posted.amounts.leaves[position][1]
    failed = interface.CHALLENGE_FAILED(score, score).data
    arguments = scene.score_challenge(post_id, posted, position, bare=bare)
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeScore", *arguments) == failed
    failed = interface.CHALLENGE_FAILED(amount, amount).data
    arguments = scene.amount_challenge(post_id, posted, position, bare=bare)
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeAmount", *arguments) == failed


def test_the_scene_pays_some_and_not_others(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    scores = [amount for _, amount in posted.scores[0].leaves]
    assert scores[0] > 0
    assert scores[1] > 0
    assert scores[2] == 0
    assert 0 < posted.amounts.root.sum <= scene.pool_of(scene.settlement_id)


@pytest.mark.parametrize("by", [1, -1, 10**9])
@pytest.mark.parametrize("bare", [False, True])
def test_a_wrong_score_voids_the_post(scene: Scene, by: int, bare: bool) -> None:
    post_id, posted = dishonest(scene, by=by)
    scene.commit(post_id)
    arguments = scene.score_challenge(post_id, posted, 0, bare=bare)
    outcome = scene.do(scene.validator, ATTRIBUTION, "challengeScore", *arguments)
    assert status(scene, post_id) == VOID
    slash = scene.policy.slash_amount_wei
    reward = slash * 75_000 // 1_000_000
    assert outcome.logs[0][1][0] == event(ATTRIBUTION, "PostVoided").topic
    assert scene.read(ATTRIBUTION, "slashedOf", scene.provider.address) == slash
    assert scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) == reward
    assert scene.read(ATTRIBUTION, "rewardOf", TREASURY) == slash - reward
    assert scene.read(ATTRIBUTION, "openLiabilityOf", scene.provider.address) == 0
    assert scene.read(ATTRIBUTION, "postOfSettlement", scene.settlement_id) == 0


def test_a_correct_post_follows_a_void_one(scene: Scene) -> None:
    post_id, posted = dishonest(scene)
    scene.commit(post_id)
    scene.do(scene.validator, ATTRIBUTION, "challengeScore", *scene.score_challenge(post_id, posted, 0))
    scene.stake(scene.provider)
    again = scene.send_post(scene.prepare_post([scene.settlement_id]))
    scene.wait(scene.policy.post_window_s + scene.policy.challenge_reveal_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", again)
    wrong = interface.WRONG_STATUS(VOID).data
    assert scene.refuse(scene.stranger, ATTRIBUTION, "finalize", post_id) == wrong
    arguments = scene.claim_arguments(post_id, posted, 0)
    assert scene.refuse(scene.stranger, ATTRIBUTION, "claim", *arguments) == wrong


def test_a_wrong_key_is_a_wrong_score(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    change(posted.scores[0], 0, Hash32(address_word(scene.provider.address)), posted.scores[0].leaves[0][1])
    scene.reclaim(posted)
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    scene.do(scene.validator, ATTRIBUTION, "challengeScore", *scene.score_challenge(post_id, posted, 0))
    assert status(scene, post_id) == VOID


@pytest.mark.parametrize(
    "node",
    [EMPTY_SUM_NODE, SumNode(Hash32(b"\x77" * 32), 0), SumNode(Hash32(word(5)), 12), SumNode(HASH, 2**150)],
)
@pytest.mark.parametrize("which", ["score", "amount"])
def test_a_hidden_or_absent_leaf_is_caught_bare(scene: Scene, node: SumNode, which: str) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    if which == "score":
        posted.scores[0].nodes[0] = node
        posted.claims = (batch_claim(scene.settlement_id, posted.queries[0], posted.scores[0]),)
        scene_amounts = posted.amounts
        assert scene_amounts.root.sum <= scene.pool_of(scene.settlement_id)
    else:
        node = SumNode(node.hash, min(node.sum, 12))
        posted.amounts.nodes[0] = node
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    if which == "score":
        arguments = scene.score_challenge(post_id, posted, 0, bare=True)
        scene.do(scene.validator, ATTRIBUTION, "challengeScore", *arguments)
    else:
        arguments = scene.amount_challenge(post_id, posted, 0, bare=True)
        scene.do(scene.validator, ATTRIBUTION, "challengeAmount", *arguments)
    assert status(scene, post_id) == VOID


def test_anything_beyond_the_last_contributor_is_caught(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    key = Hash32(address_word(scene.provider.address))
    posted.amounts.leaves.append((key, 1))
    posted.amounts.nodes.append(sum_leaf(posted.amounts.id, 3, key, 1))
    for i, (leaf_key, amount) in enumerate(posted.amounts.leaves[:2]):
        change(posted.amounts, i, leaf_key, amount - 1)
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    scene.do(scene.validator, ATTRIBUTION, "challengeAmount", *scene.amount_challenge(post_id, posted, 3))
    assert status(scene, post_id) == VOID


def test_an_empty_padding_leaf_stands(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    failed = interface.CHALLENGE_FAILED(0, 0).data
    arguments = scene.amount_challenge(post_id, posted, 3, bare=True)
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeAmount", *arguments) == failed
    arguments = scene.score_challenge(post_id, posted, 3, bare=True)
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeScore", *arguments) == failed


def test_a_wrong_amount_voids_the_post(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    key, amount = posted.amounts.leaves[1]
    change(posted.amounts, 1, key, amount - 1)
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    scene.do(scene.validator, ATTRIBUTION, "challengeAmount", *scene.amount_challenge(post_id, posted, 1))
    assert status(scene, post_id) == VOID


def test_a_query_beyond_its_width_is_the_posters_fault(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    query = pack_vector((2**100, 0, 0, 0), BATCH_QUERY_BYTES)
    posted.queries = (query,)
    posted.claims = (batch_claim(scene.settlement_id, query, posted.scores[0]),)
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    scene.do(scene.validator, ATTRIBUTION, "challengeScore", *scene.score_challenge(post_id, posted, 0))
    assert status(scene, post_id) == VOID


@pytest.mark.parametrize("field", ["vector", "proof", "records", "norm_squared"])
def test_a_forged_sum_proves_nothing(scene: Scene, field: str) -> None:
    post_id, posted = dishonest(scene)
    scene.commit(post_id)
    arguments = list(scene.score_challenge(post_id, posted, 0))
    evidence = arguments[6]
    forged = {
        "vector": evidence.vector[8:] + evidence.vector[:8],
        "proof": evidence.proof[:-1],
        "records": evidence.records + 1,
        "norm_squared": 0,
    }
    arguments[6] = type(evidence)(
        *(forged[name] if name == field else getattr(evidence, name) for name in evidence.__slots__)
    )
    invalid = interface.INVALID_PROOF(b"sum").data
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeScore", *arguments) == invalid


def test_forged_evidence_proves_nothing(scene: Scene) -> None:
    post_id, posted = dishonest(scene)
    scene.commit(post_id)
    good = list(scene.score_challenge(post_id, posted, 0))

    def refused(position: int, value: object) -> bytes:
        changed = [value if i == position else each for i, each in enumerate(good)]
        return scene.refuse(scene.validator, ATTRIBUTION, "challengeScore", *changed)

    other_query = pack_vector((1, 2, 3, 4), BATCH_QUERY_BYTES)
    assert refused(7, other_query) == interface.INVALID_PROOF(b"query").data
    assert refused(7, other_query[:-1]) == INVALID_ARGUMENT(b"query").data
    assert refused(8, spoil(good[8], 7)) == interface.INVALID_PROOF(b"score").data
    assert refused(5, scene.contributors[1]) == interface.INVALID_PROOF(b"sum").data
    assert refused(3, 1) == INVALID_ARGUMENT(b"batch").data
    assert refused(4, 4) == INVALID_ARGUMENT(b"contributorIndex").data
    forged = (batch_claim(scene.settlement_id, other_query, posted.scores[0]),)
    assert refused(2, forged) == interface.INVALID_PROOF(b"batches").data


def test_a_challenge_needs_its_own_commitment(scene: Scene) -> None:
    post_id, posted = dishonest(scene)
    arguments = scene.score_challenge(post_id, posted, 0)
    missing = interface.COMMITMENT_NOT_FOUND().data
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeScore", *arguments) == missing
    scene.commit(post_id)
    assert scene.refuse(scene.stranger, ATTRIBUTION, "challengeScore", *arguments) == missing
    scene.do(scene.validator, ATTRIBUTION, "challengeScore", *arguments)
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeScore", *arguments) == missing


def test_a_copied_challenge_loses_its_place_to_the_earlier_commitment(scene: Scene) -> None:
    post_id, posted = dishonest(scene)
    scene.commit(post_id, scene.validator)
    scene.commit(post_id, scene.stranger)
    arguments = scene.score_challenge(post_id, posted, 0)
    scene.do(scene.stranger, ATTRIBUTION, "challengeScore", *arguments)
    assert scene.read(ATTRIBUTION, "rewardOf", scene.stranger.address) == 0
    scene.do(scene.validator, ATTRIBUTION, "challengeScore", *arguments)
    reward = scene.policy.slash_amount_wei * 3 // 40
    assert scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) == reward
    assert scene.read(ATTRIBUTION, "slashedOf", scene.provider.address) == scene.policy.slash_amount_wei
    scene.wait(scene.policy.challenge_reveal_s + 1)
    for challenger in (scene.stranger, scene.validator):
        scene.do(challenger, ATTRIBUTION, "withdrawBond", post_id)
    assert scene.read(ATTRIBUTION, "rewardOf", scene.stranger.address) == 0


def test_the_reward_falls_to_the_only_one_who_proved(scene: Scene) -> None:
    post_id, posted = dishonest(scene)
    scene.commit(post_id, scene.validator)
    scene.commit(post_id, scene.stranger)
    scene.do(scene.stranger, ATTRIBUTION, "challengeScore", *scene.score_challenge(post_id, posted, 0))
    until = scene.machine.moment.timestamp_s + scene.policy.challenge_reveal_s
    open_ = interface.WINDOW_OPEN(until).data
    assert scene.refuse(scene.stranger, ATTRIBUTION, "withdrawBond", post_id) == open_
    scene.wait(scene.policy.challenge_reveal_s + 1)
    missing = interface.COMMITMENT_NOT_FOUND().data
    assert scene.refuse(scene.validator, ATTRIBUTION, "withdrawBond", post_id) == missing
    scene.do(scene.stranger, ATTRIBUTION, "withdrawBond", post_id)
    assert scene.refuse(scene.stranger, ATTRIBUTION, "withdrawBond", post_id) == missing
    reward = scene.policy.slash_amount_wei * 3 // 40
    assert scene.read(ATTRIBUTION, "rewardOf", scene.stranger.address) == reward
    assert scene.read(ATTRIBUTION, "carryOf", scene.model_id) == scene.policy.challenge_bond_wei
    before = scene.machine.balance(scene.stranger.address)
    scene.do(scene.stranger, STAKING, "claimSlashReward", scene.stranger.address)
    assert scene.machine.balance(scene.stranger.address) == before + reward


def test_an_unproved_commitment_delays_and_pays_the_next_pool(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    post_id = scene.send_post(posted)
    scene.wait(scene.policy.post_window_s)
    scene.commit(post_id)
    scene.wait(1)
    pending = interface.PENDING_CHALLENGE(post_id).data
    assert scene.refuse(scene.stranger, ATTRIBUTION, "finalize", post_id) == pending
    scene.wait(scene.policy.challenge_reveal_s)
    closed = interface.WINDOW_CLOSED(scene.machine.moment.timestamp_s - 1).data
    arguments = scene.score_challenge(post_id, posted, 0)
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeScore", *arguments) == closed
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)
    left_over = scene.pool_of(scene.settlement_id) - posted.amounts.root.sum
    carry = scene.read(ATTRIBUTION, "carryOf", scene.model_id)
    assert carry == left_over + scene.policy.challenge_bond_wei
    missing = interface.COMMITMENT_NOT_FOUND().data
    assert scene.refuse(scene.validator, ATTRIBUTION, "withdrawBond", post_id) == missing


def test_commitments_have_rules(scene: Scene) -> None:
    post_id, _ = dishonest(scene)
    bond = scene.policy.challenge_bond_wei

    def refused(challenger: Account, value_wei: int, commitment: Hash32 = HASH) -> bytes:
        arguments = (post_id, commitment)
        return scene.refuse(challenger, ATTRIBUTION, "commitChallenge", *arguments, value_wei=value_wei)

    assert refused(scene.validator, bond - 1) == interface.WRONG_BOND(bond, bond - 1).data
    assert refused(scene.validator, bond, Hash32(bytes(32))) == INVALID_ARGUMENT(b"commitment").data
    scene.commit(post_id)
    assert refused(scene.validator, bond) == INVALID_ARGUMENT(b"challenger").data
    until = scene.machine.moment.timestamp_s + scene.policy.post_window_s
    scene.wait(scene.policy.post_window_s + 1)
    assert refused(scene.stranger, bond) == interface.WINDOW_CLOSED(until).data


def test_unbonding_stake_is_slashed_too(scene: Scene) -> None:
    post_id, posted = dishonest(scene)
    stake = scene.read(STAKING, "stakeOf", scene.provider.address, 2)
    scene.do(scene.provider, STAKING, "requestUnstake", 2, stake)
    scene.wait(scene.policy.post_window_s)
    scene.commit(post_id)
    scene.do(scene.validator, ATTRIBUTION, "challengeScore", *scene.score_challenge(post_id, posted, 0))
    position = scene.fields(STAKING, "position", scene.provider.address, 2)
    slash = scene.policy.slash_amount_wei
    assert position[0] == 0
    assert position[1] == stake - slash
    assert position[3] == slash


def test_the_salt_and_the_challenger_are_in_the_commitment(scene: Scene) -> None:
    post_id, posted = dishonest(scene)
    other = keccak256(b"other")
    scene.commit(post_id, scene.validator, salt=Hash32(other))
    arguments = scene.score_challenge(post_id, posted, 0)
    missing = interface.COMMITMENT_NOT_FOUND().data
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeScore", *arguments) == missing


@pytest.mark.parametrize("machine_type", [NativeMachine, TwinMachine])
@pytest.mark.parametrize("dimensions", [1_024, 1_025, 2_049])
def test_long_vectors_have_many_chunks(
    machine_type: type[NativeMachine | TwinMachine], dimensions: int
) -> None:
    scene = Scene(machine_type=machine_type)
    random = Random(dimensions)
    scene.query = [random.randint(-(2**66), 2**66) for _ in range(dimensions)]
    scene.vectors = [[random.randint(-(2**38), 2**38) for _ in range(dimensions)] for _ in range(3)]
    scene.settlement_id = scene.settle(scene.channel())
    posted = scene.prepare_post([scene.settlement_id])
    position = next((i for i, (_, score) in enumerate(posted.scores[0].leaves) if score), 0)
    right = posted.scores[0].leaves[position][1]
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    arguments = scene.score_challenge(post_id, posted, position)
    failed = interface.CHALLENGE_FAILED(right, right).data
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeScore", *arguments) == failed


@pytest.mark.parametrize("machine_type", [NativeMachine, TwinMachine])
@pytest.mark.parametrize(
    ("norm_squared", "significance_ppm", "score"),
    [(2**93, 8_000_000, 2**121), (2**93, 8_000_001, 0), (2**93 + 1, 0, 0), (2**93 - 1, 8_000_000, 2**121)],
)
def test_the_largest_numbers_compare_exactly(
    machine_type: type[NativeMachine | TwinMachine], norm_squared: int, significance_ppm: int, score: int
) -> None:
    """Significance compares products of up to 274 bits."""
    scene = Scene(replace(SCENE_POLICY, significance_ppm=significance_ppm), machine_type)
    scene.vectors = [[2**46] * 4] * 3
    scene.query = [2**73] * 4
    scene.norm_squared = norm_squared
    scene.settlement_id = scene.settle(scene.channel())
    posted = scene.prepare_post([scene.settlement_id])
    assert posted.scores[0].leaves[0][1] == score
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    arguments = scene.score_challenge(post_id, posted, 0)
    failed = interface.CHALLENGE_FAILED(score, score).data
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeScore", *arguments) == failed


@pytest.mark.parametrize("position", [0, 1, 2])
def test_right_debts_stand_and_wrong_ones_do_not(scene: Scene, position: int) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    right = posted.debts[0].leaves[position][1]
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    arguments = scene.product_challenge(post_id, posted, position, posted.debts[0])
    failed = interface.CHALLENGE_FAILED(right, right).data
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeDebt", *arguments) == failed


def test_a_wrong_debt_voids_the_post(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    assert any(amount for _, amount in posted.debts[0].leaves)
    key, amount = posted.debts[0].leaves[1]
    change(posted.debts[0], 1, key, amount + 1)
    scene.reclaim(posted)
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    arguments = scene.product_challenge(post_id, posted, 1, posted.debts[0])
    scene.do(scene.validator, ATTRIBUTION, "challengeDebt", *arguments)
    assert status(scene, post_id) == VOID


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("place", [(2, 0), (1, 0), (1, 1)])
def test_a_node_that_does_not_sum_voids_the_post(scene: Scene, number: int, place: tuple[int, int]) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    tree = posted.trees[number]
    tree.forged[place] = 1
    if number:
        scene.reclaim(posted)
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    if place != (2, 0):
        right = scene.refuse(
            scene.validator,
            ATTRIBUTION,
            "challengeNode",
            post_id,
            HASH,
            posted.claims,
            tree.inner(number, 2, 0),
        )
        total = tree.root.sum
        assert right == interface.CHALLENGE_FAILED(total, total).data
    evidence = tree.inner(number, *place)
    forged = replace(evidence, left_sum=evidence.left_sum + 1)
    refused = scene.refuse(
        scene.validator, ATTRIBUTION, "challengeNode", post_id, HASH, posted.claims, forged
    )
    assert refused == interface.INVALID_PROOF(b"node").data
    scene.do(scene.validator, ATTRIBUTION, "challengeNode", post_id, HASH, posted.claims, evidence)
    assert status(scene, post_id) == VOID


def test_the_challengers_share_grows_with_the_time_of_its_commitment(scene: Scene) -> None:
    """A poster that is its own first challenger gets back a quarter of the share, and pays bonds for it."""
    for waited_s, parts in ((0, 8), (4, 20), (8, 32)):
        before = scene.read(ATTRIBUTION, "rewardOf", scene.validator.address)
        post_id, posted = dishonest(scene)
        scene.wait(waited_s)
        scene.commit(post_id)
        scene.do(scene.validator, ATTRIBUTION, "challengeScore", *scene.score_challenge(post_id, posted, 0))
        reward = scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) - before
        assert reward == scene.policy.slash_amount_wei * 3 * parts // 320


def test_an_earlier_commitment_takes_the_place_and_its_smaller_share(scene: Scene) -> None:
    post_id, posted = dishonest(scene)
    scene.commit(post_id, scene.stranger)
    scene.wait(1)
    scene.commit(post_id, scene.payer)
    scene.wait(3)
    scene.commit(post_id, scene.validator)
    arguments = scene.score_challenge(post_id, posted, 0)
    slash = scene.policy.slash_amount_wei
    for challenger, parts in ((scene.validator, 20), (scene.payer, 11), (scene.stranger, 8)):
        scene.do(challenger, ATTRIBUTION, "challengeScore", *arguments)
        assert scene.read(ATTRIBUTION, "rewardOf", TREASURY) == slash - slash * 3 * parts // 320
    scene.wait(scene.policy.challenge_reveal_s + 1)
    for challenger in (scene.validator, scene.payer, scene.stranger):
        scene.do(challenger, ATTRIBUTION, "withdrawBond", post_id)
    assert scene.read(ATTRIBUTION, "rewardOf", scene.stranger.address) == slash * 3 * 8 // 320
    assert scene.read(ATTRIBUTION, "rewardOf", scene.payer.address) == 0
    assert scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) == 0
