"""Attacks on what a model's posts left over and adapters passed: a payer steers its own money, no more."""

from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, TREASURY
from genesis.shares import CARRY_PARTS
from genesis.types import Hash32
from precompiles import attribution_interface as interface
from tests.precompiles.calls import UNIT, number
from tests.precompiles.scene import FEES_WEI, Scene
from tests.precompiles.test_metering_lineage import adapter
from tests.precompiles.world import NativeMachine, TwinMachine

PAYS_THE_SECOND_ALONE = (-1_000_000, 6_000_000, 0, 0)
PAYS_NOBODY = (0, 0, 0, 0)


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> Scene:
    """A base whose adapter has passed it shares; nobody bought the base itself."""
    scene = Scene(machine_type=request.param)
    scene.channel_id = scene.channel()
    base, index_id = scene.model_id, scene.index_id
    scene.model_id = adapter(scene, base)
    scene.settle(scene.open_channel())
    scene.model_id, scene.index_id = base, index_id
    return scene


def buy_from_oneself(scene: Scene, fees_wei: tuple[int, ...], channel_id: Hash32 | None = None) -> Any:
    """Mallory is provider, payer and a contributor's friend: channel and settlement of its own receipts."""
    mallory = scene.stranger
    if channel_id is None:
        scene.stake(mallory)
        arguments = (mallory.address, scene.model_id, mallory.address)
        outcome = scene.do(mallory, INFERENCE_METERING, "openChannel", *arguments, value_wei=UNIT)
        channel_id = Hash32(outcome.data or b"")
    arguments = scene.settle_arguments(channel_id, fees_wei, mallory)
    return channel_id, number(scene.do(mallory, INFERENCE_METERING, "settle", *arguments))


def finalize(scene: Scene, post_id: int) -> None:
    scene.wait(scene.policy.post_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)


def test_a_cheap_answer_does_not_steer_what_adapters_passed(scene: Scene) -> None:
    fees = (UNIT // 1_000, UNIT // 1_000)
    waiting = scene.read(ATTRIBUTION, "carryOf", scene.model_id)
    assert waiting > 50 * sum(fees)
    _, settlement_id = buy_from_oneself(scene, fees)
    scene.query = PAYS_THE_SECOND_ALONE
    posted = scene.prepare_post([settlement_id], scene.stranger)
    finalize(scene, scene.send_post(posted))
    gained = posted.amounts.leaves[1][1]
    assert gained < sum(fees)
    assert scene.read(ATTRIBUTION, "carryOf", scene.model_id) >= waiting - sum(fees)


def test_a_cheap_batch_before_a_large_one_steers_no_more(scene: Scene) -> None:
    fees = (UNIT // 1_000, UNIT // 1_000)
    _, cheap = buy_from_oneself(scene, fees)
    large = scene.settle(scene.channel_id)
    scene.wait(scene.policy.post_delay_s)
    posted = scene.prepare_post([cheap, large], scene.stranger)
    limit = scene.pool_of(cheap) // CARRY_PARTS
    assert posted.carry_in_wei == limit
    greedy = list(scene.post_arguments(posted))
    greedy[2] = limit + 1
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "post", *greedy)
    assert refused == interface.CARRY_CHANGED(limit + 1, limit).data


def test_what_was_left_over_is_taken_before_what_was_passed(scene: Scene) -> None:
    scene.query = PAYS_NOBODY
    finalize(scene, scene.send_post(scene.prepare_post([scene.settle(scene.channel_id)])))
    waiting = scene.read(ATTRIBUTION, "carryOf", scene.model_id)
    settlement_id = scene.settle(scene.channel_id, (*FEES_WEI, UNIT))
    posted = scene.prepare_post([settlement_id])
    assert 0 < posted.carry_in_wei < waiting
    scene.send_post(posted)
    assert scene.read(INFERENCE_METERING, "passedTo", scene.model_id) < waiting
    assert scene.read(ATTRIBUTION, "carryOf", scene.model_id) == waiting - posted.carry_in_wei


def test_a_post_of_dust_that_becomes_final_first_spoils_no_post(scene: Scene) -> None:
    """What it leaves over makes the carry another one than the honest post was computed for."""
    _, dust = buy_from_oneself(scene, (UNIT // 1_000, 1))
    scene.query = PAYS_NOBODY
    dust_id = scene.send_post(scene.prepare_post([dust], scene.stranger))
    scene.query = PAYS_THE_SECOND_ALONE
    scene.wait(scene.policy.post_window_s + 1)
    posted = scene.prepare_post([scene.settle(scene.channel_id)])
    scene.do(scene.stranger, ATTRIBUTION, "finalize", dust_id)
    scene.send_post(posted)


def test_posts_that_pay_nobody_do_not_burn_what_others_left(scene: Scene) -> None:
    scene.query = PAYS_NOBODY
    finalize(scene, scene.send_post(scene.prepare_post([scene.settle(scene.channel_id)])))
    waiting, treasury = scene.read(ATTRIBUTION, "carryOf", scene.model_id), scene.machine.balance(TREASURY)
    channel_id, fees = None, [UNIT // 1_000]
    for _ in range(scene.policy.rollover_limit + 1):
        fees.append(UNIT // 1_000)
        channel_id, settlement_id = buy_from_oneself(scene, tuple(fees), channel_id)
        finalize(scene, scene.send_post(scene.prepare_post([settlement_id], scene.stranger)))
    burnt = scene.machine.balance(TREASURY) - treasury
    assert 0 < burnt < sum(fees)
    assert scene.read(ATTRIBUTION, "carryOf", scene.model_id) > waiting - sum(fees)
    honest = scene.settle(scene.channel_id, (*FEES_WEI, 5 * UNIT))
    finalize(scene, scene.send_post(scene.prepare_post([honest])))
    assert scene.machine.balance(TREASURY) - treasury == burnt
