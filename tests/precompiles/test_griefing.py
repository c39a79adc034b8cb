"""Griefing has a price: what it costs to bother somebody wrongly is more than what the answer costs them.

Victims answer in transactions, so their cost is gas times the base fee; who bothers them puts a fee or a bond
at risk, which the victim gets. So each has a base fee up to which it holds; networks start at 1 gwei.
"""

import pytest

from genesis.addresses import ATTRIBUTION
from genesis.policy import DEFAULT_POLICY, DEV_POLICY, Policy
from precompiles import gas
from precompiles.table import CONTRACTS
from precompiles.views.attribution import RowEvidence
from tests.precompiles.calls import calldata, method
from tests.precompiles.scene import HASH

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


def test_the_figures() -> None:
    assert (FIGURES["answerDemand"], FIGURES["sum game"]) == (ANSWER_GAS, GAME_GAS)


FIGURES = {"answerDemand": 677_950, "sum game": 3_895_434}
"""Gas of the longest answer, and of the longest defence; moves with the price table."""
