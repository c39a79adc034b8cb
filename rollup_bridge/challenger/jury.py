"""What a juror, and whoever else wants a verdict, does about a case next. Pure.

The salt of a vote comes from the juror's secret and the case, so that a juror that was restarted between its
two words still knows what it promised; the value it computes again.
"""

from dataclasses import dataclass
from enum import Enum, auto

from eth_abi.abi import encode

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from rollup_bridge.challenger.records import Case, Verdict, Vote

_BLOCK_HASH_REACH = 8_191


class Act(Enum):
    """Anybody's: the first three. A juror's: the others."""

    DRAW = auto()
    DRAW_AGAIN = auto()
    CONCLUDE = auto()
    COMMIT = auto()
    REVEAL = auto()


@dataclass(frozen=True, slots=True)
class Now:
    """The L1's head."""

    block: int
    second: int


def public_act(case: Case, now: Now) -> Act | None:
    """What brings the case on, whoever does it."""
    if case.verdict is not Verdict.PENDING or not case.draw_block:
        return None
    if not case.is_drawn:
        if now.block > case.draw_block + _BLOCK_HASH_REACH:
            return Act.DRAW_AGAIN
        return Act.DRAW if now.block > case.draw_block else None
    is_over = now.second >= case.reveal_until_s or (case.seats > 0 and case.revealed_seats == case.seats)
    return Act.CONCLUDE if is_over else None


def juror_act(case: Case, vote: Vote, now: Now) -> Act | None:
    """What this juror owes the case now."""
    if case.verdict is not Verdict.PENDING or not case.is_drawn or not vote.seats:
        return None
    if not any(vote.commitment):
        return Act.COMMIT if now.second < case.commit_until_s else None
    if vote.revealed or now.second >= case.reveal_until_s:
        return None
    everybody_committed = case.committed_seats == case.seats
    return Act.REVEAL if everybody_committed or now.second >= case.commit_until_s else None


def is_due_pay(case: Case, vote: Vote) -> bool:
    """Whether a decided case owes this juror money."""
    agreed = (vote.value == case.claim) == (case.verdict is Verdict.RIGHT)
    decided = case.verdict in (Verdict.RIGHT, Verdict.WRONG)
    return bool(decided and case.paid and vote.seats and vote.revealed and agreed and not vote.settled)


def is_due_fine(case: Case, vote: Vote) -> bool:
    """Whether a juror was drawn and kept silent."""
    return bool(case.verdict is not Verdict.PENDING and vote.seats and not vote.revealed and not vote.settled)


def salt_of(secret: bytes, case_id: int, round_: int) -> Hash32:
    """The salt of our vote."""
    return keccak256(secret + encode(["uint256", "uint256"], [case_id, round_]))


def commitment_of(case_id: int, round_: int, juror: Address, value: Hash32, salt: Hash32) -> Hash32:
    """As `JuryVerifier.reveal` computes it."""
    types = ["uint256", "uint256", "address", "bytes32", "bytes32"]
    return keccak256(encode(types, [case_id, round_, juror, value, salt]))
