"""Sum games: a wrong sum loses whatever its signer answers, a right one wins against whatever is disputed."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import ATTRIBUTION
from precompiles import attribution_interface as interface
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.evidence import Row
from tests.precompiles.index_scene import INDEX_POLICY, IndexScene
from tests.precompiles.world import NativeMachine, TwinMachine

ANSWER, CHOICE, PROOF = 1, 2, 3


def rows_of(count: int, seed: int) -> list[Row]:
    random = Random(seed)
    rows = []
    for i in range(count):
        canonical = random.randrange(i + 1) if random.random() < 0.2 else i
        top = random.choice((-127, 127, 100, -64))
        values = (top, random.randrange(-127, 128), 0)
        rows.append(Row(random.randrange(3), canonical, random.randrange(4), values))
    return rows


@pytest.fixture(params=[NativeMachine, TwinMachine])
def machine_type(request: pytest.FixtureRequest) -> Any:
    return request.param


def answer(scene: IndexScene, game_id: int, partials: list[int]) -> None:
    scene.do(scene.owner, ATTRIBUTION, "answerSumGame", game_id, partials)


def lied_partials(scene: IndexScene, game_id: int, random: Random) -> list[int]:
    """Answers that add up to what is claimed, wherever the signer hides the difference."""
    partials = scene.true_partials(game_id)
    difference = (scene.game(game_id)[6] - sum(partials)) % 2**256
    place = random.randrange(len(partials))
    partials[place] = (partials[place] + difference) % 2**256
    return partials


def play(scene: IndexScene, game_id: int, random: Random) -> int:
    """Both sides as well as they can until one row is left; returns how many rounds that took."""
    rounds = 0
    while scene.game(game_id)[8] != PROOF:
        partials = lied_partials(scene, game_id, random)
        answer(scene, game_id, partials)
        true = scene.true_partials(game_id)
        wrong = [i for i, (told, right) in enumerate(zip(partials, true, strict=True)) if told != right]
        choice = random.choice(wrong or range(len(partials)))
        scene.do(scene.validator, ATTRIBUTION, "chooseSumGame", game_id, partials, choice)
        rounds += 1
    return rounds


@settings(max_examples=12, deadline=None)
@given(
    count=st.sampled_from([3, 15, 16, 17, 40, 256, 257]),
    by=st.sampled_from([1, -1, 10**6, -(10**9)]),
    seed=st.integers(0, 2**32),
)
def test_a_wrong_sum_always_loses(count: int, by: int, seed: int) -> None:
    random = Random(seed)
    scene = IndexScene(NativeMachine, rows_of(count, seed))
    contributor, coordinate = random.randrange(3), random.randrange(3)
    scene.commit_rows(scene.with_sum(contributor, coordinate, by))
    game_id = scene.dispute(contributor, coordinate)
    rounds = play(scene, game_id, random)
    assert rounds <= 3
    row = scene.index.row(scene.game(game_id)[4])
    before = scene.machine.balance(scene.validator.address)
    scene.do(scene.stranger, ATTRIBUTION, "proveSumGame", game_id, row)
    assert scene.status() == 2
    bond, slash = scene.policy.challenge_bond_wei, scene.policy.slash_amount_wei
    assert scene.machine.balance(scene.validator.address) == before + bond
    assert scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) == slash * 3 // 10
    assert scene.read(ATTRIBUTION, "slashedOf", scene.owner.address) == slash
    assert scene.machine.balance(ATTRIBUTION) == 0


@settings(max_examples=8, deadline=None)
@given(count=st.sampled_from([3, 5, 16, 50]), seed=st.integers(0, 2**32))
def test_a_right_sum_always_wins(count: int, seed: int) -> None:
    random = Random(seed)
    scene = IndexScene(NativeMachine, rows_of(count, seed))
    scene.commit_rows()
    game_id = scene.dispute(random.randrange(3), random.randrange(3))
    assert scene.status() == 1
    play(scene, game_id, random)
    before = scene.machine.balance(scene.owner.address)
    row = scene.index.row(scene.game(game_id)[4])
    scene.do(scene.stranger, ATTRIBUTION, "proveSumGame", game_id, row)
    assert scene.machine.balance(scene.owner.address) == before + scene.policy.challenge_bond_wei
    scene.wait(INDEX_POLICY.index_window_s)
    assert scene.status() == 0
    assert scene.read(ATTRIBUTION, "slashedOf", scene.owner.address) == 0


def test_both_machines_play_alike(machine_type: Any) -> None:
    scene = IndexScene(machine_type, rows_of(20, 1))
    scene.commit_rows(scene.with_sum(1, 0, -5))
    game_id = scene.dispute(1, 0)
    assert play(scene, game_id, Random(2)) in (1, 2)
    scene.do(scene.owner, ATTRIBUTION, "proveSumGame", game_id, scene.index.row(scene.game(game_id)[4]))
    assert scene.status() == 2
    over = interface.WRONG_STATUS(0).data
    assert scene.refuse(scene.stranger, ATTRIBUTION, "endSumGame", game_id) == over


@pytest.mark.parametrize("turn", [ANSWER, CHOICE, PROOF])
def test_who_does_not_move_loses(machine_type: Any, turn: int) -> None:
    scene = IndexScene(machine_type, rows_of(5, 3))
    scene.commit_rows()
    game_id = scene.dispute(0, 0)
    partials = scene.true_partials(game_id)
    if turn != ANSWER:
        answer(scene, game_id, partials)
    if turn == PROOF:
        scene.do(scene.validator, ATTRIBUTION, "chooseSumGame", game_id, partials, 4)
    assert scene.game(game_id)[8] == turn
    until = scene.machine.moment.timestamp_s + INDEX_POLICY.demand_window_s
    scene.wait(INDEX_POLICY.demand_window_s)
    early = interface.WINDOW_OPEN(until).data
    assert scene.refuse(scene.stranger, ATTRIBUTION, "endSumGame", game_id) == early
    scene.wait(1)
    late = interface.WINDOW_CLOSED(until).data
    moves = {
        ANSWER: (scene.owner, "answerSumGame", (partials,)),
        CHOICE: (scene.validator, "chooseSumGame", (partials, 0)),
        PROOF: (scene.owner, "proveSumGame", (scene.index.row(4),)),
    }
    mover, name, arguments = moves[turn]
    assert scene.refuse(mover, ATTRIBUTION, name, game_id, *arguments) == late
    scene.do(scene.stranger, ATTRIBUTION, "endSumGame", game_id)
    assert scene.status() == (0 if turn == CHOICE else 2)


def test_moves_have_rules(machine_type: Any) -> None:
    scene = IndexScene(machine_type, rows_of(20, 4))
    scene.commit_rows()
    game_id = scene.dispute(0, 0)
    partials = scene.true_partials(game_id)
    foreign = interface.NOT_PARTY(scene.stranger.address).data
    assert scene.refuse(scene.stranger, ATTRIBUTION, "answerSumGame", game_id, partials) == foreign
    few = INVALID_ARGUMENT(b"partials").data
    assert scene.refuse(scene.owner, ATTRIBUTION, "answerSumGame", game_id, partials[:-1]) == few
    claimed = scene.game(game_id)[6]
    wrong = [(partials[0] + 1) % 2**256, *partials[1:]]
    failed = interface.CHALLENGE_FAILED(claimed, (claimed + 1) % 2**256).data
    assert scene.refuse(scene.owner, ATTRIBUTION, "answerSumGame", game_id, wrong) == failed
    turn = interface.WRONG_STATUS(ANSWER).data
    assert scene.refuse(scene.validator, ATTRIBUTION, "chooseSumGame", game_id, partials, 0) == turn
    answer(scene, game_id, partials)
    assert scene.refuse(scene.stranger, ATTRIBUTION, "chooseSumGame", game_id, partials, 0) == foreign
    other = interface.INVALID_PROOF(b"partials").data
    assert scene.refuse(scene.validator, ATTRIBUTION, "chooseSumGame", game_id, wrong, 0) == other
    beyond = INVALID_ARGUMENT(b"choice").data
    assert scene.refuse(scene.validator, ATTRIBUTION, "chooseSumGame", game_id, partials, 16) == beyond
    scene.do(scene.validator, ATTRIBUTION, "chooseSumGame", game_id, partials, 0)
    place = scene.game(game_id)[4]
    elsewhere = scene.index.row(place + 1)
    refused = scene.refuse(scene.owner, ATTRIBUTION, "proveSumGame", game_id, elsewhere)
    assert refused == INVALID_ARGUMENT(b"index").data
    absent = interface.GAME_NOT_FOUND(9).data
    assert scene.refuse(scene.owner, ATTRIBUTION, "endSumGame", 9) == absent


def test_two_games_end_apart_and_slash_once(machine_type: Any) -> None:
    scene = IndexScene(machine_type, rows_of(3, 5))
    scene.commit_rows()
    games = [scene.dispute(0, 0), scene.dispute(1, 1)]
    scene.wait(INDEX_POLICY.demand_window_s + 1)
    for game_id in games:
        scene.do(scene.stranger, ATTRIBUTION, "endSumGame", game_id)
    slash = scene.policy.slash_amount_wei
    assert scene.read(ATTRIBUTION, "slashedOf", scene.owner.address) == slash
    assert scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) == slash * 3 // 10
    assert scene.machine.balance(ATTRIBUTION) == 0
