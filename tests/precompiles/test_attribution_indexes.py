"""Challenges of feature indexes: every rule of a row, norms of sums, and what a verdict does."""

from dataclasses import replace
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, TREASURY
from precompiles import attribution_interface as interface
from precompiles import metering_interface
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.calls import UNIT
from tests.precompiles.evidence import Row
from tests.precompiles.index_scene import INDEX_POLICY, IndexScene
from tests.precompiles.scene import HASH
from tests.precompiles.world import NativeMachine, TwinMachine

ROWS = (
    Row(0, 0, 0, (100, -3, 7)),
    Row(1, 1, 2, (-64, 20, 5)),
    Row(1, 0, 0, (100, -3, 7)),
    Row(2, 3, 7, (64, 0, -127)),
    Row(0, 4, 1, (127, 127, -127)),
)


def scene_of(machine_type: Any, place: int = 0, **changes: Any) -> IndexScene:
    """A scene whose row at `place` is changed, with the index committed and a challenge of it too."""
    rows = [replace(row, **changes) if i == place else row for i, row in enumerate(ROWS)]
    scene = IndexScene(machine_type, rows)
    scene.commit_rows()
    scene.commit_to()
    return scene


@pytest.fixture(params=[NativeMachine, TwinMachine])
def machine_type(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize(
    ("place", "changes"),
    [
        (0, {"values": (-128, 0, 0)}),
        (0, {"exponent": 8}),
        (0, {"exponent": 2**200}),
        (1, {"values": (63, -63, 1)}),
        (3, {"values": (127, 127, 127), "exponent": 7}),
        (1, {"canonical": 5}),
        (0, {"contributor": 3}),
    ],
)
def test_a_row_out_of_its_rules_voids_the_index(
    machine_type: Any, place: int, changes: dict[str, Any]
) -> None:
    rows = [replace(row, **changes) if i == place else row for i, row in enumerate(ROWS)]
    scene = IndexScene(machine_type, ROWS)
    scene.commit_rows(replace(scene.index, rows=tuple(rows)))
    scene.commit_to()
    scene.do(scene.validator, ATTRIBUTION, "challengeRow", scene.index_id, HASH, scene.index.row(place))
    assert scene.status() == 2
    slash = scene.policy.slash_amount_wei
    assert scene.read(ATTRIBUTION, "slashedOf", scene.owner.address) == slash
    reward = slash * 3 // 40
    assert scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) == reward
    assert scene.read(ATTRIBUTION, "rewardOf", TREASURY) == slash - reward


@pytest.mark.parametrize("place", range(len(ROWS)))
def test_right_rows_stand(machine_type: Any, place: int) -> None:
    scene = scene_of(machine_type)
    row = scene.index.row(place)
    refused = scene.refuse(scene.validator, ATTRIBUTION, "challengeRow", scene.index_id, HASH, row)
    assert refused == interface.CHALLENGE_FAILED(place, place).data
    for forged in (
        replace(row, exponent=9),
        replace(row, row=b"\x80" * 3),
        replace(row, proof=row.proof[1:]),
    ):
        refused = scene.refuse(scene.validator, ATTRIBUTION, "challengeRow", scene.index_id, HASH, forged)
        assert refused == interface.INVALID_PROOF(b"row").data
    short = replace(row, row=row.row[1:])
    refused = scene.refuse(scene.validator, ATTRIBUTION, "challengeRow", scene.index_id, HASH, short)
    assert refused == INVALID_ARGUMENT(b"row").data


def test_a_norm_is_of_its_sum(machine_type: Any) -> None:
    scene = IndexScene(machine_type, ROWS)
    norms = (scene.index.norms[0] + 1, *scene.index.norms[1:])
    scene.commit_rows(replace(scene.index, norms=norms))
    scene.commit_to()
    right = scene.index.norms[1]
    refused = scene.refuse(scene.validator, ATTRIBUTION, "challengeNorm", *scene.norm_challenge(1))
    assert refused == interface.CHALLENGE_FAILED(right, right).data
    scene.do(scene.validator, ATTRIBUTION, "challengeNorm", *scene.norm_challenge(0))
    assert scene.status() == 2


def test_a_void_index_opens_no_channel_and_a_pending_challenge_puts_its_use_off(machine_type: Any) -> None:
    scene = IndexScene(machine_type, ROWS)
    scene.stake(scene.provider)
    scene.commit_rows()
    arguments = (scene.provider.address, scene.model_id, scene.key.address)
    refused = metering_interface.MODEL_NOT_SERVABLE(scene.model_id).data

    def opens() -> bool:
        with_value = (scene.payer, INFERENCE_METERING, "openChannel", *arguments)
        outcome = scene.attempt(*with_value, value_wei=UNIT)
        assert outcome.succeeded or outcome.data == refused
        return outcome.succeeded

    scene.wait(INDEX_POLICY.index_window_s - 1)
    scene.commit_to()
    scene.wait(1)
    assert scene.status() == 1
    assert not opens()
    closed = scene.refuse(scene.stranger, ATTRIBUTION, "commitIndexChallenge", scene.index_id, HASH)
    assert closed == interface.WINDOW_CLOSED(scene.machine.moment.timestamp_s).data
    scene.wait(INDEX_POLICY.challenge_reveal_s - 1)
    assert not opens()
    scene.wait(1)
    assert scene.status() == 0
    assert opens()
    late = scene.refuse(
        scene.validator, ATTRIBUTION, "challengeRow", scene.index_id, HASH, scene.index.row(0)
    )
    assert late == interface.WINDOW_CLOSED(scene.machine.moment.timestamp_s - 1).data
    scene.do(scene.stranger, ATTRIBUTION, "settleIndexCase", scene.index_id)
    assert scene.read(ATTRIBUTION, "carryOf", scene.model_id) == scene.policy.challenge_bond_wei
    nothing = interface.NOTHING_TO_CLAIM().data
    assert scene.refuse(scene.stranger, ATTRIBUTION, "settleIndexCase", scene.index_id) == nothing


def test_an_earlier_commitment_takes_the_place(machine_type: Any) -> None:
    scene = IndexScene(machine_type, ROWS)
    rows = (replace(ROWS[0], exponent=9), *ROWS[1:])
    scene.commit_rows(replace(scene.index, rows=rows))
    scene.commit_to(scene.stranger)
    scene.wait(5)
    scene.commit_to(scene.payer)
    scene.wait(5)
    scene.commit_to(scene.validator)
    evidence = (scene.index_id, HASH, scene.index.row(0))
    slash = scene.policy.slash_amount_wei
    before = {each: scene.machine.balance(each.address) for each in (scene.payer, scene.validator)}
    for challenger, parts in ((scene.validator, 50), (scene.payer, 35)):
        scene.do(challenger, ATTRIBUTION, "challengeRow", *evidence)
        assert scene.read(ATTRIBUTION, "rewardOf", TREASURY) == slash - slash * 3 * parts // 800
    again = scene.refuse(scene.payer, ATTRIBUTION, "challengeRow", *evidence)
    assert again == interface.COMMITMENT_NOT_FOUND().data
    scene.wait(INDEX_POLICY.challenge_reveal_s + 1)
    for challenger in (scene.validator, scene.payer):
        scene.do(challenger, ATTRIBUTION, "settleIndexCase", scene.index_id)
        bond = scene.policy.challenge_bond_wei
        assert scene.machine.balance(challenger.address) == before[challenger] + bond
    assert scene.read(ATTRIBUTION, "rewardOf", scene.payer.address) == slash * 3 * 35 // 800
    assert scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) == 0
    assert scene.read(ATTRIBUTION, "carryOf", scene.model_id) == scene.policy.challenge_bond_wei


def test_a_commitment_is_for_one_index_and_one_account(machine_type: Any) -> None:
    scene = scene_of(machine_type)
    missing = interface.COMMITMENT_NOT_FOUND().data
    evidence = (HASH, scene.index.row(0))
    assert scene.refuse(scene.stranger, ATTRIBUTION, "challengeRow", scene.index_id, *evidence) == missing
    other = scene.commit_rows()
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeRow", other, *evidence) == missing
    absent = interface.FEATURE_INDEX_NOT_USABLE(9).data
    assert scene.refuse(scene.validator, ATTRIBUTION, "challengeRow", 9, *evidence) == absent
    assert scene.read(ATTRIBUTION, "indexStatus", 2**256 - 1) == 0
