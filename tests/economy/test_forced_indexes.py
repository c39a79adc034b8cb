"""Challenges of a feature index, of explanations, and their answers, each sent once by a forced deposit."""

from dataclasses import replace
from random import Random
from typing import Any

from genesis.addresses import ATTRIBUTION
from genesis.commitments import SUM_BYTES
from genesis.parents import drawn_parent
from precompiles.views.disputes import DemandPath
from tests.economy.forced import sends
from tests.precompiles import test_attribution_parents as parents
from tests.precompiles import test_attribution_records as records
from tests.precompiles import test_attribution_sketches as sketches
from tests.precompiles import test_attribution_spans as spans
from tests.precompiles import test_attribution_sum_games as games
from tests.precompiles import test_attribution_tallies as tallies
from tests.precompiles.batches import chunk_of
from tests.precompiles.calls import number
from tests.precompiles.index_scene import IndexScene
from tests.precompiles.record_scene import RecordScene
from tests.precompiles.scene import HASH
from tests.precompiles.test_attribution_demands import ROWS as HIDDEN
from tests.precompiles.test_attribution_demands import index_contents
from tests.precompiles.test_attribution_indexes import ROWS
from tests.precompiles.world import MachineType
from workers.datasets.records import Record, encode_record
from workers.datasets.sketch import sketch_of

USABLE, CONTESTED, VOID = 0, 1, 2


def convict(scene: IndexScene, name: str, *arguments: Any) -> None:
    """The validator's challenge voids the index and costs its signer the slash."""
    scene.commit_to()
    scene.do(scene.validator, ATTRIBUTION, name, scene.index_id, HASH, *arguments)
    assert_void(scene)


def assert_void(scene: IndexScene) -> None:
    assert scene.status() == VOID
    slash_wei = scene.policy.slash_amount_wei
    assert scene.read(ATTRIBUTION, "slashedOf", scene.owner.address) == slash_wei
    assert 0 < scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) <= slash_wei * 3 // 10


# --- Rows, norms, sums ------------------------------------------------------------------------------------


@sends("commitIndexChallenge", "challengeRow", "settleIndexCase")
def test_a_row_out_of_its_rules(machine_type: MachineType) -> None:
    scene = IndexScene(machine_type, ROWS)
    scene.commit_rows(replace(scene.index, rows=(replace(ROWS[0], exponent=8), *ROWS[1:])))
    before_wei = scene.machine.balance(scene.validator.address)
    convict(scene, "challengeRow", scene.index.row(0))
    scene.wait(scene.policy.challenge_reveal_s + 1)
    scene.do(scene.validator, ATTRIBUTION, "settleIndexCase", scene.index_id)
    assert scene.machine.balance(scene.validator.address) == before_wei


@sends("challengeNorm")
def test_a_norm_that_is_not_of_its_sum(machine_type: MachineType) -> None:
    scene = IndexScene(machine_type, ROWS)
    scene.commit_rows(replace(scene.index, norms=(scene.index.norms[0] + 1, *scene.index.norms[1:])))
    convict(scene, "challengeNorm", *scene.norm_challenge(0)[2:])


@sends("challengeWideNorm")
def test_a_norm_of_a_wide_sum(machine_type: MachineType) -> None:
    scene = IndexScene(machine_type, tallies.wide_rows())
    norms = (scene.index.norms[0], scene.index.norms[1] + 1, *scene.index.norms[2:])
    scene.commit_rows(replace(scene.index, norms=norms))
    tallies.tally(scene, scene.index.vectors[1], b"")
    convict(scene, "challengeWideNorm", 1, scene.contributors[1], tallies.wide_sum(scene, 1))


@sends("openSumGame", "answerSumGame", "chooseSumGame", "proveSumGame")
def test_a_wrong_sum(machine_type: MachineType) -> None:
    scene = IndexScene(machine_type, games.rows_of(20, 1))
    scene.commit_rows(scene.with_sum(1, 0, -5))
    before_wei = scene.machine.balance(scene.validator.address)
    game_id = scene.dispute(1, 0)
    games.play(scene, game_id, Random(2))
    row = scene.index.row(scene.game(game_id)[4])
    scene.do(scene.stranger, ATTRIBUTION, "proveSumGame", game_id, row)
    assert_void(scene)
    assert scene.machine.balance(scene.validator.address) == before_wei


@sends("openWideSumGame")
def test_a_wrong_wide_sum(machine_type: MachineType) -> None:
    scene = IndexScene(machine_type, tallies.wide_rows())
    scene.commit_rows(scene.with_sum(2, 1_027, 5))
    chunk = chunk_of(scene.index.vectors[2], SUM_BYTES, 1_027)
    arguments = (scene.index_id, 2, scene.contributors[2], 1_027, tallies.wide_sum(scene, 2), chunk)
    bond_wei = scene.policy.challenge_bond_wei
    opened = scene.do(scene.validator, ATTRIBUTION, "openWideSumGame", *arguments, value_wei=bond_wei)
    assert scene.status() == CONTESTED
    games.play(scene, number(opened), Random(3))
    row = scene.index.row(scene.game(number(opened))[4])
    scene.do(scene.stranger, ATTRIBUTION, "proveSumGame", number(opened), row)
    assert_void(scene)


@sends("demandOfIndex", "answerDemand", "expireDemand")
def test_content_of_an_index_that_is_hidden(machine_type: MachineType) -> None:
    scene = IndexScene(machine_type, HIDDEN)
    index_id = scene.commit_rows()
    fee_wei = scene.policy.demand_fee_wei

    def demand(*opened: bytes) -> int:
        path = DemandPath(0, 1, 0, opened)
        asked = scene.do(scene.validator, ATTRIBUTION, "demandOfIndex", index_id, path, value_wei=fee_wei)
        return number(asked)

    shown = index_contents(scene, scene.index.row_layers, 0, 1)[0]
    scene.do(scene.owner, ATTRIBUTION, "answerDemand", demand(), shown)
    assert scene.status() == CONTESTED
    demand_id = demand(shown)
    scene.wait(scene.policy.demand_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "expireDemand", demand_id)
    assert_void(scene)


# --- Records ----------------------------------------------------------------------------------------------


@sends("challengeCount")
def test_a_row_too_few(machine_type: MachineType) -> None:
    rows = records.rows_of(range(3), (0, 0, 1))
    convict(RecordScene(machine_type, records.SKETCHES, records.IN_ORDER, rows), "challengeCount")


@sends("challengeDuplicate")
def test_a_copy_that_was_kept(machine_type: MachineType) -> None:
    rows = records.rows_of(range(4), records.OWNERS[records.IN_ORDER])
    scene = RecordScene(machine_type, records.SKETCHES, records.IN_ORDER, rows)
    copy, original = (scene.record(*each) for each in records.COPY[records.IN_ORDER])
    convict(scene, "challengeDuplicate", copy, original)


@sends("challengeSketch")
def test_a_sketch_of_a_text_that_is_not_its_own(machine_type: MachineType) -> None:
    content, sketch = sketches.text_content({"text": sketches.SAID})
    wrong = bytes([sketch[0] ^ 1]) + sketch[1:]
    scene = sketches.scene_of(machine_type, wrong, content)
    convict(scene, "challengeSketch", scene.record(0, 0), content)


@sends("challengeSketch")
def test_a_sketch_of_the_largest_record(machine_type: MachineType) -> None:
    """98,000 bytes of evidence in one deposit."""
    features = bytes(range(256)) * (49_152 // 256)
    content = encode_record(Record(features, 7))
    right = sketch_of(features)
    scene = sketches.scene_of(machine_type, right[:-1] + bytes([right[-1] ^ 1]), content)
    convict(scene, "challengeSketch", scene.record(0, 0), content)


@sends("DatanetRegistry.drawParents", "challengeOwner")
def test_a_row_that_is_credited_to_nobody_it_is_of(machine_type: MachineType) -> None:
    """Contributor 1 made neither the derived record nor its parent, whatever was drawn."""
    scene = parents.ParentScene(machine_type, (parents.FIRST,))
    randomness = scene.draw()
    kept = parents.acceptance(scene, scene.given[2].id)[3]
    assert kept == int.from_bytes(randomness, "big") > 0
    drawn = drawn_parent(randomness, scene.given[2].leaves[0], scene.listed)
    scene.credit(1)
    convict(scene, "challengeOwner", *scene.owner_challenge(1 if drawn else None))


# --- Explanations -----------------------------------------------------------------------------------------


@sends("commitSpanChallenge", "challengeSpan", "challengeAnswerSpan", "challengeExplanations")
def test_explanations_that_are_false(machine_type: MachineType) -> None:
    """By the record, by the answer, by a second signature: three receipts, three slashes."""
    scene = spans.SpanScene(machine_type)
    wrong = replace(spans.RIGHT, offset=0)
    assert scene.by_record(wrong) is None
    reward_wei = scene.policy.slash_amount_wei * scene.policy.challenger_ppm // 10**6
    assert scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) == reward_wei
    other_place = (replace(spans.RIGHT, start=0),)
    said = scene.explanation(number=4)
    assert scene.accuse("challengeAnswerSpan", said, other_place, 0, spans.OUTPUT) is None
    said, other = scene.explanation(number=5), scene.explanation(number=5, output_hash=HASH)
    evidence = (other, (), scene.signed(other, ()))
    assert scene.accuse("challengeExplanations", said, (spans.RIGHT,), *evidence) is None
    assert scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) == 3 * reward_wei
