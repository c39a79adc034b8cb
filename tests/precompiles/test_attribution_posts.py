"""Posting, finalizing and claiming: who may, when, and that every unit is accounted for."""

from dataclasses import replace

import pytest

from genesis.addresses import ATTRIBUTION
from genesis.types import Address, Hash32
from precompiles import attribution_interface as interface
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.calls import UNIT
from tests.precompiles.evidence import Posted
from tests.precompiles.scene import FEES_WEI, Scene
from tests.precompiles.world import NativeMachine, TwinMachine


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> Scene:
    scene = Scene(machine_type=request.param)
    scene.channel_id = scene.channel()
    scene.settlement_id = scene.settle(scene.channel_id)
    return scene


def finalized(scene: Scene) -> tuple[int, Posted]:
    posted = scene.prepare_post([scene.settlement_id])
    post_id = scene.send_post(posted)
    scene.wait(scene.policy.post_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)
    return post_id, posted


def test_a_post_is_paid_after_its_window(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    post_id = scene.send_post(posted)
    until = scene.machine.moment.timestamp_s + scene.policy.post_window_s
    scene.wait(scene.policy.post_window_s)
    open_ = interface.WINDOW_OPEN(until).data
    assert scene.refuse(scene.stranger, ATTRIBUTION, "finalize", post_id) == open_
    scene.wait(1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)
    for position, contributor in enumerate(scene.contributors):
        before = scene.machine.balance(contributor)
        scene.do(scene.stranger, ATTRIBUTION, "claim", *scene.claim_arguments(post_id, posted, position))
        amount = posted.amounts.leaves[position][1]
        assert scene.machine.balance(contributor) == before + amount
        assert scene.read(ATTRIBUTION, "earningsOf", contributor) == amount
        assert scene.read(ATTRIBUTION, "isClaimed", post_id, position) == 1
    carry = scene.read(ATTRIBUTION, "carryOf", scene.model_id)
    fund_wei = scene.read(ATTRIBUTION, "auditFund")
    assert scene.machine.balance(ATTRIBUTION) == carry + fund_wei
    assert carry == scene.pool_of(scene.settlement_id) - posted.amounts.root.sum


def test_what_is_left_over_joins_the_next_pool(scene: Scene) -> None:
    finalized(scene)
    carry = scene.read(ATTRIBUTION, "carryOf", scene.model_id)
    assert carry > 0
    scene.settlement_id = scene.settle(scene.channel_id, (7 * UNIT, 5 * UNIT + 1, 3, UNIT))
    posted = scene.prepare_post([scene.settlement_id])
    changed = list(scene.post_arguments(posted))
    changed[2] = carry + 1
    refused = scene.refuse(scene.provider, ATTRIBUTION, "post", *changed)
    assert refused == interface.CARRY_CHANGED(carry + 1, carry).data
    post_id = scene.send_post(posted)
    assert scene.read(ATTRIBUTION, "carryOf", scene.model_id) == 0
    fields = scene.fields(ATTRIBUTION, "getPost", post_id)
    assert fields[6] == scene.pool_of(scene.settlement_id) + carry
    assert fields[7] == carry


def test_only_the_contributor_may_send_its_money_elsewhere(scene: Scene) -> None:
    post_id, posted = finalized(scene)
    elsewhere = Address(b"\x99" * 20)
    arguments = scene.claim_arguments(post_id, posted, 0, elsewhere)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "claim", *arguments)
    assert refused == INVALID_ARGUMENT(b"recipient").data
    scene.do(scene.contributors[0], ATTRIBUTION, "claim", *arguments)
    assert scene.machine.balance(elsewhere) == posted.amounts.leaves[0][1]
    claimed = interface.ALREADY_CLAIMED(post_id, 0).data
    assert scene.refuse(scene.contributors[0], ATTRIBUTION, "claim", *arguments) == claimed


@pytest.mark.parametrize("position", [1, 3, 4, 5])
def test_a_forged_claim_gets_nothing(scene: Scene, position: int) -> None:
    post_id, posted = finalized(scene)
    arguments = list(scene.claim_arguments(post_id, posted, 0))
    forged = {1: 1, 3: posted.amounts.leaves[0][1] + 1, 4: arguments[4][:-1], 5: (2**256 - 1,) * 2}
    arguments[position] = forged[position]
    invalid = interface.INVALID_PROOF(b"amount").data
    assert scene.refuse(scene.contributors[0], ATTRIBUTION, "claim", *arguments) == invalid


def test_padding_cannot_be_claimed(scene: Scene) -> None:
    post_id, posted = finalized(scene)
    arguments = list(scene.claim_arguments(post_id, posted, 0))
    arguments[1] = 3
    refused = scene.refuse(scene.contributors[0], ATTRIBUTION, "claim", *arguments)
    assert refused == INVALID_ARGUMENT(b"contributorIndex").data


def test_a_pending_post_pays_nothing(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    post_id = scene.send_post(posted)
    wrong = interface.WRONG_STATUS(1).data
    arguments = scene.claim_arguments(post_id, posted, 0)
    assert scene.refuse(scene.contributors[0], ATTRIBUTION, "claim", *arguments) == wrong
    assert scene.refuse(scene.validator, ATTRIBUTION, "withdrawBond", post_id) == wrong


def test_the_first_while_belongs_to_the_provider(scene: Scene) -> None:
    scene.stake(scene.stranger)
    posted = scene.prepare_post([scene.settlement_id], scene.stranger)
    earliest = scene.machine.moment.timestamp_s + scene.policy.post_delay_s
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "post", *scene.post_arguments(posted))
    assert refused == interface.NOT_DUE_YET(earliest).data
    scene.wait(scene.policy.post_delay_s)
    scene.send_post(posted)


def test_a_signer_needs_stake_for_its_open_pools(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id], scene.stranger)
    scene.wait(scene.policy.post_delay_s)
    arguments = scene.post_arguments(posted)
    not_staked = interface.SIGNER_NOT_STAKED(scene.stranger.address).data
    assert scene.refuse(scene.stranger, ATTRIBUTION, "post", *arguments) == not_staked
    policy = replace(scene.policy, minimum_provider_stake_wei=UNIT, slash_amount_wei=UNIT)
    scene = Scene(policy, scene.machine_type)
    settlement_id = scene.settle(scene.channel())
    pool = scene.pool_of(settlement_id)
    scene.stake(scene.stranger, 2 * pool - 1)
    scene.wait(scene.policy.post_delay_s)
    posted = scene.prepare_post([settlement_id], scene.stranger)
    arguments = scene.post_arguments(posted)
    above = interface.LIABILITY_ABOVE_STAKE(pool, pool - 1).data
    assert scene.refuse(scene.stranger, ATTRIBUTION, "post", *arguments) == above
    scene.stake(scene.stranger, 1)
    scene.do(scene.stranger, ATTRIBUTION, "post", *arguments)
    assert scene.read(ATTRIBUTION, "openLiabilityOf", scene.stranger.address) == pool


def test_recently_final_pools_count_against_a_signers_stake(scene: Scene) -> None:
    policy = replace(scene.policy, minimum_provider_stake_wei=UNIT, slash_amount_wei=UNIT)
    scene = Scene(policy, scene.machine_type)
    channel_id = scene.channel()
    first = scene.settle(channel_id)
    scene.stake(scene.stranger, 2 * scene.pool_of(first))
    scene.wait(scene.policy.post_delay_s)
    post_id = scene.send_post(scene.prepare_post([first], scene.stranger))
    scene.wait(scene.policy.post_window_s + 1)
    scene.do(scene.owner, ATTRIBUTION, "finalize", post_id)
    assert scene.read(ATTRIBUTION, "openLiabilityOf", scene.stranger.address) == 0
    second = scene.settle(channel_id, (*FEES_WEI, UNIT))
    scene.wait(scene.policy.post_delay_s)
    posted = scene.prepare_post([second], scene.stranger)
    pool = scene.pool_of(second) + posted.carry_in_wei
    limit = scene.pool_of(first)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "post", *scene.post_arguments(posted))
    assert refused == interface.LIABILITY_ABOVE_STAKE(limit + pool, limit).data
    scene.stake(scene.stranger, 2 * pool)
    scene.send_post(posted)


def test_a_settlement_is_attributed_once(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    scene.send_post(posted)
    refused = scene.refuse(scene.provider, ATTRIBUTION, "post", *scene.post_arguments(posted))
    assert refused == interface.ALREADY_ATTRIBUTED(scene.settlement_id).data


def test_a_post_covers_many_batches(scene: Scene) -> None:
    second = scene.settle(scene.channel_id, (7 * UNIT, 5 * UNIT + 1, 3, UNIT))
    posted = scene.prepare_post([scene.settlement_id, second])
    post_id = scene.send_post(posted)
    pools = scene.pool_of(scene.settlement_id) + scene.pool_of(second)
    assert scene.fields(ATTRIBUTION, "getPost", post_id)[6] == pools
    assert scene.read(ATTRIBUTION, "postOfSettlement", second) == post_id


def test_batches_have_rules(scene: Scene) -> None:
    second = scene.settle(scene.channel_id, (7 * UNIT, 5 * UNIT + 1, 3, UNIT))
    posted = scene.prepare_post([scene.settlement_id, second])

    def refused(*claims: object) -> bytes:
        changed = list(scene.post_arguments(posted))
        changed[1] = claims
        return scene.refuse(scene.provider, ATTRIBUTION, "post", *changed)

    first, last = posted.claims
    assert refused() == INVALID_ARGUMENT(b"batches").data
    assert refused(*[first] * 65) == INVALID_ARGUMENT(b"batches").data
    assert refused(last, first) == INVALID_ARGUMENT(b"order").data
    assert refused(first, first) == INVALID_ARGUMENT(b"order").data
    assert refused(replace(first, settlement_id=99)) == INVALID_ARGUMENT(b"settlementId").data
    assert refused(replace(first, score_sum=2**153 + 1)) == INVALID_ARGUMENT(b"scoreSum").data
    assert refused(replace(first, debt_sum=2**153 + 1)) == INVALID_ARGUMENT(b"debtSum").data


def test_amounts_stay_within_the_pool(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    changed = list(scene.post_arguments(posted))
    pool = scene.pool_of(scene.settlement_id)
    changed[4] = pool + 1
    above = interface.AMOUNT_ABOVE_POOL(pool + 1, pool).data
    assert scene.refuse(scene.provider, ATTRIBUTION, "post", *changed) == above


def test_an_index_must_be_usable(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    newer = scene.commit_index(scene.model_id)
    for index_id in (newer, 0, 77):
        changed = list(scene.post_arguments(posted))
        changed[0] = index_id
        refused = scene.refuse(scene.provider, ATTRIBUTION, "post", *changed)
        assert refused == interface.FEATURE_INDEX_NOT_USABLE(index_id).data
    scene.wait(scene.policy.index_window_s)
    changed[0] = newer
    refused = scene.refuse(scene.provider, ATTRIBUTION, "post", *changed)
    assert refused == INVALID_ARGUMENT(b"featureIndex").data


def test_a_pool_nobody_earned_rolls_over(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    for tree in (*posted.scores, posted.amounts):
        tree.leaves = [(key, 0) for key, _ in tree.leaves]
        tree.__post_init__()
    scene.reclaim(posted)
    scene.send_post(posted)
    scene.wait(scene.policy.post_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", 1)
    assert scene.read(ATTRIBUTION, "carryOf", scene.model_id) == scene.pool_of(scene.settlement_id)


def test_unknown_posts(scene: Scene) -> None:
    missing = interface.POST_NOT_FOUND(5).data
    assert scene.refuse(scene.stranger, ATTRIBUTION, "getPost", 5) == missing
    assert scene.refuse(scene.stranger, ATTRIBUTION, "finalize", 5) == missing
    bond = scene.policy.challenge_bond_wei
    arguments = (5, Hash32(b"\1" * 32))
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "commitChallenge", *arguments, value_wei=bond)
    assert refused == missing
