"""What jurors get and lose: pay for an opinion that decided, a slash for a seat left empty; and the readings.

Pay is taken from what the case kept of the bond, at most the policy's fee for a seat. Who was drawn and did
not reveal loses the policy's amount of validator stake in each such round, whatever the case's outcome; who
shows it gets the challenger's share.
Source: protocol, section 3 "Challenges" (jury and draws), "Staking" (missed jury duty).
"""

from collections.abc import Sequence
from dataclasses import replace

from genesis.addresses import ATTRIBUTION, TREASURY
from genesis.shares import PPM
from genesis.types import ZERO_HASH, Address
from precompiles import gas
from precompiles.attribution_interface import (
    ABSENCE_PUNISHED,
    JUROR_PAID,
    JURY_NOT_DRAWN,
    NOT_PARTY,
    NOTHING_TO_CLAIM,
    WINDOW_OPEN,
    WRONG_STATUS,
)
from precompiles.attribution_juries import existing_case
from precompiles.attribution_verdict import credit_reward
from precompiles.checks import require
from precompiles.host import Host
from precompiles.slots import add_to_slot, update_struct
from precompiles.views import attribution as view
from precompiles.views import juries, models, policy, staking
from precompiles.views.juries import Juror, JuryCase, JuryDraw


def claim_juror_pay(host: Host, case_id: int) -> int:
    """Pay the caller for its seats in both rounds of a closed case."""
    gas.charge(host, gas.ATTRIBUTION["claimJurorPay"])
    found = existing_case(host, case_id)
    if found.outcome == juries.OPEN:
        raise WRONG_STATUS(found.outcome)
    amount_wei = sum(_settle(host, case_id, found, number) for number in range(1, found.rounds + 1))
    if amount_wei == 0:
        raise NOTHING_TO_CLAIM()
    paid = replace(found, bond_wei=found.bond_wei - amount_wei)
    update_struct(host, juries.case_slot(case_id), juries.JURY_CASE, found, paid)
    host.transfer(host.caller, amount_wei)
    JUROR_PAID.emit(host, case_id, host.caller, amount_wei)
    return amount_wei


def punish_absence(host: Host, case_id: int, number: int, account: Address) -> None:
    """Slash a juror that was drawn for a round and did not reveal; by anybody."""
    gas.charge(host, gas.ATTRIBUTION["punishAbsence"])
    found = existing_case(host, case_id)
    drawn = juries.draw(host, case_id, _checked_round(found, number))
    if drawn.seed == ZERO_HASH:
        raise JURY_NOT_DRAWN(case_id, number)
    if host.timestamp_s <= drawn.reveal_until_s:
        raise WINDOW_OPEN(drawn.reveal_until_s)
    own = juries.juror(host, case_id, number, account)
    is_absent = own.opinion == ZERO_HASH and own.settled == 0
    if not is_absent or juries.seats(host, found, drawn, account) == 0:
        raise NOT_PARTY(account)
    slash_wei = policy.parameter(host, found.policy_version, "absence_slash_wei")
    slashed_wei = min(slash_wei, staking.slashable(host, account, staking.VALIDATOR))
    if slashed_wei == 0:
        raise NOTHING_TO_CLAIM()
    slot = juries.juror_slot(case_id, number, account)
    update_struct(host, slot, juries.JUROR, own, replace(own, settled=1))
    add_to_slot(host, ATTRIBUTION, view.account_slot(view.VALIDATOR_SLASHED_SLOT, account), slashed_wei)
    reward_wei = slashed_wei * policy.parameter(host, found.policy_version, "challenger_ppm") // PPM
    credit_reward(host, host.caller, reward_wei)
    credit_reward(host, TREASURY, slashed_wei - reward_wei)
    ABSENCE_PUNISHED.emit(host, case_id, account, number, slashed_wei, reward_wei)


def seats_of(host: Host, case_id: int, number: int, account: Address) -> int:
    """An account's seats in a round; none are known before the draw."""
    gas.charge(host, gas.ATTRIBUTION["seatsOf"])
    found = existing_case(host, case_id)
    return juries.seats(host, found, juries.draw(host, case_id, number), account)


def coordinates_of(host: Host, case_id: int) -> Sequence[int]:
    """The coordinates whose values jurors of both rounds reveal."""
    gas.charge(host, gas.ATTRIBUTION["coordinatesOf"])
    found = existing_case(host, case_id)
    seed = juries.draw(host, case_id, 1).seed
    if seed == ZERO_HASH:
        raise JURY_NOT_DRAWN(case_id, 1)
    return juries.coordinates(seed, _dimensions(host, found))


def get_jury_case(host: Host, case_id: int) -> JuryCase:
    """One case."""
    gas.charge(host, gas.ATTRIBUTION["getJuryCase"])
    return existing_case(host, case_id)


def get_jury_draw(host: Host, case_id: int, number: int) -> JuryDraw:
    """One round of a case."""
    gas.charge(host, gas.ATTRIBUTION["getJuryDraw"])
    return juries.draw(host, case_id, _checked_round(existing_case(host, case_id), number))


def get_juror(host: Host, case_id: int, number: int, account: Address) -> Juror:
    """What an account did in a round of a case; zeros when it did nothing."""
    gas.charge(host, gas.ATTRIBUTION["getJuror"])
    return juries.juror(host, case_id, _checked_round(existing_case(host, case_id), number), account)


def jury_case_count(host: Host) -> int:
    """How many cases were ever opened; ids count from 1."""
    gas.charge(host, gas.ATTRIBUTION["juryCaseCount"])
    return juries.case_count(host)


def validator_slashed_of(host: Host, account: Address) -> int:
    """All that missed jury duty took from an account's validator stake."""
    gas.charge(host, gas.ATTRIBUTION["validatorSlashedOf"])
    return view.validator_slashed_of(host, account)


def _checked_round(found: JuryCase, number: int) -> int:
    require(0 < number <= found.rounds, "round")
    return number


def _settle(host: Host, case_id: int, found: JuryCase, number: int) -> int:
    """What the caller earned in a round, which is noted as paid."""
    own = juries.juror(host, case_id, number, host.caller)
    is_paid = own.opinion != ZERO_HASH and own.settled == 0
    has_won = found.outcome == juries.NOT_PROVEN or own.opinion == found.leader
    if not is_paid or not has_won:
        return 0
    slot = juries.juror_slot(case_id, number, host.caller)
    update_struct(host, slot, juries.JUROR, own, replace(own, settled=1))
    return own.seats * found.pay_per_seat_wei


def _dimensions(host: Host, found: JuryCase) -> int:
    index_id = found.key - view.INDEX_KEY
    if found.key < view.INDEX_KEY:
        index_id = view.post(host, found.key).feature_index
    return models.feature_index(host, index_id).dimensions
