"""Drawn juries: who sits, what decides, who pays; colluding and absent jurors; redraw; money."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import ATTRIBUTION, PRECOMPILES, STAKING, TREASURY
from genesis.commitments import ROW_BYTES, vector_root
from genesis.keccak import keccak256
from genesis.shares import PPM
from genesis.types import Address, Hash32
from precompiles import attribution_interface as interface
from precompiles import gas
from precompiles.checks import INVALID_ARGUMENT
from precompiles.views import juries, l1_block
from tests.precompiles.calls import UNIT, call, number
from tests.precompiles.jury_scene import (
    JURY_POLICY,
    OTHER_VALUES,
    SALT,
    STAKE_WEI,
    VALUES,
    JuryScene,
)
from tests.precompiles.scene import HASH
from tests.precompiles.world import L1_BLOCK_TIME_S, NativeMachine, TwinMachine, origin_at

RIGHT, WRONG, NOT_AVAILABLE, NOT_PROVEN = 1, 2, 3, 4
CONTESTED, VOID = 1, 2
BOND_WEI = JURY_POLICY.challenge_bond_wei
FEE_WEI = JURY_POLICY.juror_fee_wei
SLASH_WEI = JURY_POLICY.slash_amount_wei
OUTCOME, BOND, PAY = 18, 11, 19


@pytest.fixture(params=[NativeMachine, TwinMachine])
def machine_type(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def scene(machine_type: Any) -> JuryScene:
    return JuryScene(machine_type)


# --- Opening ----------------------------------------------------------------------------------------------


def test_a_case_takes_the_bond_and_stops_the_index(scene: JuryScene) -> None:
    case_id = scene.open(1)
    row = scene.index.row(1)
    case = scene.case(case_id)
    root = vector_root(row.row, ROW_BYTES)
    assert case[1:5] == [juries.ROW, 1, int.from_bytes(root, "big"), row.exponent]
    assert case[10:14] == [3 * STAKE_WEI, BOND_WEI, scene.case(case_id)[12], 1]
    origin = origin_at(scene.machine.moment.timestamp_s) + scene.policy.jury_delay_blocks
    assert scene.drawn(case_id) == [origin, 0, scene.policy.jury_seats, 0, 0]
    scene.wait(1_000)
    assert scene.status() == CONTESTED
    assert scene.read(ATTRIBUTION, "juryCaseCount") == 1


def test_a_case_needs_a_committed_challenge_and_its_row(scene: JuryScene) -> None:
    leaf = scene.row_leaf(0)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "openRowCase", scene.index_id, HASH, leaf)
    assert refused == interface.COMMITMENT_NOT_FOUND().data
    forged = replace(leaf, exponent=3)
    refused = scene.refuse(scene.validator, ATTRIBUTION, "openRowCase", scene.index_id, HASH, forged)
    assert refused == interface.INVALID_PROOF(b"row").data
    beyond = replace(leaf, index=3)
    refused = scene.refuse(scene.validator, ATTRIBUTION, "openRowCase", scene.index_id, HASH, beyond)
    assert refused == INVALID_ARGUMENT(b"index").data
    scene.open()
    refused = scene.refuse(scene.validator, ATTRIBUTION, "openRowCase", scene.index_id, HASH, leaf)
    assert refused == interface.COMMITMENT_NOT_FOUND().data


def test_nobody_to_judge_is_said_at_once_and_costs_nothing(machine_type: Any) -> None:
    scene = JuryScene(machine_type, ())
    leaf = scene.row_leaf(0)
    refused = scene.refuse(scene.validator, ATTRIBUTION, "openRowCase", scene.index_id, HASH, leaf)
    assert refused == interface.NO_JURORS().data
    arguments = (scene.index_id, HASH)
    refused = scene.refuse(scene.validator, ATTRIBUTION, "openPreconditionerCase", *arguments)
    assert refused == interface.NO_JURORS().data


def test_a_void_index_needs_no_jury(machine_type: Any) -> None:
    scene = JuryScene(machine_type, policy=replace(JURY_POLICY, challenge_reveal_s=100))
    scene.commit_to(scene.stranger)
    scene.decide(scene.open(), scene.all_say(WRONG))
    arguments = (scene.index_id, HASH, scene.row_leaf(0))
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "openRowCase", *arguments)
    assert refused == interface.WRONG_STATUS(VOID).data


# --- Draw -------------------------------------------------------------------------------------------------


def test_the_draw_is_from_later_randomness(scene: JuryScene) -> None:
    case_id = scene.open()
    origin = scene.drawn(case_id)[0]
    juror = scene.jurors[0]
    assert scene.seats(case_id, juror) == 0
    refused = scene.refuse(juror, ATTRIBUTION, "drawJury", case_id)
    assert refused == interface.NOT_DUE_YET(origin).data
    refused = scene.refuse(juror, ATTRIBUTION, "commitVerdict", case_id, HASH)
    assert refused == interface.JURY_NOT_DRAWN(case_id, 1).data
    refused = scene.refuse(juror, ATTRIBUTION, "coordinatesOf", case_id)
    assert refused == interface.JURY_NOT_DRAWN(case_id, 1).data
    scene.draw(case_id)
    now = scene.machine.moment.timestamp_s
    _, seed, size, commit_until, reveal_until = scene.drawn(case_id)
    ring = (l1_block.RING_SLOT + origin % l1_block.RING_LENGTH).to_bytes(32, "big")
    chain_id = (31338).to_bytes(32, "big")
    drawn_by = keccak256(ring) + chain_id + case_id.to_bytes(32, "big") + (1).to_bytes(32, "big")
    assert seed == int.from_bytes(keccak256(drawn_by), "big")
    assert size == scene.policy.jury_seats
    assert commit_until == now + scene.policy.jury_commit_s
    assert reveal_until == commit_until + scene.policy.jury_reveal_s
    assert scene.refuse(juror, ATTRIBUTION, "drawJury", case_id) == interface.WRONG_STATUS(1).data


def test_equal_stakes_have_equal_seats(scene: JuryScene) -> None:
    case_id = scene.open()
    scene.draw(case_id)
    assert [scene.seats(case_id, each) for each in scene.jurors] == [1, 1, 1]
    places = scene.fields(ATTRIBUTION, "coordinatesOf", case_id)[2:]
    assert len(places) == juries.COORDINATES
    assert max(places) < scene.index.dimensions


def test_parties_are_not_drawn_and_do_not_count(machine_type: Any) -> None:
    scene = JuryScene(machine_type, (STAKE_WEI,))
    for party in (scene.owner, scene.validator):
        scene.do(party, STAKING, "stake", 1, value_wei=50 * STAKE_WEI)
    scene.wait(1)
    case_id = scene.open()
    scene.draw(case_id)
    assert scene.case(case_id)[10] == STAKE_WEI
    assert scene.seats(case_id, scene.owner) == scene.seats(case_id, scene.validator) == 0
    assert scene.seats(case_id, scene.jurors[0]) == scene.policy.jury_seats


def test_what_parties_delegated_to_others_gives_nobody_a_seat(machine_type: Any) -> None:
    """The challenger has stake in a juror's pool and in the accused's: neither weighs, and nothing twice."""
    scene = JuryScene(machine_type, (STAKE_WEI, STAKE_WEI))
    friend, other = scene.jurors
    scene.do(scene.owner, STAKING, "stake", 1, value_wei=STAKE_WEI)
    for operator, stakes in ((friend, 40), (scene.owner, 7)):
        value_wei = stakes * STAKE_WEI
        scene.do(scene.validator, STAKING, "delegate", operator.address, 1, value_wei=value_wei)
    scene.wait(1)
    scene.do(scene.validator, STAKING, "undelegate", friend.address, 1, 10 * STAKE_WEI)
    scene.wait(1)
    case_id = scene.open()
    scene.do(scene.owner, STAKING, "delegate", other.address, 1, value_wei=90 * STAKE_WEI)
    scene.draw(case_id)
    assert scene.case(case_id)[10] == 2 * STAKE_WEI
    seats = [scene.seats(case_id, each) for each in (friend, other)]
    assert all(each in {1, 2} for each in seats)
    assert scene.seats(case_id, scene.owner) == 0


def test_stake_that_comes_with_the_request_does_not_count(scene: JuryScene) -> None:
    scene.do(scene.stranger, STAKING, "stake", 1, value_wei=50 * STAKE_WEI)
    case_id = scene.open()
    scene.draw(case_id)
    assert scene.case(case_id)[10] == 3 * STAKE_WEI
    assert scene.seats(case_id, scene.stranger) == 0
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "commitVerdict", case_id, HASH)
    assert refused == interface.NOT_PARTY(scene.stranger.address).data


def test_a_stake_below_the_minimum_has_no_seat(machine_type: Any) -> None:
    scene = JuryScene(machine_type, (STAKE_WEI, JURY_POLICY.minimum_validator_stake_wei - 1))
    case_id = scene.open()
    scene.draw(case_id)
    assert scene.seats(case_id, scene.jurors[1]) == 0


def test_randomness_that_is_gone_is_awaited_again(scene: JuryScene) -> None:
    case_id = scene.open()
    scene.wait((l1_block.RING_LENGTH + scene.policy.jury_delay_blocks) * L1_BLOCK_TIME_S)
    scene.do(scene.stranger, ATTRIBUTION, "drawJury", case_id)
    now = origin_at(scene.machine.moment.timestamp_s)
    assert scene.drawn(case_id)[:2] == [now + scene.policy.jury_delay_blocks, 0]
    scene.draw(case_id)
    assert scene.drawn(case_id)[1] != 0


# --- Votes ------------------------------------------------------------------------------------------------


def test_votes_have_their_times_and_are_the_jurors_own(scene: JuryScene) -> None:
    case_id = scene.open()
    scene.draw(case_id)
    juror, other = scene.jurors[:2]
    commitment = scene.commitment(case_id, juror, WRONG)
    scene.do(juror, ATTRIBUTION, "commitVerdict", case_id, commitment)
    refused = scene.refuse(juror, ATTRIBUTION, "commitVerdict", case_id, commitment)
    assert refused == INVALID_ARGUMENT(b"juror").data
    scene.do(other, ATTRIBUTION, "commitVerdict", case_id, commitment)
    said = (case_id, WRONG, VALUES, SALT)
    commit_until, reveal_until = scene.drawn(case_id)[3:]
    refused = scene.refuse(juror, ATTRIBUTION, "revealVerdict", *said)
    assert refused == interface.WINDOW_OPEN(commit_until).data
    scene.wait(scene.policy.jury_commit_s + 1)
    refused = scene.refuse(scene.jurors[2], ATTRIBUTION, "commitVerdict", case_id, commitment)
    assert refused == interface.WINDOW_CLOSED(commit_until).data
    refused = scene.refuse(other, ATTRIBUTION, "revealVerdict", *said)
    assert refused == interface.COMMITMENT_NOT_FOUND().data
    for wrong in ((case_id, 0, VALUES, SALT), (case_id, 4, VALUES, SALT)):
        refused = scene.refuse(juror, ATTRIBUTION, "revealVerdict", *wrong)
        assert refused == INVALID_ARGUMENT(b"verdict").data
    for wrong in ((case_id, WRONG, VALUES[1:], SALT), (case_id, NOT_AVAILABLE, VALUES, SALT)):
        refused = scene.refuse(juror, ATTRIBUTION, "revealVerdict", *wrong)
        assert refused == INVALID_ARGUMENT(b"values").data
    scene.do(juror, ATTRIBUTION, "revealVerdict", *said)
    refused = scene.refuse(juror, ATTRIBUTION, "revealVerdict", *said)
    assert refused == interface.COMMITMENT_NOT_FOUND().data
    refused = scene.refuse(juror, ATTRIBUTION, "closeJuryCase", case_id)
    assert refused == interface.WINDOW_OPEN(reveal_until).data
    held = scene.fields(ATTRIBUTION, "getJuror", case_id, 1, juror.address)
    assert held[1:] == [1, int.from_bytes(juries.opinion_of(WRONG, VALUES), "big"), 0]
    scene.wait(scene.policy.jury_reveal_s)
    refused = scene.refuse(other, ATTRIBUTION, "revealVerdict", *said)
    assert refused == interface.WINDOW_CLOSED(reveal_until).data


@pytest.mark.parametrize("verdict", [WRONG, NOT_AVAILABLE])
def test_a_wrong_row_voids_the_index_and_its_signer_pays_the_jury(machine_type: Any, verdict: int) -> None:
    scene = JuryScene(machine_type)
    before_wei = scene.machine.balance(scene.validator.address)
    case_id = scene.open()
    share_ppm = scene.case(case_id)[12]
    values = b"" if verdict == NOT_AVAILABLE else VALUES
    case = scene.decide(case_id, scene.all_say(verdict, values))
    cost_wei = 3 * FEE_WEI
    assert case[OUTCOME] == verdict
    assert (case[BOND], case[PAY]) == (cost_wei, FEE_WEI)
    assert scene.status() == VOID
    assert scene.machine.balance(scene.validator.address) == before_wei + BOND_WEI - cost_wei
    reward_wei = cost_wei + (SLASH_WEI - cost_wei) * share_ppm // PPM
    assert scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) == reward_wei
    assert scene.read(ATTRIBUTION, "rewardOf", TREASURY) == SLASH_WEI - reward_wei
    assert scene.read(ATTRIBUTION, "slashedOf", scene.owner.address) == SLASH_WEI
    pay_jurors(scene, case_id, scene.jurors)
    assert scene.machine.balance(ATTRIBUTION) == 0


def pay_jurors(scene: JuryScene, case_id: int, jurors: Any) -> None:
    """Each gets its pay once."""
    for juror in jurors:
        before_wei = scene.machine.balance(juror.address)
        paid = number(scene.do(juror, ATTRIBUTION, "claimJurorPay", case_id))
        assert scene.machine.balance(juror.address) == before_wei + paid
        assert paid == FEE_WEI
        refused = scene.refuse(juror, ATTRIBUTION, "claimJurorPay", case_id)
        assert refused == interface.NOTHING_TO_CLAIM().data


def test_a_right_row_costs_its_challenger_the_bond(scene: JuryScene) -> None:
    before_wei = scene.machine.balance(scene.owner.address)
    case_id = scene.open()
    assert scene.decide(case_id, scene.all_say(RIGHT))[OUTCOME] == RIGHT
    assert scene.status() == 0
    assert scene.machine.balance(scene.owner.address) == before_wei + BOND_WEI - 3 * FEE_WEI
    pay_jurors(scene, case_id, scene.jurors)
    assert scene.machine.balance(ATTRIBUTION) == 0
    refused = scene.refuse(scene.owner, ATTRIBUTION, "closeJuryCase", case_id)
    assert refused == interface.WRONG_STATUS(RIGHT).data


def test_a_preconditioner_is_judged_without_values(scene: JuryScene) -> None:
    case_id = number(scene.do(scene.validator, ATTRIBUTION, "openPreconditionerCase", scene.index_id, HASH))
    assert scene.case(case_id)[1:4] == [juries.PRECONDITIONER, 0, int.from_bytes(HASH, "big")]
    assert scene.decide(case_id, scene.all_say(WRONG, b""))[OUTCOME] == WRONG
    assert scene.status() == VOID


# --- Collusion and absence --------------------------------------------------------------------------------


def votes_of(scene: JuryScene, colluding: int) -> dict[Any, tuple[int, bytes]]:
    """The first few say that a wrong row is right, with values they agreed upon; the others are honest."""
    lies = dict.fromkeys(scene.jurors[:colluding], (RIGHT, OTHER_VALUES))
    return {**lies, **dict.fromkeys(scene.jurors[colluding:], (WRONG, VALUES))}


def test_a_colluding_minority_is_outvoted_and_unpaid(machine_type: Any) -> None:
    scene = JuryScene(machine_type)
    case_id = scene.open()
    case = scene.decide(case_id, votes_of(scene, 1))
    assert (case[OUTCOME], case[BOND]) == (WRONG, 2 * FEE_WEI)
    refused = scene.refuse(scene.jurors[0], ATTRIBUTION, "claimJurorPay", case_id)
    assert refused == interface.NOTHING_TO_CLAIM().data
    pay_jurors(scene, case_id, scene.jurors[1:])


def test_a_colluding_two_thirds_decide_and_that_is_the_assumption(machine_type: Any) -> None:
    scene = JuryScene(machine_type)
    assert scene.decide(scene.open(), votes_of(scene, 2))[OUTCOME] == RIGHT


def test_the_same_verdict_with_other_values_is_another_opinion(machine_type: Any) -> None:
    """Who votes without the work agrees with nobody."""
    scene = JuryScene(machine_type)
    case_id = scene.open()
    guesses = [(WRONG, bytes([i]) * 16) for i in range(3)]
    case = scene.decide(case_id, dict(zip(scene.jurors, guesses, strict=True)))
    assert (case[13], case[OUTCOME]) == (2, 0)


def test_no_two_thirds_draw_a_second_jury_of_twice_the_size(machine_type: Any) -> None:
    scene = JuryScene(machine_type, (STAKE_WEI,) * 2 + (STAKE_WEI // 2,) * 2)
    case_id = scene.open()
    scene.draw(case_id)
    seats = [scene.seats(case_id, each) for each in scene.jurors]
    half = [(RIGHT, OTHER_VALUES), (WRONG, VALUES), (NOT_AVAILABLE, b""), (WRONG, VALUES)]
    voting = {j: v for j, v, n in zip(scene.jurors, half, seats, strict=True) if n}
    scene.vote(case_id, voting)
    scene.do(scene.stranger, ATTRIBUTION, "closeJuryCase", case_id)
    case = scene.case(case_id)
    assert case[13] == 2, "undecided by the seats of this draw"
    assert scene.drawn(case_id, 2)[1:3] == [0, 2 * scene.policy.jury_seats]
    scene.draw(case_id)
    sitting = [each for each in scene.jurors if scene.seats(case_id, each, 2)]
    scene.vote(case_id, dict.fromkeys(sitting, (WRONG, VALUES)), 2)
    scene.do(scene.stranger, ATTRIBUTION, "closeJuryCase", case_id)
    case = scene.case(case_id)
    assert case[OUTCOME] == WRONG
    assert case[PAY] * case[16] == case[BOND] <= BOND_WEI
    for juror in scene.jurors:
        scene.attempt(juror, ATTRIBUTION, "claimJurorPay", case_id)
    assert scene.case(case_id)[BOND] == 0
    assert scene.machine.balance(ATTRIBUTION) == 0


def test_without_a_quorum_twice_nothing_is_proved_and_the_bond_returns(scene: JuryScene) -> None:
    before_wei = scene.machine.balance(scene.validator.address)
    case_id = scene.open()
    one = {scene.jurors[0]: (WRONG, VALUES)}
    assert scene.decide(case_id, one)[13] == 2
    scene.draw(case_id)
    scene.wait(scene.policy.jury_commit_s + scene.policy.jury_reveal_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "closeJuryCase", case_id)
    assert scene.case(case_id)[OUTCOME] == NOT_PROVEN
    assert scene.status() == 0
    assert scene.machine.balance(scene.validator.address) == before_wei + BOND_WEI - FEE_WEI
    pay_jurors(scene, case_id, scene.jurors[:1])


def test_a_jury_that_stays_away_costs_the_challenger_nothing(scene: JuryScene) -> None:
    before_wei = scene.machine.balance(scene.validator.address)
    case_id = scene.open()
    for _ in range(2):
        scene.draw(case_id)
        scene.wait(scene.policy.jury_commit_s + scene.policy.jury_reveal_s + 1)
        scene.do(scene.stranger, ATTRIBUTION, "closeJuryCase", case_id)
    assert scene.case(case_id)[OUTCOME] == NOT_PROVEN
    assert scene.machine.balance(scene.validator.address) == before_wei + BOND_WEI


def test_an_absent_juror_loses_stake_once_a_round(scene: JuryScene) -> None:
    case_id = scene.open()
    scene.draw(case_id)
    present, absent = scene.jurors[:2], scene.jurors[2]
    punish = (case_id, 1, absent.address)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "punishAbsence", *punish)
    assert refused == interface.WINDOW_OPEN(scene.drawn(case_id)[4]).data
    scene.vote(case_id, dict.fromkeys(present, (WRONG, VALUES)))
    scene.do(scene.stranger, ATTRIBUTION, "closeJuryCase", case_id)
    for innocent in (present[0].address, scene.stranger.address):
        refused = scene.refuse(scene.stranger, ATTRIBUTION, "punishAbsence", case_id, 1, innocent)
        assert refused == interface.NOT_PARTY(innocent).data
    scene.do(scene.stranger, ATTRIBUTION, "punishAbsence", *punish)
    lost_wei = scene.policy.absence_slash_wei
    assert scene.read(ATTRIBUTION, "validatorSlashedOf", absent.address) == lost_wei
    reward_wei = lost_wei * scene.policy.challenger_ppm // PPM
    assert scene.read(ATTRIBUTION, "rewardOf", scene.stranger.address) == reward_wei
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "punishAbsence", *punish)
    assert refused == interface.NOT_PARTY(absent.address).data
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "punishAbsence", case_id, 2, absent.address)
    assert refused == INVALID_ARGUMENT(b"round").data


def test_unknown_cases(scene: JuryScene) -> None:
    unknown = interface.JURY_CASE_NOT_FOUND(1).data
    for name in ("drawJury", "closeJuryCase", "claimJurorPay", "getJuryCase", "coordinatesOf"):
        assert scene.refuse(scene.stranger, ATTRIBUTION, name, 1) == unknown
    assert scene.refuse(scene.stranger, ATTRIBUTION, "seatsOf", 1, 1, bytes(20)) == unknown
    case_id = scene.open()
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "getJuryDraw", case_id, 2)
    assert refused == INVALID_ARGUMENT(b"round").data


# --- Money and gas ----------------------------------------------------------------------------------------

OPINIONS = ((RIGHT, VALUES), (WRONG, VALUES), (WRONG, OTHER_VALUES), (NOT_AVAILABLE, b""), None)
"""None is a juror that stays away."""


@settings(max_examples=40, deadline=None)
@given(
    stakes=st.lists(st.integers(100, 900), min_size=1, max_size=6),
    rounds=st.lists(st.lists(st.sampled_from(OPINIONS), min_size=6, max_size=6), min_size=2, max_size=2),
)
def test_every_outcome_keeps_the_money(stakes: list[int], rounds: list[list[Any]]) -> None:
    """What the bond was is, in the end, with the jurors, the challenger or the accused, to the wei; and what
    slashes took is what they credit."""
    scene = JuryScene(NativeMachine, [stake * UNIT for stake in stakes])
    accounts = [*scene.jurors, scene.owner, scene.validator, scene.stranger]
    before_wei = sum(scene.machine.balance(each.address) for each in accounts) + BOND_WEI
    case_id = scene.open()
    for number_, opinions in enumerate(rounds, 1):
        scene.draw(case_id)
        pairs = zip(scene.jurors, opinions, strict=False)
        seated = [pair for pair in pairs if pair[1] and scene.seats(case_id, pair[0], number_)]
        scene.vote(case_id, dict(seated), number_)
        scene.do(scene.stranger, ATTRIBUTION, "closeJuryCase", case_id)
        if scene.case(case_id)[OUTCOME]:
            break
    assert scene.case(case_id)[OUTCOME] != 0
    for juror in scene.jurors:
        scene.attempt(juror, ATTRIBUTION, "claimJurorPay", case_id)
        for number_ in (1, 2):
            scene.attempt(scene.stranger, ATTRIBUTION, "punishAbsence", case_id, number_, juror.address)
    assert scene.case(case_id)[BOND] == scene.machine.balance(ATTRIBUTION) == 0
    assert sum(scene.machine.balance(each.address) for each in accounts) == before_wei
    owed = [TREASURY, *(each.address for each in accounts)]
    lost = [scene.read(ATTRIBUTION, "validatorSlashedOf", each.address) for each in scene.jurors]
    slashed_wei = scene.read(ATTRIBUTION, "slashedOf", scene.owner.address) + sum(lost)
    assert sum(scene.read(ATTRIBUTION, "rewardOf", each) for each in owed) == slashed_wei


def test_a_verdict_out_of_gas_leaves_no_trace() -> None:
    scene = JuryScene(NativeMachine)
    case_id = scene.open()
    scene.draw(case_id)
    scene.vote(case_id, scene.all_say(WRONG))
    sent = call(scene.stranger.address, ATTRIBUTION, "closeJuryCase", case_id)
    before = {address: scene.machine.storage(address) for address in PRECOMPILES}
    price = gas.CALL + 2 * gas.INPUT_WORD + gas.ATTRIBUTION["closeJuryCase"].base
    for limit in (*range(0, price, 9_973), price - 1):
        outcome = scene.native.call(sent, gas_limit=limit)
        assert (outcome.succeeded, outcome.data, outcome.logs) == (False, None, ())
        assert {address: scene.machine.storage(address) for address in PRECOMPILES} == before
    assert scene.native.call(sent, gas_limit=price).succeeded
    assert scene.status() == VOID


# --- The lot ----------------------------------------------------------------------------------------------


def test_seats_follow_stake() -> None:
    """Over 2,000 draws each of five stakes gets its part of the seats within five standard errors, and one
    stake in two halves as many as whole."""
    stakes = [1, 2, 5, 12, 80]
    accounts = [Address(bytes([i + 1]) * 20) for i in range(len(stakes))]
    draws, size, total = 2_000, 24, sum(stakes)
    for account, stake in zip(accounts, stakes, strict=True):
        mean = _mean_seats(account, stake, draws, size, total)
        rest = size * stake / total % 1
        error = 5 * (rest * (1 - rest) / draws) ** 0.5
        assert abs(mean - size * stake / total) <= error + 1e-9
    halves = [_mean_seats(account, 6, draws, size, total) for account in accounts[:2]]
    assert abs(sum(halves) - size * 12 / total) < 0.15


def _mean_seats(account: Address, stake: int, draws: int, size: int, total: int) -> float:
    seeds = (keccak256(i.to_bytes(32, "big")) for i in range(draws))
    return sum(juries.seats_by_lot(Hash32(seed), size, account, stake, total) for seed in seeds) / draws
