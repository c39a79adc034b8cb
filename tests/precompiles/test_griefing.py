"""Griefing has a price: what it costs to bother somebody wrongly is more than what the answer costs them.

Victims answer in transactions, so their cost is gas times the base fee; who bothers them puts a fee or a bond
at risk, which the victim gets. So each has a base fee up to which it holds; networks start at 1 gwei. Where
nothing is at risk, nothing of the victim's may move: a passage contested in vain, a request nobody answers.
"""

import pytest

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, PRECOMPILES
from genesis.policy import DEFAULT_POLICY, DEV_POLICY, Policy
from genesis.shares import SplitRule, split_fee
from precompiles import gas
from precompiles.table import CONTRACTS
from precompiles.views.attribution import RowEvidence
from tests.precompiles import test_metering_requests as requests
from tests.precompiles.calls import calldata, method
from tests.precompiles.scene import HASH, Scene
from tests.precompiles.test_attribution_spans import OUTPUT, RIGHT, SpanScene
from tests.precompiles.world import NativeMachine

GWEI = 10**9
LEAST_BASE_FEE_WEI = 50 * GWEI
"""Fifty times what networks start with."""
MARGIN_PARTS, MARGIN_WHOLE = 3, 2
"""A demand's fee is one and a half times its answer's gas (protocol, section 3 "Challenges")."""
ROUNDS = 8
"""Sixteen ways over 2^32 rows."""
ROW = RowEvidence(1, 1, 1, 7, b"\x55" * 65_536, (HASH,) * 32)


def cost_gas(name: str, arguments: tuple[object, ...], counts: tuple[int, ...]) -> int:
    """Gas of a transaction that calls a method, the floor of calldata included."""
    data = calldata(ATTRIBUTION, name, *arguments)
    price = CONTRACTS[ATTRIBUTION].prices[method(ATTRIBUTION, name).selector]
    zeros = data.count(0)
    floor = 21_000 + 10 * zeros + 40 * (len(data) - zeros)
    plain = 21_000 + 4 * zeros + 16 * (len(data) - zeros)
    return max(floor, plain + price.total((gas.words(data), *counts)))


ANSWER_GAS = cost_gas("answerDemand", (1, b"\x77" * 16_385), (513,))
GAME_GAS = ROUNDS * cost_gas("answerSumGame", (1, (2**255,) * 16), (16,)) + cost_gas(
    "proveSumGame", (1, ROW), (65_536, 32)
)

JUROR_GAS = sum(
    cost_gas(name, arguments, ())
    for name, arguments in (
        ("commitVerdict", (1, HASH)),
        ("revealVerdict", (1, 2, b"\x99" * 32, HASH)),
        ("claimJurorPay", (1,)),
    )
)


@pytest.mark.parametrize("policy", [DEFAULT_POLICY, DEV_POLICY], ids=["default", "dev"])
def test_a_demand_pays_its_answer_and_more(policy: Policy) -> None:
    fair_wei = ANSWER_GAS * LEAST_BASE_FEE_WEI * MARGIN_PARTS // MARGIN_WHOLE
    assert policy.demand_fee_wei >= fair_wei


@pytest.mark.parametrize("policy", [DEFAULT_POLICY, DEV_POLICY], ids=["default", "dev"])
def test_a_game_against_a_right_sum_costs_more_than_its_defence(policy: Policy) -> None:
    assert policy.challenge_bond_wei > GAME_GAS * LEAST_BASE_FEE_WEI


@pytest.mark.parametrize("policy", [DEFAULT_POLICY, DEV_POLICY], ids=["default", "dev"])
def test_a_wrong_challenge_costs_its_bond_and_its_victim_nothing(policy: Policy) -> None:
    """A post's signer has nothing to do while a challenge is pending; the bond goes to the contributors."""
    commit_gas = cost_gas("commitChallenge", (1, HASH), ())
    assert policy.challenge_bond_wei > 100 * commit_gas * GWEI


@pytest.mark.parametrize("policy", [DEFAULT_POLICY, DEV_POLICY], ids=["default", "dev"])
def test_a_case_in_vain_pays_both_juries_and_the_accused(policy: Policy) -> None:
    """Who is accused has nothing to send; what the juries leave of the bond is for the wait."""
    juries_wei = (1 + 2) * policy.jury_seats * policy.juror_fee_wei
    assert policy.challenge_bond_wei > juries_wei


@pytest.mark.parametrize("policy", [DEFAULT_POLICY, DEV_POLICY], ids=["default", "dev"])
def test_a_seat_pays_more_than_its_vote(policy: Policy) -> None:
    assert policy.juror_fee_wei > JUROR_GAS * LEAST_BASE_FEE_WEI


def test_gas_of_answers_and_games_is_as_documented() -> None:
    assert FIGURES == {"answerDemand": ANSWER_GAS, "sum game": GAME_GAS, "vote": JUROR_GAS}


FIGURES = {"answerDemand": 677_950, "sum game": 3_895_434, "vote": 750_085}
"""Gas of the longest answer, of the longest defence, and of a juror from its commitment to its pay. It moves
with the price table."""


# --- Nothing at risk, nothing moved -----------------------------------------------------------------------


def test_a_passage_contested_in_vain_costs_its_provider_nothing() -> None:
    """No bond is asked: all that stays is the commitment, and its sender paid for both transactions."""
    scene = SpanScene(NativeMachine)
    before = {address: scene.machine.storage(address) for address in PRECOMPILES}
    balance_wei = scene.machine.balance(scene.provider.address)
    for number in range(3):
        said = scene.explanation(number=number)
        assert scene.accuse("challengeAnswerSpan", said, (RIGHT,), 0, OUTPUT) is not None
    after = {address: scene.machine.storage(address) for address in PRECOMPILES}
    assert after.pop(ATTRIBUTION).items() >= before.pop(ATTRIBUTION).items()
    assert after == before
    assert scene.machine.balance(scene.provider.address) == balance_wei


def test_a_dispute_costs_its_sender_more_than_the_provider() -> None:
    """The fee is neither side's: the payer loses all of it, the provider its part."""
    scene = Scene()
    scene.channel()
    payer_wei = scene.machine.balance(scene.payer.address)
    request_id = requests.ask(scene, gas=0, tip=0)
    requests.fulfil(scene, request_id)
    scene.do(scene.payer, INFERENCE_METERING, "disputeRequest", request_id)
    lost_wei = payer_wei - scene.machine.balance(scene.payer.address)
    policy = scene.policy
    rule = SplitRule(policy.platform_ppm, policy.provider_ppm, policy.owner_ppm, policy.stakers_ppm)
    assert lost_wei == requests.FEE > 2 * split_fee(requests.FEE, rule).provider_wei


def test_a_request_that_nobody_answers_costs_the_provider_nothing() -> None:
    scene = Scene()
    scene.channel()
    names = ("earningsOf", "heldOf")
    before = [scene.read(INFERENCE_METERING, name, scene.provider.address) for name in names]
    request_id = requests.ask(scene)
    scene.wait(101)
    scene.do(scene.stranger, INFERENCE_METERING, "refundRequest", request_id)
    after = [scene.read(INFERENCE_METERING, name, scene.provider.address) for name in names]
    assert after == before
    assert scene.fields(INFERENCE_METERING, "statisticsOf", scene.provider.address) == [0] * 5
