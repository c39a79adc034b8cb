"""What a drawn jury does: it is drawn from later L1 randomness, commits, reveals, and its opinion decides.

Jurors commit to a verdict together with their own recomputed values at coordinates that the draw chooses, so
a vote without the work agrees with nobody: an opinion is the verdict and all values. Two thirds of the
revealed seats with one opinion decide, if half of the seats were revealed; else once more a jury of twice the
size is drawn, whose seats are added to the first's; and if that does not decide, nothing is proved. Who wins
has its bond's rest; the loser pays the jury: a challenger from its bond, the accused from its slash.

Covered: draw, commit, reveal, decision and its consequences. Not covered: who opens a case
(`attribution_jury_cases`, `attribution_query_cases`), pay and absence (`attribution_jurors`).
Source: protocol, section 3 "Challenges" (jury and draws).
"""

from dataclasses import replace

from genesis.addresses import ATTRIBUTION
from genesis.commitments import word
from genesis.keccak import keccak256
from genesis.types import ZERO_HASH, Hash32
from precompiles import gas
from precompiles.attribution_indexes import void_index_by_default
from precompiles.attribution_interface import (
    COMMITMENT_NOT_FOUND,
    JURY_CASE_CLOSED,
    JURY_CASE_NOT_FOUND,
    JURY_DRAWN,
    JURY_NOT_DRAWN,
    JURY_REDRAWN,
    NOT_DUE_YET,
    NOT_PARTY,
    VERDICT_COMMITTED,
    VERDICT_REVEALED,
    WINDOW_CLOSED,
    WINDOW_OPEN,
    WRONG_STATUS,
)
from precompiles.attribution_jury_cases import ask_for_draw
from precompiles.attribution_verdict import Award, void_by_default, void_without_blame
from precompiles.checks import require
from precompiles.host import Host
from precompiles.slots import add_to_slot, store_struct, update_struct
from precompiles.views import attribution as view
from precompiles.views import juries, l1_block, policy
from precompiles.views.juries import Juror, JuryCase, JuryDraw


def draw_jury(host: Host, case_id: int) -> None:
    """Draw the round that waits, by anybody, once its L1 block is there; await another if it is gone."""
    gas.charge(host, gas.ATTRIBUTION["drawJury"])
    found = _open_case(host, case_id)
    asked = juries.draw(host, case_id, found.rounds)
    if asked.seed != ZERO_HASH:
        raise WRONG_STATUS(found.rounds)
    if l1_block.origin(host) < asked.origin:
        raise NOT_DUE_YET(asked.origin)
    randomness = l1_block.randomness(host, asked.origin)
    if randomness is None:
        origin = ask_for_draw(host, case_id, found, asked.size)
        JURY_REDRAWN.emit(host, case_id, found.rounds, origin)
        return
    commit_s = policy.parameter(host, found.policy_version, "jury_commit_s")
    reveal_s = policy.parameter(host, found.policy_version, "jury_reveal_s")
    drawn = replace(
        asked,
        seed=keccak256(randomness + word(host.chain_id) + word(case_id) + word(found.rounds)),
        commit_until_s=host.timestamp_s + commit_s,
        reveal_until_s=host.timestamp_s + commit_s + reveal_s,
    )
    update_struct(host, juries.draw_slot(case_id, found.rounds), juries.JURY_DRAW, asked, drawn)
    times = (drawn.commit_until_s, drawn.reveal_until_s)
    JURY_DRAWN.emit(host, case_id, found.rounds, drawn.seed, drawn.size, *times)


def commit_verdict(host: Host, case_id: int, commitment: Hash32) -> None:
    """A juror's word, hidden, for all its seats in the current round."""
    gas.charge(host, gas.ATTRIBUTION["commitVerdict"])
    found, drawn = _drawn_case(host, case_id)
    if host.timestamp_s > drawn.commit_until_s:
        raise WINDOW_CLOSED(drawn.commit_until_s)
    require(commitment != ZERO_HASH, "commitment")
    seats = juries.seats(host, found, drawn, host.caller)
    if seats == 0:
        raise NOT_PARTY(host.caller)
    require(juries.juror(host, case_id, found.rounds, host.caller).commitment == ZERO_HASH, "juror")
    slot = juries.juror_slot(case_id, found.rounds, host.caller)
    store_struct(host, slot, juries.JUROR, Juror(commitment, seats, ZERO_HASH, 0))
    VERDICT_COMMITTED.emit(host, case_id, host.caller, found.rounds, seats)


def reveal_verdict(host: Host, case_id: int, verdict: int, values: bytes, salt: Hash32) -> None:
    """Open what was committed; it counts for the juror's seats."""
    gas.charge(host, gas.ATTRIBUTION["revealVerdict"])
    found, drawn = _drawn_case(host, case_id)
    if host.timestamp_s <= drawn.commit_until_s:
        raise WINDOW_OPEN(drawn.commit_until_s)
    if host.timestamp_s > drawn.reveal_until_s:
        raise WINDOW_CLOSED(drawn.reveal_until_s)
    require(juries.RIGHT <= verdict <= juries.NOT_AVAILABLE, "verdict")
    size = 0 if verdict == juries.NOT_AVAILABLE else juries.VALUES_BYTES[found.subject]
    require(len(values) == size, "values")
    own = juries.juror(host, case_id, found.rounds, host.caller)
    opened = juries.commitment_of(case_id, found.rounds, host.caller, verdict, values, salt)
    if own.commitment != opened or own.opinion != ZERO_HASH:
        raise COMMITMENT_NOT_FOUND()
    opinion = juries.opinion_of(verdict, values)
    slot = juries.juror_slot(case_id, found.rounds, host.caller)
    update_struct(host, slot, juries.JUROR, own, replace(own, opinion=opinion))
    _count(host, case_id, found, own.seats, opinion, verdict)
    VERDICT_REVEALED.emit(host, case_id, host.caller, verdict, values)


def close_jury_case(host: Host, case_id: int) -> None:
    """After the reveals, by anybody: decide, or ask for the second jury."""
    gas.charge(host, gas.ATTRIBUTION["closeJuryCase"])
    found, drawn = _drawn_case(host, case_id)
    if host.timestamp_s <= drawn.reveal_until_s:
        raise WINDOW_OPEN(drawn.reveal_until_s)
    is_decided = _is_decided(host, case_id, found)
    if not is_decided and found.rounds < juries.ROUNDS:
        again = replace(found, rounds=found.rounds + 1)
        update_struct(host, juries.case_slot(case_id), juries.JURY_CASE, found, again)
        origin = ask_for_draw(host, case_id, again, 2 * drawn.size)
        JURY_REDRAWN.emit(host, case_id, again.rounds, origin)
        return
    _close(host, case_id, found, found.leader_verdict if is_decided else juries.NOT_PROVEN)


def existing_case(host: Host, case_id: int) -> JuryCase:
    """The case, or a revert."""
    if not 0 < case_id <= juries.case_count(host):
        raise JURY_CASE_NOT_FOUND(case_id)
    return juries.case(host, case_id)


def _open_case(host: Host, case_id: int) -> JuryCase:
    found = existing_case(host, case_id)
    if found.outcome != juries.OPEN:
        raise WRONG_STATUS(found.outcome)
    return found


def _drawn_case(host: Host, case_id: int) -> tuple[JuryCase, JuryDraw]:
    """An open case whose current round is drawn."""
    found = _open_case(host, case_id)
    drawn = juries.draw(host, case_id, found.rounds)
    if drawn.seed == ZERO_HASH:
        raise JURY_NOT_DRAWN(case_id, found.rounds)
    return found, drawn


def _count(  # noqa: PLR0917 - one vote
    host: Host, case_id: int, found: JuryCase, seats: int, opinion: Hash32, verdict: int
) -> None:
    """Add a vote's seats, and note the opinion that leads."""
    slot = juries.opinion_slot(case_id, opinion)
    held = host.load(ATTRIBUTION, slot) + seats
    host.store(slot, held)
    counted = replace(found, revealed=found.revealed + seats)
    if held > found.leader_seats:
        counted = replace(counted, leader=opinion, leader_seats=held, leader_verdict=verdict)
    update_struct(host, juries.case_slot(case_id), juries.JURY_CASE, found, counted)


def _is_decided(host: Host, case_id: int, found: JuryCase) -> bool:
    """Half of the drawn seats were revealed, and two thirds of those agree."""
    drawn = sum(juries.draw(host, case_id, number).size for number in range(1, found.rounds + 1))
    has_quorum = found.revealed > 0 and 2 * found.revealed >= drawn
    return has_quorum and 3 * found.leader_seats >= 2 * found.revealed


def _close(host: Host, case_id: int, found: JuryCase, outcome: int) -> None:
    """Keep the jury's pay, give the rest of the bond to who won, and slash the accused if it lost."""
    seats = found.revealed if outcome == juries.NOT_PROVEN else found.leader_seats
    fee_wei = policy.parameter(host, found.policy_version, "juror_fee_wei")
    pay_wei = min(fee_wei, found.bond_wei // seats) if seats else 0
    cost_wei = pay_wei * seats
    closed = replace(found, outcome=outcome, pay_per_seat_wei=pay_wei, bond_wei=cost_wei)
    update_struct(host, juries.case_slot(case_id), juries.JURY_CASE, found, closed)
    add_to_slot(host, ATTRIBUTION, view.open_disputes_slot(found.key), -1)
    if outcome in {juries.WRONG, juries.NOT_AVAILABLE}:
        _convict(host, found, outcome, Award(found.share_ppm, cost_wei))
    _return_rest(host, found, outcome, found.bond_wei - cost_wei)
    JURY_CASE_CLOSED.emit(host, case_id, outcome, pay_wei)


def _return_rest(host: Host, found: JuryCase, outcome: int, rest_wei: int) -> None:
    """What the jury leaves of the bond: to who won, or to the fund that paid an audit."""
    if found.subject == juries.AUDIT:
        add_to_slot(host, ATTRIBUTION, juries.AUDIT_FUND_SLOT, rest_wei)
    elif rest_wei:
        host.transfer(found.accused if outcome == juries.RIGHT else found.challenger, rest_wei)


def _convict(host: Host, found: JuryCase, outcome: int, award: Award) -> None:
    """A query that is wrong is its provider's; everything else is the index's, and costs a post on it."""
    if found.subject == juries.QUERY and outcome == juries.WRONG:
        void_by_default(host, found.key, found.challenger, found.settlement_id, award)
        return
    is_of_post = found.key < view.INDEX_KEY
    index_id = view.post(host, found.key).feature_index if is_of_post else found.key - view.INDEX_KEY
    cost_wei = 0 if found.subject == juries.AUDIT else award.cost_wei
    void_index_by_default(host, index_id, found.challenger, replace(award, cost_wei=cost_wei))
    if is_of_post:
        void_without_blame(host, found.key, found.challenger)
