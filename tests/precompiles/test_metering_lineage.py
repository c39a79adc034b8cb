"""Adapters: a share of their contributors' pool passes to the models they adapt, exactly and in full."""

import pytest

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, MODEL_REGISTRY
from genesis.shares import PPM
from precompiles import attribution_interface as interface
from tests.precompiles.calls import UNIT, event, number
from tests.precompiles.scene import FEES_WEI, HASH, Scene
from tests.precompiles.world import NativeMachine, TwinMachine


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> Scene:
    scene = Scene(machine_type=request.param)
    scene.channel_id = scene.channel()
    return scene


def adapter(scene: Scene, parent: int) -> int:
    arguments = (HASH, parent, HASH, (), (), b"uri")
    model_id = number(scene.do(scene.owner, MODEL_REGISTRY, "registerModel", *arguments))
    scene.do(scene.owner, MODEL_REGISTRY, "setPrice", model_id, UNIT, UNIT)
    scene.commit_index(model_id)
    scene.wait(scene.policy.index_window_s)
    return model_id


def test_shares_reach_four_generations_and_sum_to_the_pool(scene: Scene) -> None:
    whole = scene.pool_of(scene.settle(scene.channel_id))
    line = [scene.model_id]
    for _ in range(5):
        line.append(adapter(scene, line[-1]))
    scene.model_id = line[-1]
    before = scene.machine.balance(ATTRIBUTION) - scene.read(ATTRIBUTION, "auditFund")
    settlement_id = scene.settle(scene.open_channel())
    share = scene.policy.parent_share_ppm
    part = whole * share // PPM
    assert scene.pool_of(settlement_id) == whole - part
    expected = []
    for generation in range(4):
        onward = part * share // PPM if generation < 3 else 0
        expected.append(part - onward)
        part = onward
    passed = [scene.read(INFERENCE_METERING, "passedTo", model_id) for model_id in line[::-1]]
    assert passed == [0, *expected, 0]
    assert scene.pool_of(settlement_id) + sum(expected) == whole
    assert scene.machine.balance(ATTRIBUTION) - scene.read(ATTRIBUTION, "auditFund") == before + whole
    assert [scene.read(ATTRIBUTION, "carryOf", model_id) for model_id in line[::-1]] == passed


def test_what_was_passed_is_paid_by_the_parents_next_post(scene: Scene) -> None:
    base, channel_id, index_id = scene.model_id, scene.channel_id, scene.index_id
    own = scene.settle(channel_id)
    scene.model_id = adapter(scene, base)
    adapters_channel = scene.open_channel()
    scene.settle(adapters_channel)
    scene.model_id, scene.index_id = base, index_id
    passed = scene.read(INFERENCE_METERING, "passedTo", base)
    assert passed > 0
    posted = scene.prepare_post([own])
    assert posted.carry_in_wei == passed
    scene.settle(adapters_channel, (*FEES_WEI, UNIT))
    more = scene.read(ATTRIBUTION, "carryOf", base)
    assert more > passed
    changed = list(scene.post_arguments(posted))
    changed[2] = more + 1
    refused = scene.refuse(scene.provider, ATTRIBUTION, "post", *changed)
    assert refused == interface.CARRY_CHANGED(more + 1, more).data
    outcome = scene.do(scene.provider, ATTRIBUTION, "post", *scene.post_arguments(posted))
    assert outcome.logs[0][1][0] == event(ATTRIBUTION, "AttributionPosted").topic
    assert scene.fields(ATTRIBUTION, "getPost", 1)[6] == scene.pool_of(own) + passed
    assert scene.read(ATTRIBUTION, "carryOf", base) == more - passed
