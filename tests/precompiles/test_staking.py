"""Stake: unbonding, rewards that never exceed what came in, slashing that is pulled."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, STAKING, TREASURY
from genesis.types import Address
from precompiles import staking as law
from precompiles.checks import INVALID_ARGUMENT
from precompiles.slots import mapping_slot
from precompiles.views import attribution, metering
from tests.precompiles.calls import UNIT, Account
from tests.precompiles.scene import Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()


def earn(scene: Scene, amount_wei: int) -> None:
    """A stakers' part arrives as a settlement would bring it."""
    words = scene.native.words[INFERENCE_METERING]
    slot = metering.STAKERS_TOTAL_SLOT
    words[slot] = words.get(slot, 0) + amount_wei
    scene.machine.fund(STAKING, amount_wei)


def slash(scene: Scene, account: Account, amount_wei: int) -> None:
    """A verdict takes stake: a part is the stranger's, the rest the treasury's."""
    words = scene.native.words[ATTRIBUTION]
    shares = (
        (attribution.SLASHED_SLOT, account.address, amount_wei),
        (attribution.REWARD_SLOT, scene.stranger.address, amount_wei // 3),
        (attribution.REWARD_SLOT, TREASURY, amount_wei - amount_wei // 3),
    )
    for slot, address, amount in shares:
        at = mapping_slot(slot, address)
        words[at] = words.get(at, 0) + amount


def rewards(scene: Scene, account: Account) -> int:
    return scene.read(STAKING, "pendingRewards", account.address)


def test_stake_adds_up_per_role(scene: Scene) -> None:
    for role, amount in ((1, 5), (2, 7), (2, 8)):
        scene.do(scene.provider, STAKING, "stake", role, value_wei=amount)
    assert scene.read(STAKING, "stakeOf", scene.provider.address, 1) == 5
    assert scene.read(STAKING, "stakeOf", scene.provider.address, 2) == 15
    assert scene.read(STAKING, "totalStake") == 20
    assert scene.machine.balance(STAKING) == 20


def test_roles_and_amounts_are_checked(scene: Scene) -> None:
    for role in (0, 3, 2**256 - 1):
        refused = scene.refuse(scene.provider, STAKING, "stake", role, value_wei=1)
        assert refused == law.INVALID_ROLE(role).data
        for name, arguments in (
            ("withdraw", (role,)),
            ("requestUnstake", (role, 1)),
            ("stakeOf", (scene.provider.address, role)),
            ("position", (scene.provider.address, role)),
        ):
            refused = scene.refuse(scene.provider, STAKING, name, *arguments)
            assert refused == law.INVALID_ROLE(role).data
    assert scene.refuse(scene.provider, STAKING, "stake", 1) == INVALID_ARGUMENT(b"value").data
    refused = scene.refuse(scene.provider, STAKING, "requestUnstake", 1, 0)
    assert refused == INVALID_ARGUMENT(b"amount").data


def test_unbonding_takes_its_time(scene: Scene) -> None:
    scene.stake(scene.provider, 10)
    refused = scene.refuse(scene.provider, STAKING, "requestUnstake", 2, 11)
    assert refused == law.INSUFFICIENT_STAKE(11, 10).data
    scene.do(scene.provider, STAKING, "requestUnstake", 2, 4)
    at = scene.machine.moment.timestamp_s + scene.policy.unbonding_s
    assert scene.fields(STAKING, "position", scene.provider.address, 2) == [6, 4, at, 0]
    assert scene.refuse(scene.provider, STAKING, "withdraw", 2) == law.TOO_EARLY(at).data
    scene.wait(scene.policy.unbonding_s)
    before = scene.machine.balance(scene.provider.address)
    scene.do(scene.provider, STAKING, "withdraw", 2)
    assert scene.machine.balance(scene.provider.address) == before + 4
    assert scene.refuse(scene.provider, STAKING, "withdraw", 2) == law.NOTHING_TO_CLAIM().data


def test_stake_that_answers_for_a_post_cannot_leave(scene: Scene) -> None:
    settlement_id = scene.settle(scene.channel())
    posted = scene.prepare_post([settlement_id])
    scene.do(scene.provider, STAKING, "requestUnstake", 2, 1)
    scene.wait(scene.policy.unbonding_s)
    post_id = scene.send_post(posted)
    locked = law.STAKE_LOCKED(scene.pool_of(settlement_id)).data
    assert scene.refuse(scene.provider, STAKING, "withdraw", 2) == locked
    scene.wait(scene.policy.post_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)
    scene.do(scene.provider, STAKING, "withdraw", 2)


def test_rewards_are_shared_by_stake(scene: Scene) -> None:
    scene.stake(scene.provider, 300)
    scene.do(scene.validator, STAKING, "stake", 1, value_wei=100)
    earn(scene, 4_000)
    assert rewards(scene, scene.provider) == 3_000
    assert rewards(scene, scene.validator) == 1_000
    scene.stake(scene.stranger, 400)
    assert rewards(scene, scene.stranger) == 0
    earn(scene, 800)
    assert rewards(scene, scene.stranger) == 400
    elsewhere = Address(b"\x66" * 20)
    scene.do(scene.provider, STAKING, "claimRewards", elsewhere)
    assert scene.machine.balance(elsewhere) == 3_300
    refused = scene.refuse(scene.provider, STAKING, "claimRewards", elsewhere)
    assert refused == law.NOTHING_TO_CLAIM().data


def test_rewards_wait_for_the_next_staker(scene: Scene) -> None:
    earn(scene, 1_000)
    scene.stake(scene.provider, 10)
    assert rewards(scene, scene.provider) == 1_000


def test_unbonding_stake_earns_nothing(scene: Scene) -> None:
    scene.stake(scene.provider, 10)
    scene.stake(scene.validator, 10)
    scene.do(scene.provider, STAKING, "requestUnstake", 2, 10)
    earn(scene, 100)
    assert rewards(scene, scene.provider) == 0
    assert rewards(scene, scene.validator) == 100


def test_a_slash_takes_active_stake_first(scene: Scene) -> None:
    scene.stake(scene.provider, 100)
    scene.do(scene.provider, STAKING, "requestUnstake", 2, 40)
    slash(scene, scene.provider, 75)
    at = scene.machine.moment.timestamp_s + scene.policy.unbonding_s
    assert scene.fields(STAKING, "position", scene.provider.address, 2) == [0, 25, at, 75]
    assert scene.read(STAKING, "stakeOf", scene.provider.address, 2) == 0
    scene.wait(scene.policy.unbonding_s)
    before = scene.machine.balance(scene.provider.address)
    scene.do(scene.provider, STAKING, "withdraw", 2)
    assert scene.machine.balance(scene.provider.address) == before + 25
    assert scene.read(STAKING, "totalStake") == 0


def test_slashed_stake_pays_challenger_and_treasury(scene: Scene) -> None:
    scene.stake(scene.provider, 100)
    slash(scene, scene.provider, 90)
    elsewhere = Address(b"\x44" * 20)
    scene.do(scene.stranger, STAKING, "claimSlashReward", elsewhere)
    assert scene.machine.balance(elsewhere) == 30
    scene.do(scene.validator, STAKING, "claimSlashReward", TREASURY)
    assert scene.machine.balance(TREASURY) == 60
    assert scene.machine.balance(STAKING) == 10
    for sender, recipient in ((scene.stranger, elsewhere), (scene.validator, TREASURY)):
        refused = scene.refuse(sender, STAKING, "claimSlashReward", recipient)
        assert refused == law.NOTHING_TO_CLAIM().data


def test_what_lost_stake_earned_goes_back_to_the_stakers(scene: Scene) -> None:
    scene.stake(scene.provider, 100)
    scene.stake(scene.validator, 100)
    slash(scene, scene.provider, 100)
    earn(scene, 1_000)
    assert rewards(scene, scene.provider) == 0
    assert rewards(scene, scene.validator) == 500
    refused = scene.refuse(scene.provider, STAKING, "claimRewards", TREASURY)
    assert refused == law.NOTHING_TO_CLAIM().data
    scene.stake(scene.provider, 1)
    assert scene.read(STAKING, "totalStake") == 101
    assert rewards(scene, scene.validator) == 500 + 500 * 100 // 101


Step = tuple[int, int, int]


@settings(max_examples=20, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(1, 10**24)), max_size=40))
def test_staking_can_always_pay_what_it_owes(steps: list[Step]) -> None:
    scene = Scene()
    stakers = [scene.provider, scene.validator, scene.payer]
    for action, who, amount in steps:
        _act(scene, action, stakers[who], amount)
        scene.wait(30)
        owed = sum(_owed(scene, staker) for staker in stakers)
        unpaid = sum(_unpaid_slash(scene, address) for address in (scene.stranger.address, TREASURY))
        assert scene.machine.balance(STAKING) >= owed + unpaid


def _act(scene: Scene, action: int, staker: Account, amount: int) -> None:
    if action == 0:
        scene.machine.fund(staker.address, amount)
        scene.stake(staker, amount)
    elif action == 1:
        scene.attempt(staker, STAKING, "requestUnstake", 2, amount)
    elif action == 2:
        scene.attempt(staker, STAKING, "withdraw", 2)
    elif action == 3:
        earn(scene, amount)
    elif action == 4:
        scene.attempt(staker, STAKING, "claimRewards", scene.key.address)
    else:
        active, unbonding, _, _ = scene.fields(STAKING, "position", staker.address, 2)
        slash(scene, staker, min(amount, active + unbonding))


def _owed(scene: Scene, staker: Account) -> int:
    active, unbonding, _, _ = scene.fields(STAKING, "position", staker.address, 2)
    return active + unbonding + rewards(scene, staker)


def _unpaid_slash(scene: Scene, address: Address) -> int:
    return scene.read(ATTRIBUTION, "rewardOf", address)


def test_a_minimum_is_compared_with_what_is_left(scene: Scene) -> None:
    scene.stake(scene.provider, 100 * UNIT)
    slash(scene, scene.provider, 1)
    assert scene.read(STAKING, "stakeOf", scene.provider.address, 2) == 100 * UNIT - 1
