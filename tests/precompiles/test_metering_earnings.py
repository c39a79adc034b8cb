"""A provider's part of a settlement: held while its receipts can be contested, lost where they are wrong."""

import pytest

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, TREASURY
from precompiles import metering_interface as law
from precompiles.attribution_interface import NOT_DUE_YET
from tests.precompiles.batch_scene import BatchScene
from tests.precompiles.calls import number
from tests.precompiles.scene import HASH, Scene
from tests.precompiles.world import NativeMachine, TwinMachine


@pytest.fixture(params=[NativeMachine, TwinMachine])
def machine(request: pytest.FixtureRequest) -> type[NativeMachine | TwinMachine]:
    found: type[NativeMachine | TwinMachine] = request.param
    return found


def held(scene: Scene) -> int:
    return scene.read(INFERENCE_METERING, "heldOf", scene.provider.address)


def earned(scene: Scene) -> int:
    return scene.read(INFERENCE_METERING, "earningsOf", scene.provider.address)


def test_a_final_post_releases_it(machine: type[NativeMachine | TwinMachine]) -> None:
    scene = Scene(machine_type=machine)
    channel_id = scene.channel()
    first = scene.settle(channel_id)
    release = (scene.stranger, INFERENCE_METERING, "releaseEarnings")
    part = held(scene)
    assert part > 0
    assert earned(scene) == 0
    open_ = law.SETTLEMENT_NOT_FINAL(first).data
    assert scene.refuse(*release, [first]) == open_
    post_id = scene.send_post(scene.prepare_post([first]))
    assert scene.refuse(*release, [first]) == open_
    scene.wait(scene.policy.post_window_s + 1)
    assert scene.refuse(*release, [first]) == open_
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)
    assert scene.refuse(*release, [first, 9]) == law.SETTLEMENT_NOT_FOUND(9).data
    scene.do(*release, [first, first])
    assert (held(scene), earned(scene)) == (0, part)
    for again in ([first], []):
        assert scene.refuse(*release, again) == law.NOTHING_TO_WITHDRAW().data


def test_who_posts_in_the_providers_place_gets_a_tenth(machine: type[NativeMachine | TwinMachine]) -> None:
    scene = Scene(machine_type=machine)
    first = scene.settle(scene.channel())
    scene.stake(scene.validator)
    posted = scene.prepare_post([first], scene.validator)
    early = scene.refuse(scene.validator, ATTRIBUTION, "post", *scene.post_arguments(posted))
    assert early[:4] == NOT_DUE_YET.selector
    scene.wait(scene.policy.post_delay_s)
    post_id = scene.send_post(posted)
    scene.wait(scene.policy.post_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)
    part = held(scene)
    released = scene.do(scene.stranger, INFERENCE_METERING, "releaseEarnings", [first])
    late = scene.read(INFERENCE_METERING, "earningsOf", scene.validator.address)
    assert (late, earned(scene), held(scene)) == (part // 10, part - part // 10, 0)
    assert number(released) == part
    assert len(released.logs) == 2


def test_wrong_receipts_lose_it_to_the_treasury(machine: type[NativeMachine | TwinMachine]) -> None:
    scene = BatchScene(machine)
    scene.lie(1, fee_wei=5 * 10**18)
    post_id, posted = scene.posted()
    scene.commit(post_id)
    arguments = (post_id, HASH, posted.claims, 0, scene.batch.receipt(1))
    scene.do(scene.validator, ATTRIBUTION, "challengeReceipt", *arguments)
    part = held(scene)
    before = scene.read(INFERENCE_METERING, "earningsOf", TREASURY)
    scene.do(scene.stranger, INFERENCE_METERING, "releaseEarnings", [scene.settlement_id])
    assert (held(scene), earned(scene)) == (0, 0)
    assert scene.read(INFERENCE_METERING, "earningsOf", TREASURY) == before + part


def test_a_void_post_alone_releases_nothing(machine: type[NativeMachine | TwinMachine]) -> None:
    """A wrong score is its poster's fault: the settlement waits for the next post."""
    scene = BatchScene(machine)
    post_id, posted = scene.posted(off_by=-7, coordinate=2)
    game_id = scene.dispute(post_id, posted, 2)
    scene.answer_and_choose(game_id)
    scene.prove_game(game_id)
    refused = scene.refuse(scene.stranger, INFERENCE_METERING, "releaseEarnings", [scene.settlement_id])
    assert refused == law.SETTLEMENT_NOT_FINAL(scene.settlement_id).data


def test_what_nobody_attributes_is_released_in_the_end(machine: type[NativeMachine | TwinMachine]) -> None:
    scene = Scene(machine_type=machine)
    settlement_id = scene.settle(scene.channel())
    scene.wait(scene.policy.unbonding_s - 1)
    release = (scene.stranger, INFERENCE_METERING, "releaseEarnings", [settlement_id])
    assert scene.refuse(*release) == law.SETTLEMENT_NOT_FINAL(settlement_id).data
    scene.wait(1)
    part = held(scene)
    scene.do(*release)
    assert (held(scene), earned(scene)) == (0, part)
