"""Whether to challenge, to defend, to end a challenge or a line: what is not a move in a line. Pure.

Covered: one side's interest, at a given second of the L1. Not covered: moves (`moves`), juries (`jury`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from genesis.types import Address, Hash32
from rollup_bridge.challenger.records import (
    CHALLENGERS_PHASES,
    DEFENDERS_PHASES,
    Challenge,
    Line,
    Phase,
    Status,
)

_MARGIN = 10
"""One part of the window in so many is too short to count on."""
_LATE = 0.5
"""Part of a root's window after which jurors challenge too, if nobody else has."""


@dataclass(frozen=True, slots=True)
class Output:
    """An output that is not final; `own_root` is what our chain says, None if it has no word on it yet."""

    index: int
    root: Hash32
    own_root: Hash32 | None
    proposed_s: int
    submission_id: int
    proposer: Address

    @property
    def is_wrong(self) -> bool:
        return self.own_root is not None and self.own_root != self.root


@dataclass(frozen=True, slots=True)
class Stance:
    """Who we are. `judges` says whether this account is a juror of the root's epoch: then it leaves the
    challenge to others for a while, because a party cannot judge."""

    me: Address
    now_s: int
    window_s: int
    clock_s: int


def in_time(wrong: Sequence[tuple[Output, int]], stance: Stance) -> Sequence[tuple[Output, int]]:
    """Wrong outputs, oldest first, without those whose window may close before a challenge is mined; all of
    them if there are no others. Who wakes late attacks what it still can."""
    margin_s = stance.window_s // _MARGIN
    open_long = [found for found in wrong if found[0].proposed_s + stance.window_s - stance.now_s > margin_s]
    return open_long or wrong


def should_challenge(
    output: Output, stance: Stance, challenges: Iterable[Challenge], *, judges: bool
) -> bool:
    """Whether to challenge a wrong root now. Another's challenge is no reason not to: it may mean to lose.
    What we proposed ourselves we leave to others: winning against oneself would make light of the slash."""
    if (
        not output.is_wrong
        or output.proposer == stance.me
        or stance.now_s >= output.proposed_s + stance.window_s
    ):
        return False
    about = [other for other in challenges if other.submission_id == output.submission_id]
    if any(other.challenger == stance.me for other in about):
        return False
    return not judges or (not about and stance.now_s >= output.proposed_s + _LATE * stance.window_s)


def should_defend(challenge: Challenge, lines: Sequence[Line], stance: Stance, *, is_right: bool) -> bool:
    """Whether to open a line. Whether we may is the contract's to say."""
    return (
        is_right
        and challenge.status is Status.OPEN
        and challenge.challenger != stance.me
        and stance.now_s <= challenge.created_s + stance.clock_s
        and all(line.defender != stance.me for line in lines)
    )


def my_turn(challenge: Challenge, line: Line, me: Address) -> bool:
    """Whether the next move of a line is ours."""
    if line.phase in CHALLENGERS_PHASES:
        return challenge.challenger == me
    return line.phase in DEFENDERS_PHASES and line.defender == me


def may_time_out(line: Line, now_s: int) -> bool:
    """Whether the clock of whoever's move it is has run out."""
    deadline_s = line.deadline_s()
    return deadline_s is not None and now_s > deadline_s


def may_resolve(challenge: Challenge, stance: Stance, *, stands: bool) -> bool:
    """Whether a challenge can be ended: won, or void because its root is gone."""
    if challenge.status is not Status.OPEN:
        return False
    all_broken = challenge.broken_lines == challenge.lines
    return not stands or (all_broken and stance.now_s > challenge.created_s + stance.clock_s)


def may_release(challenge: Challenge, line: Line, *, stands: bool) -> bool:
    """Whether a line's bond is held for a challenge that ended without it."""
    ended = challenge.status is not Status.OPEN or not stands
    return ended and line.phase < Phase.HELD


def is_interested(challenge: Challenge, lines: Iterable[Line], me: Address) -> bool:
    """Whether we have money in a challenge."""
    return challenge.challenger == me or any(line.defender == me for line in lines)
