"""Delegated stake: whose it is, what it earns after commission, how slashing falls on it."""

import pytest

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, STAKING
from precompiles import staking_interface as law
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.calls import UNIT, Account
from tests.precompiles.scene import Scene
from tests.precompiles.stakes import earn, next_epoch, rewards, slash
from tests.precompiles.world import TwinMachine

VALIDATOR, PROVIDER = 1, 2


@pytest.fixture
def scene() -> Scene:
    return Scene()


def delegate(scene: Scene, account: Account, amount_wei: int, role: int = PROVIDER) -> None:
    scene.do(account, STAKING, "delegate", scene.provider.address, role, value_wei=amount_wei)


def part(scene: Scene, account: Account, role: int = PROVIDER) -> list[int]:
    """Active, pending, unbonding, withdrawable at, rewards."""
    return scene.fields(STAKING, "delegation", scene.provider.address, role, account.address)


def test_delegated_stake_counts_for_weight_and_minimum(scene: Scene) -> None:
    scene.do(scene.provider, STAKING, "stake", VALIDATOR, value_wei=10)
    delegate(scene, scene.payer, 30, VALIDATOR)
    assert scene.read(STAKING, "stakeOf", scene.provider.address, VALIDATOR) == 40
    assert part(scene, scene.payer, VALIDATOR) == [30, 30, 0, 0, 0]
    scene.wait(1)
    now_s = scene.machine.moment.timestamp_s
    assert scene.read(STAKING, "stakeAt", scene.provider.address, now_s - 1) == 40
    assert scene.read(STAKING, "totalStakeAt", now_s - 1) == 40


def test_a_provider_serves_on_delegated_stake(scene: Scene) -> None:
    scene.model_id = scene.model()
    scene.stake(scene.provider, 1)
    arguments = (scene.provider.address, scene.model_id, scene.key.address)
    sent = (scene.payer, INFERENCE_METERING, "openChannel", *arguments)
    assert not scene.attempt(*sent, value_wei=UNIT).succeeded
    delegate(scene, scene.payer, scene.policy.minimum_provider_stake_wei - 1)
    scene.do(*sent, value_wei=UNIT)


def test_only_an_operator_with_own_stake_takes_delegations(scene: Scene) -> None:
    nobody = (scene.payer, STAKING, "delegate", scene.provider.address, PROVIDER)
    refused = law.OPERATOR_NOT_STAKED(scene.provider.address).data
    assert scene.refuse(*nobody, value_wei=5) == refused
    scene.stake(scene.provider, 5)
    assert scene.refuse(*nobody) == INVALID_ARGUMENT(b"value").data
    scene.do(*nobody, value_wei=5)
    scene.do(scene.provider, STAKING, "requestUnstake", PROVIDER, 5)
    assert scene.refuse(*nobody, value_wei=5) == refused


def test_commission_is_the_operators(scene: Scene) -> None:
    scene.stake(scene.provider, 100)
    scene.do(scene.provider, STAKING, "setCommission", PROVIDER, 100_000)
    delegate(scene, scene.payer, 300)
    next_epoch(scene)
    earn(scene, 4_000)
    assert part(scene, scene.payer)[4] == 2_700
    assert rewards(scene, scene.provider) == 900 + 400
    assert rewards(scene, scene.payer) == 0
    scene.do(scene.payer, STAKING, "collectRewards", scene.provider.address, PROVIDER)
    assert rewards(scene, scene.payer) == 2_700
    before = scene.machine.balance(scene.key.address)
    scene.do(scene.payer, STAKING, "claimRewards", scene.key.address)
    assert scene.machine.balance(scene.key.address) == before + 2_700


def test_a_higher_commission_waits_until_delegators_could_leave(scene: Scene) -> None:
    scene.stake(scene.provider, 100)
    scene.do(scene.provider, STAKING, "setCommission", PROVIDER, 200_000)
    delegate(scene, scene.payer, 100)
    next_epoch(scene)
    scene.do(scene.provider, STAKING, "setCommission", PROVIDER, 100_000)
    scene.do(scene.provider, STAKING, "setCommission", PROVIDER, 1_000_000)
    at = scene.machine.moment.timestamp_s + scene.policy.unbonding_s
    assert scene.fields(STAKING, "commission", scene.provider.address, PROVIDER) == [100_000, 1_000_000, at]
    earn(scene, 2_000)
    scene.wait(scene.policy.unbonding_s)
    assert part(scene, scene.payer)[4] == 900
    scene.do(scene.stranger, STAKING, "checkpoint", scene.provider.address, PROVIDER)
    assert scene.fields(STAKING, "commission", scene.provider.address, PROVIDER) == [1_000_000, 0, 0]
    earn(scene, 2_000)
    assert part(scene, scene.payer)[4] == 900
    refused = scene.refuse(scene.provider, STAKING, "setCommission", PROVIDER, 1_000_001)
    assert refused == INVALID_ARGUMENT(b"commission").data


def test_a_deposit_just_before_a_payment_earns_nothing_of_it(scene: Scene) -> None:
    scene.stake(scene.provider, 100)
    delegate(scene, scene.payer, 100)
    next_epoch(scene)
    delegate(scene, scene.stranger, 10**9)
    earn(scene, 1_000)
    scene.do(scene.stranger, STAKING, "undelegate", scene.provider.address, PROVIDER, 10**9)
    next_epoch(scene)
    assert part(scene, scene.stranger)[4] == 0
    assert part(scene, scene.payer)[4] == 500


def test_a_slash_falls_on_all_in_proportion(scene: Scene) -> None:
    scene.stake(scene.provider, 100)
    delegate(scene, scene.payer, 200)
    delegate(scene, scene.stranger, 100)
    scene.do(scene.stranger, STAKING, "undelegate", scene.provider.address, PROVIDER, 100)
    slash(scene, scene.provider, 200)
    assert [part(scene, each)[0] for each in (scene.provider, scene.payer, scene.stranger)] == [50, 100, 0]
    assert part(scene, scene.stranger)[2] == 50
    scene.wait(scene.policy.unbonding_s)
    before = scene.machine.balance(scene.stranger.address)
    scene.do(scene.stranger, STAKING, "withdrawDelegation", scene.provider.address, PROVIDER)
    assert scene.machine.balance(scene.stranger.address) == before + 50
    delegate(scene, scene.payer, 100)
    assert part(scene, scene.payer)[0] == 200
    assert part(scene, scene.provider)[0] == 50


def test_undelegating_takes_its_time_and_no_more_than_there_is(scene: Scene) -> None:
    scene.stake(scene.provider, 10)
    delegate(scene, scene.payer, 10)
    pool = (scene.provider.address, PROVIDER)
    refused = scene.refuse(scene.payer, STAKING, "undelegate", *pool, 11)
    assert refused == law.INSUFFICIENT_STAKE(11, 10).data
    assert scene.refuse(scene.payer, STAKING, "undelegate", *pool, 0) == INVALID_ARGUMENT(b"amount").data
    nothing = scene.refuse(scene.payer, STAKING, "withdrawDelegation", *pool)
    assert nothing == law.NOTHING_TO_CLAIM().data
    scene.do(scene.payer, STAKING, "undelegate", *pool, 4)
    at = scene.machine.moment.timestamp_s + scene.policy.unbonding_s
    assert part(scene, scene.payer) == [6, 6, 4, at, 0]
    assert scene.refuse(scene.payer, STAKING, "withdrawDelegation", *pool) == law.TOO_EARLY(at).data


def test_a_post_holds_delegators_for_a_while_and_its_operator_until_it_is_final(scene: Scene) -> None:
    """Who delegates to itself from another address cannot leave before a long dispute is over."""
    settlement_id = scene.settle(scene.channel())
    delegate(scene, scene.stranger, 50)
    scene.do(scene.stranger, STAKING, "undelegate", scene.provider.address, PROVIDER, 50)
    scene.do(scene.provider, STAKING, "requestUnstake", PROVIDER, 1)
    scene.wait(scene.policy.unbonding_s)
    scene.send_post(scene.prepare_post([settlement_id]))
    assert scene.read(ATTRIBUTION, "openLiabilityOf", scene.provider.address) > 0
    locked = law.STAKE_LOCKED(scene.pool_of(settlement_id)).data
    leave = (scene.stranger, STAKING, "withdrawDelegation", scene.provider.address, PROVIDER)
    assert scene.refuse(*leave) == locked
    scene.wait(2 * scene.policy.unbonding_s - 1)
    assert scene.refuse(*leave) == locked
    scene.wait(1)
    assert scene.refuse(scene.provider, STAKING, "withdraw", PROVIDER) == locked
    scene.do(*leave)


def test_a_lost_pool_owes_its_delegators_what_they_had_earned(scene: Scene) -> None:
    scene.stake(scene.provider, 100)
    delegate(scene, scene.payer, 100)
    next_epoch(scene)
    earn(scene, 1_000)
    scene.do(scene.stranger, STAKING, "checkpoint", scene.provider.address, PROVIDER)
    slash(scene, scene.provider, 200)
    scene.stake(scene.provider, 70)
    assert part(scene, scene.payer) == [0, 0, 0, 0, 500]
    next_epoch(scene)
    earn(scene, 70)
    delegate(scene, scene.payer, 30)
    assert part(scene, scene.payer)[0] == 30
    assert rewards(scene, scene.payer) == 500
    assert rewards(scene, scene.provider) == 570


def test_twins_agree_on_a_pools_life() -> None:
    """The same life on both machines, with fees that a settlement brought."""
    results = [_life(Scene(machine_type=machine)) for machine in (type(Scene().machine), TwinMachine)]
    assert results[0] == results[1]


def _life(scene: Scene) -> list[list[int]]:
    channel_id = scene.channel()
    scene.do(scene.provider, STAKING, "setCommission", PROVIDER, 50_000)
    delegate(scene, scene.stranger, 333 * UNIT)
    scene.do(scene.validator, STAKING, "stake", VALIDATOR, value_wei=77 * UNIT)
    next_epoch(scene)
    delegate(scene, scene.owner, 11)
    scene.settle(channel_id)
    next_epoch(scene)
    scene.do(scene.stranger, STAKING, "undelegate", scene.provider.address, PROVIDER, UNIT)
    scene.do(scene.stranger, STAKING, "collectRewards", scene.provider.address, PROVIDER)
    stakers = (scene.provider, scene.stranger, scene.owner, scene.validator)
    parts = [part(scene, each) for each in stakers]
    assert parts[1][0] == 332 * UNIT
    return [*parts, [rewards(scene, each) for each in stakers]]
