"""Draws cannot be steered by when they are asked for: of derived records' parents, and of juries.

The L1 block that draws is named before its randomness is known, once, whoever calls and whenever within
L1Block's ring of 8,192 blocks. Silence for the whole ring brings another draw, of a block that nobody knows
yet. So who saw a draw that it dislikes gains only if nobody at all calls for 27 hours; a sequencer alone
cannot keep it out for that long, since a deposit is forced in before.
"""

from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, DATANET_REGISTRY, STAKING
from genesis.networks import L1_BLOCK_TIME_S, NETWORKS, Network
from genesis.spec import DEV_L2_CHAIN_ID
from precompiles import attribution_interface, datanet_interface
from precompiles.views.l1_block import RING_LENGTH
from tests.precompiles.calls import Account
from tests.precompiles.jury_scene import STAKE_WEI, JuryScene
from tests.precompiles.scene import HASH, Scene
from tests.precompiles.world import L1_BLOCK_TIME_S as TEST_L1_BLOCK_TIME_S
from tests.precompiles.world import NativeMachine, TwinMachine, origin_at

PUBLIC = [each for each in NETWORKS.values() if each.l2_chain_id != DEV_L2_CHAIN_ID]


@pytest.fixture(params=[NativeMachine, TwinMachine])
def machine_type(request: pytest.FixtureRequest) -> Any:
    return request.param


def wait_until_origin(scene: Scene, origin: int) -> None:
    """Just until an L1 block is the origin."""
    now = origin_at(scene.machine.moment.timestamp_s)
    odd = scene.machine.moment.timestamp_s % TEST_L1_BLOCK_TIME_S
    scene.wait((origin - now) * TEST_L1_BLOCK_TIME_S - odd)
    assert origin_at(scene.machine.moment.timestamp_s) == origin


# --- Parents ----------------------------------------------------------------------------------------------


def accepted(machine_type: Any) -> tuple[Scene, int, int]:
    """A scene with an accepted contribution, and the L1 block that draws for it."""
    scene = Scene(machine_type=machine_type)
    contribution_id = scene.contribution(scene.datanet(), scene.contributors[0], [HASH])
    scene.do(scene.owner, DATANET_REGISTRY, "review", contribution_id, True, 9_000)
    return scene, contribution_id, acceptance(scene, contribution_id)[2]


def acceptance(scene: Scene, contribution_id: int) -> list[int]:
    return scene.fields(DATANET_REGISTRY, "getAcceptance", contribution_id)


def drawn_at(machine_type: Any, blocks_after: int, caller: int) -> tuple[bytes | None, int]:
    """What a call so many L1 blocks after the drawing one returns, and which block is noted then."""
    scene, contribution_id, origin = accepted(machine_type)
    wait_until_origin(scene, origin + blocks_after)
    scene.machine.fund(Account(caller).address, 1)
    outcome = scene.do(Account(caller), DATANET_REGISTRY, "drawParents", contribution_id)
    return outcome.data, acceptance(scene, contribution_id)[2] - origin


def test_parents_are_drawn_alike_whoever_calls_and_whenever(machine_type: Any) -> None:
    first = drawn_at(machine_type, 0, 51)
    assert first[0] is not None
    assert any(first[0])
    assert first == drawn_at(machine_type, RING_LENGTH - 1, 52)


def test_parents_are_drawn_again_only_after_the_whole_ring_and_ahead(machine_type: Any) -> None:
    delay = Scene(machine_type=machine_type).policy.jury_delay_blocks
    assert drawn_at(machine_type, RING_LENGTH, 51) == (bytes(32), RING_LENGTH + delay)


def test_nobody_takes_back_or_asks_again_for_what_was_drawn(machine_type: Any) -> None:
    """Neither before the draw is kept, when all can read it on L1, nor after."""
    scene, contribution_id, origin = accepted(machine_type)
    maker = scene.contributors[0]
    refused = scene.refuse(scene.owner, DATANET_REGISTRY, "drawParents", contribution_id)
    assert refused == datanet_interface.NOT_DUE_YET(origin).data
    wait_until_origin(scene, origin)
    for _ in range(2):
        before = acceptance(scene, contribution_id)
        for accept in (True, False):
            scene.refuse(scene.owner, DATANET_REGISTRY, "review", contribution_id, accept, 9_000)
        scene.refuse(maker, DATANET_REGISTRY, "cancel", contribution_id)
        scene.refuse(maker, DATANET_REGISTRY, "reveal", contribution_id, b"sha256:22")
        scene.attempt(scene.owner, DATANET_REGISTRY, "publishVersion", 1)
        assert acceptance(scene, contribution_id) == before
        scene.do(scene.stranger, DATANET_REGISTRY, "drawParents", contribution_id)


# --- Juries -----------------------------------------------------------------------------------------------


def jury_seed(machine_type: Any, blocks_after: int, caller: int) -> tuple[list[int], list[int]]:
    """A first case's draw and its jurors' seats, if it is drawn so many L1 blocks after its block."""
    scene = JuryScene(machine_type, (STAKE_WEI, 2 * STAKE_WEI, 4 * STAKE_WEI))
    case_id = scene.open()
    wait_until_origin(scene, scene.drawn(case_id)[0] + blocks_after)
    scene.do(Account(caller), ATTRIBUTION, "drawJury", case_id)
    return scene.drawn(case_id)[:3], [scene.seats(case_id, each) for each in scene.jurors]


def test_a_jury_is_drawn_alike_whoever_calls_and_whenever(machine_type: Any) -> None:
    first = jury_seed(machine_type, 0, 13)
    assert first[0][1] != 0
    assert first == jury_seed(machine_type, RING_LENGTH - 1, 16)


def test_a_jury_is_asked_for_again_only_after_the_whole_ring_and_ahead(machine_type: Any) -> None:
    """And then neither the round, its size nor whose stake counts is another."""
    scene = JuryScene(machine_type)
    case_id = scene.open()
    before, origin = scene.case(case_id), scene.drawn(case_id)[0]
    wait_until_origin(scene, origin - 1)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "drawJury", case_id)
    assert refused == attribution_interface.NOT_DUE_YET(origin).data
    wait_until_origin(scene, origin + RING_LENGTH)
    scene.do(scene.stranger, STAKING, "stake", 1, value_wei=90 * STAKE_WEI)
    scene.do(scene.stranger, ATTRIBUTION, "drawJury", case_id)
    awaited = origin + RING_LENGTH + scene.policy.jury_delay_blocks
    assert scene.drawn(case_id) == [awaited, 0, scene.policy.jury_seats, 0, 0]
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "drawJury", case_id)
    assert refused == attribution_interface.NOT_DUE_YET(awaited).data
    wait_until_origin(scene, awaited)
    scene.do(scene.stranger, ATTRIBUTION, "drawJury", case_id)
    assert scene.case(case_id) == before
    assert scene.seats(case_id, scene.stranger) == 0
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "drawJury", case_id)
    assert refused == attribution_interface.WRONG_STATUS(1).data


def test_a_case_is_not_opened_again_without_another_bond(machine_type: Any) -> None:
    """Who dislikes a jury that it can foresee on L1 cannot put another in its place for nothing."""
    scene = JuryScene(machine_type)
    first = scene.open()
    origin = scene.drawn(first)[0]
    wait_until_origin(scene, origin)
    arguments = (scene.index_id, HASH, scene.row_leaf(1))
    refused = scene.refuse(scene.validator, ATTRIBUTION, "openRowCase", *arguments)
    assert refused == attribution_interface.COMMITMENT_NOT_FOUND().data
    assert scene.read(ATTRIBUTION, "juryCaseCount") == 1


# --- Networks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", PUBLIC, ids=[each.name for each in PUBLIC])
def test_the_drawing_block_is_unknown_even_if_the_origin_lags(network: Network) -> None:
    """An L2 block's origin is at most a sequencing window behind L1's head."""
    assert network.policy.jury_delay_blocks > network.sequencing_window


@pytest.mark.parametrize("network", PUBLIC, ids=[each.name for each in PUBLIC])
def test_no_sequencer_keeps_a_draw_out_until_its_block_is_forgotten(network: Network) -> None:
    """A forced deposit takes at most two sequencing windows and the drift."""
    drift_blocks = network.max_sequencer_drift_s // L1_BLOCK_TIME_S
    assert 2 * network.sequencing_window + drift_blocks < RING_LENGTH
