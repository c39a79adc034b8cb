"""Old work is paid under old rules: a channel's policy version holds for its receipts, posts and claims.

Whatever governance publishes later, and past a scheduled fork; on the precompiles, their twins and in blocks.
"""

from dataclasses import replace
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, POLICY, TREASURY
from genesis.policy import Policy
from genesis.shares import PPM, FeeSplit, SplitRule, split_fee
from genesis.types import Hash32
from openledger_node.chain import fork_watch
from precompiles.attribution_interface import CHALLENGE_FAILED
from tests.precompiles.blocks import BlockMachine
from tests.precompiles.calls import UNIT
from tests.precompiles.evidence import amount_tree, amounts_from, honest_scores, score_tree
from tests.precompiles.scene import FEES_WEI, SCENE_POLICY, Scene
from tests.precompiles.world import TIMELOCK, NativeMachine, TwinMachine

OLD = replace(SCENE_POLICY, maximum_share_ppm=600_000)
NEWER = (
    replace(OLD, platform_ppm=100_000, provider_ppm=300_000, owner_ppm=100_000),
    replace(OLD, significance_ppm=10_000_000, maximum_share_ppm=1_000_000, minimum_claim_wei=UNIT),
    replace(OLD, platform_ppm=200_000, post_window_s=OLD.post_window_s + 500, unbonding_s=10_000),
)
"""What governance publishes meanwhile: other splits, caps, windows, minimums, and scores that count."""
FORK = Hash32(b"garnet".ljust(32, b"\0"))
WEEK_S = 7 * 86_400


@pytest.fixture(params=[NativeMachine, TwinMachine, BlockMachine])
def scene(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A channel opened and first settled under version 1. The build knows the fork to come."""
    monkeypatch.setattr(fork_watch, "PROTOCOL_FORKS", frozenset({"garnet"}))
    scene = Scene(OLD, request.param)
    scene.channel_id = scene.channel()
    scene.settlement_id = scene.settle(scene.channel_id)
    return scene


def let_governance_change_everything(scene: Scene) -> None:
    for version, policy in enumerate(NEWER, 2):
        scene.do(TIMELOCK, POLICY, "publish", policy)
        assert scene.read(POLICY, "currentVersion") == version
        scene.wait(100)
    scene.do(TIMELOCK, POLICY, "scheduleFork", FORK, scene.machine.moment.timestamp_s + WEEK_S + 100)
    scene.wait(WEEK_S + 200)


def split(gross_wei: int, policy: Policy) -> FeeSplit:
    parts = (policy.platform_ppm, policy.provider_ppm, policy.owner_ppm, policy.stakers_ppm)
    return split_fee(gross_wei, SplitRule(*parts))


def earned(scene: Scene) -> dict[str, int]:
    people = {"platform": TREASURY, "provider": scene.provider.address, "owner": scene.owner.address}
    found = {
        name: sum(scene.read(INFERENCE_METERING, kind, address) for kind in ("earningsOf", "heldOf"))
        for name, address in people.items()
    }
    found["audits"] = scene.read(INFERENCE_METERING, "auditsTotal")
    return found | {"stakers": scene.read(INFERENCE_METERING, "stakersTotal")}


def assert_earned(scene: Scene, before: dict[str, int], settlement_id: int, expected: FeeSplit) -> None:
    gained = {name: amount - before[name] for name, amount in earned(scene).items()}
    audits_wei = expected.platform_wei * OLD.audit_fund_ppm // PPM
    assert gained == {
        "platform": expected.platform_wei - audits_wei,
        "audits": audits_wei,
        "provider": expected.provider_wei,
        "owner": expected.owner_wei,
        "stakers": expected.stakers_wei,
    }
    assert scene.pool_of(settlement_id) == expected.contributors_wei


def test_old_receipts_settle_and_old_posts_pay_by_old_rules(scene: Scene) -> None:
    let_governance_change_everything(scene)
    before = earned(scene)
    more = (*FEES_WEI, 9 * UNIT)
    second = scene.settle(scene.channel_id, more)
    assert_earned(scene, before, second, split(9 * UNIT, OLD))

    posted = scene.prepare_post([scene.settlement_id, second])
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    for name, right in (
        ("challengeScore", scene.score_challenge(post_id, posted, 0)),
        ("challengeAmount", scene.amount_challenge(post_id, posted, 0)),
    ):
        refused = scene.refuse(scene.validator, ATTRIBUTION, name, *right)
        assert refused[:4] == CHALLENGE_FAILED.selector

    scene.wait(NEWER[-1].post_window_s + OLD.challenge_reveal_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)
    paid = []
    for position, (_, amount) in enumerate(posted.amounts.leaves):
        contributor = posted.index.contributors[position]
        had = scene.machine.balance(contributor)
        if amount:
            scene.do(scene.stranger, ATTRIBUTION, "claim", *scene.claim_arguments(post_id, posted, position))
        paid.append(scene.machine.balance(contributor) - had)
    assert paid == [amount for _, amount in posted.amounts.leaves]
    assert sorted(paid)[-1] > 0


def test_a_posts_window_is_of_the_version_it_was_sent_under(scene: Scene) -> None:
    """Windows are the post's, amounts the channel's: a longer window does not hold up what was posted."""
    post_id = scene.send_post(scene.prepare_post([scene.settlement_id]))
    for policy in NEWER:
        scene.do(TIMELOCK, POLICY, "publish", policy)
    scene.wait(OLD.post_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)


def test_a_post_by_the_newest_rules_is_proved_wrong(scene: Scene) -> None:
    """The cap of version 1 holds; amounts by a later version's are too high."""
    let_governance_change_everything(scene)
    posted = scene.prepare_post([scene.settlement_id])
    scores = honest_scores(scene.index, posted.queries[0], OLD.significance_ppm)
    tree = score_tree(scene.index_id, scene.settlement_id, posted.signer, scene.index, scores)
    pools = [scene.pool_of(scene.settlement_id)]
    uncapped = amounts_from(pools, posted.carry_in_wei, [tree], NEWER[1].maximum_share_ppm)
    assert uncapped != [amount for _, amount in posted.amounts.leaves]
    wrong = amount_tree(scene.index_id, scene.settlement_id, posted.signer, scene.index, uncapped)
    post_id = scene.send_post(replace(posted, amounts=wrong))
    scene.commit(post_id)
    place = uncapped.index(max(uncapped))
    arguments = scene.amount_challenge(post_id, replace(posted, amounts=wrong), place)
    scene.do(scene.validator, ATTRIBUTION, "challengeAmount", *arguments)


def test_a_new_channel_runs_under_the_newest_version(scene: Scene) -> None:
    let_governance_change_everything(scene)
    channel_id = scene.open_channel()
    pinned: list[Any] = scene.fields(INFERENCE_METERING, "getChannel", channel_id)
    assert pinned[5] == len(NEWER) + 1
    before = earned(scene)
    settlement_id = scene.settle(channel_id)
    assert_earned(scene, before, settlement_id, split(sum(FEES_WEI), NEWER[-1]))
