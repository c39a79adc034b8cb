"""Duties, moves and jury acts as pure rules: whose turn, what is due, what is left to others."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.keccak import keccak256
from genesis.types import ZERO_HASH, Address, Hash32
from rollup_bridge.challenger.duties import (
    Output,
    Stance,
    in_time,
    may_release,
    may_resolve,
    may_time_out,
    my_turn,
    should_challenge,
    should_defend,
)
from rollup_bridge.challenger.jury import Act, Now, juror_act, public_act, salt_of
from rollup_bridge.challenger.moves import (
    Choose,
    ClaimAt,
    JudgeInputs,
    OpeningAt,
    OutputAt,
    SayMiddle,
    SayOpening,
    WitnessFor,
    move,
    question,
)
from rollup_bridge.challenger.ports import BlockOpening
from rollup_bridge.challenger.records import Case, Challenge, Line, Phase, Status, Verdict, Vote
from rollup_bridge.challenger.settled import REORG_BLOCKS, Settled

ME, THEM, PROPOSER = (Address(bytes([number]) * 20) for number in (1, 2, 3))
RIGHT, WRONG = keccak256(b"right"), keccak256(b"wrong")
STANCE = Stance(ME, now_s=100, window_s=1_000, clock_s=300)
OUTPUT = Output(0, WRONG, RIGHT, proposed_s=50, submission_id=7, proposer=PROPOSER)
CHALLENGE = Challenge(
    id=0,
    output_index=0,
    output_root=WRONG,
    challenger=THEM,
    proposer=PROPOSER,
    submission_id=7,
    created_s=90,
    proposed_block=5,
    proposed_s=50,
    l2_number=8,
    lines=1,
    broken_lines=0,
    l1_head=ZERO_HASH,
    status=Status.OPEN,
    proven_wrong=False,
)
LINE = Line(
    id=0,
    challenge_id=0,
    defender=ME,
    phase=Phase.CLAIM,
    inputs_disputed=False,
    low=4,
    high=8,
    block_number=0,
    moved_s=95,
    challenger_s=300,
    defender_s=200,
    transaction_count=0,
    witness_parts=0,
    low_claim=RIGHT,
    high_claim=WRONG,
    middle_claim=ZERO_HASH,
    inputs_hash=ZERO_HASH,
    witness_hash=ZERO_HASH,
)
CASE = Case(10, 0, 0, 0, 0, 0, 0, 0, Verdict.PENDING, paid=False, claim=RIGHT)
DRAWN = replace(CASE, commit_until_s=100, reveal_until_s=200, seats=7)
VOTE = Vote(ZERO_HASH, ZERO_HASH, 2, revealed=False, settled=False)


class TestDuties:
    def test_a_wrong_root_is_challenged_whoever_else_does(self) -> None:
        assert should_challenge(OUTPUT, STANCE, [], judges=False)
        assert should_challenge(OUTPUT, STANCE, [CHALLENGE], judges=False)

    @pytest.mark.parametrize(
        "output",
        [
            replace(OUTPUT, own_root=WRONG),
            replace(OUTPUT, own_root=None),
            replace(OUTPUT, proposer=ME),
            replace(OUTPUT, proposed_s=-900),
        ],
        ids=["right", "unknown", "own", "final"],
    )
    def test_what_is_not_challenged(self, output: Output) -> None:
        assert not should_challenge(output, STANCE, [], judges=False)

    def test_who_wakes_late_attacks_what_it_still_can(self) -> None:
        closing, open_long = replace(OUTPUT, proposed_s=-850), replace(OUTPUT, index=1)
        assert in_time([(closing, 5), (open_long, 6)], STANCE) == [(open_long, 6)]
        assert in_time([(closing, 5)], STANCE) == [(closing, 5)]
        assert in_time([], STANCE) == []

    def test_an_output_is_challenged_once(self) -> None:
        assert not should_challenge(OUTPUT, STANCE, [replace(CHALLENGE, challenger=ME)], judges=False)

    def test_a_juror_leaves_it_to_others_for_half_the_window(self) -> None:
        late = replace(STANCE, now_s=550)
        assert not should_challenge(OUTPUT, STANCE, [], judges=True)
        assert should_challenge(OUTPUT, late, [], judges=True)
        assert not should_challenge(OUTPUT, late, [CHALLENGE], judges=True)

    def test_a_right_root_is_defended_once_in_time_and_not_against_oneself(self) -> None:
        others = [replace(LINE, defender=THEM)]
        assert should_defend(CHALLENGE, others, STANCE, is_right=True)
        assert not should_defend(CHALLENGE, others, STANCE, is_right=False)
        assert not should_defend(CHALLENGE, [LINE], STANCE, is_right=True)
        assert not should_defend(CHALLENGE, [], replace(STANCE, now_s=391), is_right=True)
        assert not should_defend(replace(CHALLENGE, challenger=ME), [], STANCE, is_right=True)

    def test_each_phase_is_one_sides_turn(self) -> None:
        mine = {phase for phase in Phase if my_turn(CHALLENGE, replace(LINE, phase=phase), ME)}
        theirs = {phase for phase in Phase if my_turn(CHALLENGE, replace(LINE, phase=phase), THEM)}
        assert mine == {Phase.CLAIM, Phase.OPEN_BLOCK, Phase.WITNESS}
        assert theirs == {Phase.CHOOSE, Phase.JUDGE_INPUTS}

    def test_a_clock_runs_for_whoever_moves(self) -> None:
        assert not may_time_out(LINE, 295)
        assert may_time_out(LINE, 296)
        assert not may_time_out(replace(LINE, phase=Phase.CHOOSE), 395)
        assert may_time_out(replace(LINE, phase=Phase.CHOOSE), 396)
        assert not may_time_out(replace(LINE, phase=Phase.VERDICT), 10_000)

    def test_when_a_challenge_ends(self) -> None:
        late = replace(STANCE, now_s=391)
        broken = replace(CHALLENGE, broken_lines=1)
        assert may_resolve(broken, late, stands=True)
        assert not may_resolve(broken, STANCE, stands=True)
        assert not may_resolve(CHALLENGE, late, stands=True)
        assert may_resolve(CHALLENGE, STANCE, stands=False)
        assert not may_resolve(replace(broken, status=Status.FAILED), late, stands=False)
        assert may_release(CHALLENGE, LINE, stands=False)
        assert not may_release(CHALLENGE, LINE, stands=True)
        assert not may_release(CHALLENGE, replace(LINE, phase=Phase.BROKEN), stands=False)


class TestMoves:
    STEPS = replace(LINE, block_number=6, low=0, high=5)

    def test_both_sides_ask_the_same(self) -> None:
        for phase in (Phase.CLAIM, Phase.CHOOSE):
            assert question(replace(LINE, phase=phase)) == OutputAt(6)
            assert question(replace(self.STEPS, phase=phase)) == ClaimAt(6, 2)
        for phase in (Phase.OPEN_BLOCK, Phase.JUDGE_INPUTS):
            assert question(replace(LINE, phase=phase)) == OpeningAt(8)
        assert question(replace(self.STEPS, phase=Phase.WITNESS)) == WitnessFor(6, 5)
        disputed = replace(self.STEPS, phase=Phase.WITNESS, inputs_disputed=True)
        assert question(disputed) == WitnessFor(6, 0)
        assert question(replace(LINE, phase=Phase.VERDICT)) is None

    def test_the_defender_says_and_the_challenger_compares(self) -> None:
        assert move(LINE, RIGHT) == SayMiddle(RIGHT)
        chooses = replace(LINE, phase=Phase.CHOOSE, middle_claim=RIGHT)
        assert move(chooses, RIGHT) == Choose(middle_is_right=True)
        assert move(chooses, WRONG) == Choose(middle_is_right=False)

    def test_every_part_of_an_opening_counts(self) -> None:
        opening = BlockOpening(RIGHT, 3, WRONG)
        assert move(replace(LINE, phase=Phase.OPEN_BLOCK), opening) == SayOpening(opening)
        said = replace(
            LINE, phase=Phase.JUDGE_INPUTS, inputs_hash=RIGHT, transaction_count=3, middle_claim=WRONG
        )
        assert move(said, opening) == JudgeInputs(are_right=True)
        for other in (
            replace(opening, inputs_hash=WRONG),
            replace(opening, transaction_count=4),
            replace(opening, claim=RIGHT),
        ):
            assert move(said, other) == JudgeInputs(are_right=False)

    @given(low=st.integers(0, 2**32), size=st.integers(2, 2**32), first_lie=st.integers(1, 2**32))
    def test_bisection_ends_at_the_first_lie(self, low: int, size: int, first_lie: int) -> None:
        first_lie = low + 1 + first_lie % size
        line, rounds = replace(LINE, low=low, high=low + size), 0
        while line.high - line.low > 1:
            is_right = line.middle < first_lie
            line = replace(line, low=line.middle) if is_right else replace(line, high=line.middle)
            rounds += 1
        assert line.high == first_lie
        assert rounds <= size.bit_length()


class TestJury:
    def test_a_case_is_drawn_after_its_block_and_ends_when_all_have_spoken(self) -> None:
        assert public_act(CASE, Now(10, 0)) is None
        assert public_act(CASE, Now(11, 0)) is Act.DRAW
        assert public_act(CASE, Now(10 + 8_192, 0)) is Act.DRAW_AGAIN
        assert public_act(DRAWN, Now(11, 199)) is None
        assert public_act(DRAWN, Now(11, 200)) is Act.CONCLUDE
        assert public_act(replace(DRAWN, revealed_seats=7), Now(11, 150)) is Act.CONCLUDE
        assert public_act(replace(DRAWN, verdict=Verdict.RIGHT), Now(11, 200)) is None
        assert public_act(replace(CASE, draw_block=0), Now(11, 0)) is None

    def test_commit_then_reveal(self) -> None:
        committed = replace(VOTE, commitment=RIGHT)
        assert juror_act(DRAWN, VOTE, Now(11, 99)) is Act.COMMIT
        assert juror_act(DRAWN, VOTE, Now(11, 100)) is None, "too late"
        assert juror_act(DRAWN, committed, Now(11, 99)) is None
        assert juror_act(replace(DRAWN, committed_seats=7), committed, Now(11, 99)) is Act.REVEAL
        assert juror_act(DRAWN, committed, Now(11, 100)) is Act.REVEAL
        assert juror_act(DRAWN, committed, Now(11, 200)) is None
        assert juror_act(DRAWN, replace(committed, revealed=True), Now(11, 100)) is None
        assert juror_act(DRAWN, replace(VOTE, seats=0), Now(11, 99)) is None

    def test_salts_differ_by_secret_case_and_round(self) -> None:
        salts: set[Hash32] = {
            salt_of(secret, case, round_) for secret in (b"a", b"b") for case in (0, 1) for round_ in (0, 1)
        }
        assert len(salts) == 8


class TestSettled:
    def test_a_number_is_left_out_once_no_reorg_can_give_it_to_another(self) -> None:
        settled = Settled()
        assert settled.finish(3, block=100)
        assert not settled.finish(3, block=130)
        assert not settled.stands(3, block=100 + REORG_BLOCKS - 1)
        assert settled.stands(3, block=100 + REORG_BLOCKS)
        assert not settled.stands(4, block=1_000)

    def test_what_is_open_again_has_to_finish_again(self) -> None:
        settled = Settled()
        settled.finish(3, block=100)
        settled.reopen(3)
        assert settled.finish(3, block=150)
        assert not settled.stands(3, block=170)
