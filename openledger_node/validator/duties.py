"""What an account has to do next about a case before a jury: one pure decision over what the chain says.

Times are those of blocks. A move is made when the newest block's time allows it, since that is what an
estimate of gas is made by.
"""

from dataclasses import dataclass
from enum import StrEnum

from precompiles.views.juries import NOT_PROVEN, OPEN, Juror, JuryCase, JuryDraw

NO_WORD = bytes(32)
MARGIN_PARTS = 2
"""The last part, 1/2, of the time to commit is for saying that something is not available."""


class Duty(StrEnum):
    """A juror's move, or anybody's (`DRAW`, refused until the L1 block that draws is there, and `CLOSE`)."""

    DRAW = "draw"
    COMMIT = "commit"
    REVEAL = "reveal"
    CLOSE = "close"
    COLLECT = "collect"
    WAIT = "wait"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as one account sees it: its newest round's draw, the account's seats in it, and what the account
    did in every round so far, in order."""

    now_s: int
    case: JuryCase
    draw: JuryDraw
    seats: int
    own: tuple[Juror, ...]


def next_duty(view: CaseView) -> Duty:
    """The next move; `WAIT` when only time or others can make it."""
    if view.case.outcome != OPEN:
        return Duty.COLLECT if has_pay(view) else Duty.DONE
    if view.draw.seed == NO_WORD:
        return Duty.DRAW
    word = view.own[-1]
    if view.now_s <= view.draw.commit_until_s:
        return Duty.COMMIT if view.seats and word.commitment == NO_WORD else Duty.WAIT
    if view.now_s <= view.draw.reveal_until_s:
        is_hidden = word.commitment != NO_WORD and word.opinion == NO_WORD
        return Duty.REVEAL if is_hidden else Duty.WAIT
    return Duty.CLOSE


def has_pay(view: CaseView) -> bool:
    """Whether a closed case owes the account something."""
    case = view.case
    return case.pay_per_seat_wei > 0 and any(
        each.opinion != NO_WORD
        and not each.settled
        and (case.outcome == NOT_PROVEN or each.opinion == case.leader)
        for each in view.own
    )


def has_time_to_try(view: CaseView, commit_s: int) -> bool:
    """Whether there is time to look for what is missing before it must be called not available."""
    return view.now_s < view.draw.commit_until_s - commit_s // MARGIN_PARTS
