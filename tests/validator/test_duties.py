"""A juror's next move, from what the chain says and the time alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.types import Address, Hash32
from openledger_node.validator.duties import CaseView, Duty, has_pay, has_time_to_try, next_duty
from precompiles.views.juries import NOT_PROVEN, OPEN, WRONG, Juror, JuryCase, JuryDraw

NONE, WORD = Hash32(bytes(32)), Hash32(b"\x07" * 32)
SOMEBODY = Address(b"\x01" * 20)
CASE = JuryCase(
    1, 1, 0, WORD, 0, 0, SOMEBODY, SOMEBODY, 1, 9, 100, 10, 0, 1, 0, NONE, 0, 0, OPEN, 0, SOMEBODY
)
DRAWN = JuryDraw(5, WORD, 3, 100, 200)
NOTHING = Juror(NONE, 0, NONE, 0)
COMMITTED, REVEALED = Juror(WORD, 2, NONE, 0), Juror(WORD, 2, WORD, 0)


def view(now_s: int, own: Juror = NOTHING, seats: int = 2) -> CaseView:
    return CaseView(now_s, CASE, DRAWN, seats, (own,))


@pytest.mark.parametrize(
    ("seen", "duty"),
    [
        (replace(view(50), draw=replace(DRAWN, seed=NONE)), Duty.DRAW),
        (view(100), Duty.COMMIT),
        (view(100, seats=0), Duty.WAIT),
        (view(100, COMMITTED), Duty.WAIT),
        (view(101, COMMITTED), Duty.REVEAL),
        (view(200, COMMITTED), Duty.REVEAL),
        (view(101), Duty.WAIT),
        (view(150, REVEALED), Duty.WAIT),
        (view(201, COMMITTED), Duty.CLOSE),
        (view(201, seats=0), Duty.CLOSE),
    ],
)
def test_moves_follow_the_windows(seen: CaseView, duty: Duty) -> None:
    assert next_duty(seen) is duty


@pytest.mark.parametrize(
    ("outcome", "own", "is_paid"),
    [
        (WRONG, REVEALED, True),
        (WRONG, replace(REVEALED, opinion=Hash32(b"\x08" * 32)), False),
        (NOT_PROVEN, replace(REVEALED, opinion=Hash32(b"\x08" * 32)), True),
        (WRONG, replace(REVEALED, settled=1), False),
        (WRONG, COMMITTED, False),
    ],
)
def test_pay_is_for_who_revealed_with_the_majority(outcome: int, own: Juror, is_paid: bool) -> None:
    closed = replace(CASE, outcome=outcome, leader=WORD, pay_per_seat_wei=1)
    seen = replace(view(300, own), case=closed)
    assert has_pay(seen) is is_paid
    assert next_duty(seen) is (Duty.COLLECT if is_paid else Duty.DONE)


@given(st.integers(0, 400), st.sampled_from([NOTHING, COMMITTED, REVEALED]), st.integers(0, 3))
def test_nothing_is_said_twice(now_s: int, own: Juror, seats: int) -> None:
    duty = next_duty(view(now_s, own, seats))
    assert duty is not Duty.COMMIT or own.commitment == NONE
    assert duty is not Duty.REVEAL or (own.commitment != NONE and own.opinion == NONE)


def test_half_of_the_time_is_for_looking() -> None:
    assert has_time_to_try(view(49), 100)
    assert not has_time_to_try(view(50), 100)
