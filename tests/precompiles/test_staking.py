"""Stake: unbonding, rewards that never exceed what came in, slashing that is pulled."""

import pytest

from genesis.addresses import ATTRIBUTION, STAKING, TREASURY
from genesis.types import Address
from precompiles import staking_interface as law
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.calls import UNIT
from tests.precompiles.scene import Scene
from tests.precompiles.stakes import earn, next_epoch, rewards, slash


@pytest.fixture
def scene() -> Scene:
    return Scene()


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
            ("setCommission", (role, 1)),
            ("checkpoint", (scene.provider.address, role)),
            ("collectRewards", (scene.provider.address, role)),
            ("delegate", (scene.provider.address, role)),
            ("undelegate", (scene.provider.address, role, 1)),
            ("withdrawDelegation", (scene.provider.address, role)),
            ("commission", (scene.provider.address, role)),
            ("delegation", (scene.provider.address, role, scene.provider.address)),
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
    next_epoch(scene)
    earn(scene, 4_000)
    assert rewards(scene, scene.provider) == 3_000
    assert rewards(scene, scene.validator) == 1_000
    elsewhere = Address(b"\x66" * 20)
    scene.do(scene.provider, STAKING, "claimRewards", elsewhere)
    assert scene.machine.balance(elsewhere) == 3_000
    refused = scene.refuse(scene.provider, STAKING, "claimRewards", elsewhere)
    assert refused == law.NOTHING_TO_CLAIM().data


def test_stake_earns_from_the_next_epoch_on(scene: Scene) -> None:
    scene.stake(scene.provider, 100)
    next_epoch(scene)
    scene.stake(scene.stranger, 300)
    earn(scene, 1_000)
    assert rewards(scene, scene.provider) == 1_000
    assert rewards(scene, scene.stranger) == 0
    next_epoch(scene)
    earn(scene, 400)
    assert rewards(scene, scene.provider) == 1_100
    assert rewards(scene, scene.stranger) == 300


def test_what_came_in_an_epoch_is_its_stakers_however_late_it_is_shared(scene: Scene) -> None:
    """Nobody touches Staking between the payment and two epochs later."""
    scene.stake(scene.provider, 128)
    next_epoch(scene)
    scene.stake(scene.stranger, 128)
    scene.wait(1)
    earn(scene, 1_024)
    next_epoch(scene)
    earn(scene, 16)
    next_epoch(scene)
    assert rewards(scene, scene.stranger) == 8
    scene.do(scene.stranger, STAKING, "claimRewards", scene.key.address)
    assert rewards(scene, scene.provider) == 1_032


def test_rewards_wait_for_the_next_staker(scene: Scene) -> None:
    earn(scene, 1_000)
    scene.stake(scene.provider, 10)
    assert rewards(scene, scene.provider) == 0
    next_epoch(scene)
    assert rewards(scene, scene.provider) == 1_000


def test_unbonding_stake_earns_nothing(scene: Scene) -> None:
    scene.stake(scene.provider, 10)
    scene.stake(scene.validator, 10)
    next_epoch(scene)
    scene.do(scene.provider, STAKING, "requestUnstake", 2, 10)
    earn(scene, 100)
    assert rewards(scene, scene.provider) == 0
    assert rewards(scene, scene.validator) == 100


def test_a_slash_takes_active_and_unbonding_stake_in_proportion(scene: Scene) -> None:
    scene.stake(scene.provider, 100)
    scene.do(scene.provider, STAKING, "requestUnstake", 2, 40)
    slash(scene, scene.provider, 75)
    at = scene.machine.moment.timestamp_s + scene.policy.unbonding_s
    assert scene.fields(STAKING, "position", scene.provider.address, 2) == [15, 10, at, 75]
    assert scene.read(STAKING, "stakeOf", scene.provider.address, 2) == 15
    scene.wait(scene.policy.unbonding_s)
    before = scene.machine.balance(scene.provider.address)
    scene.do(scene.provider, STAKING, "withdraw", 2)
    assert scene.machine.balance(scene.provider.address) == before + 10
    assert scene.read(STAKING, "totalStake") == 15


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
    next_epoch(scene)
    slash(scene, scene.provider, 100)
    earn(scene, 1_000)
    assert rewards(scene, scene.provider) == 0
    assert rewards(scene, scene.validator) == 500
    scene.do(scene.stranger, STAKING, "checkpoint", scene.provider.address, 2)
    assert scene.read(STAKING, "totalStake") == 100
    assert rewards(scene, scene.validator) == 1_000


def test_who_lost_everything_can_begin_again(scene: Scene) -> None:
    scene.stake(scene.provider, 100)
    scene.do(scene.provider, STAKING, "requestUnstake", 2, 40)
    slash(scene, scene.provider, 100)
    refused = scene.refuse(scene.provider, STAKING, "requestUnstake", 2, 1)
    assert refused == law.INSUFFICIENT_STAKE(1, 0).data
    scene.wait(scene.policy.unbonding_s)
    assert scene.refuse(scene.provider, STAKING, "withdraw", 2) == law.NOTHING_TO_CLAIM().data
    scene.stake(scene.provider, 7)
    assert scene.fields(STAKING, "position", scene.provider.address, 2) == [7, 0, 0, 100]


def test_a_minimum_is_compared_with_what_is_left(scene: Scene) -> None:
    scene.stake(scene.provider, 100 * UNIT)
    slash(scene, scene.provider, 1)
    assert scene.read(STAKING, "stakeOf", scene.provider.address, 2) == 100 * UNIT - 1
