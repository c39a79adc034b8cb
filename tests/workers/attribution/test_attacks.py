"""The attack suite as regression tests: the twentieth of twenty contributors cheats, a fair share is 5 %.

Figures over eight seeds are in `benchmarks/attribution/README.md`; here one or two seeds and the bound that
no single seed passed there.
"""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.attribution import attacks
from benchmarks.attribution.attacks import ATTACKER, ATTACKS, DIMENSIONS, Deployed, World
from workers.attribution.numerics import weighted_query
from workers.attribution.profile import paid_profile, paid_task
from workers.determinism import use_determinism
from workers.influence import Attributor
from workers.influence.verify import preconditioner_residual
from workers.integers import ROW_SCALE, row_integers
from workers.training.model import scale_features

HIGHEST_SEEN = 0.062
GONE = {
    "ten records x 5",
    "ten records x 5, noise .02",
    "copies of others, noise .02",
    "wrong labels",
    "uniform noise",
}


@pytest.fixture(scope="module")
def world() -> World:
    use_determinism()
    return attacks.make_world(1)


@pytest.fixture(scope="module")
def deployed(world: World) -> Deployed:
    return attacks.deploy(world, attacks.honest, 1)


@pytest.mark.parametrize("name", [name for name in ATTACKS if name != "honest"])
def test_a_cheater_earns_no_more_than_a_fair_share(name: str) -> None:
    use_determinism()
    world = attacks.make_world(2)
    found = attacks.shares_of(attacks.deploy(world, ATTACKS[name], 2), world.queries)
    assert found[ATTACKER] <= (0.02 if name in GONE else HIGHEST_SEEN)
    assert found[:-1].sum() >= 1 - HIGHEST_SEEN
    assert np.median(found[:-1]) > 0.04


def test_splitting_into_sybils_gains_nothing(world: World) -> None:
    whole = attacks.deploy(world, attacks.honest, 1)
    split = attacks.deploy(world, attacks.honest, 1, extra=4)
    one = attacks.shares_of(whole, world.queries)[ATTACKER]
    many = attacks.shares_of(split, world.queries)[ATTACKER:]
    assert len(many) == 5
    # Scores are linear: only clipping and significance could make a difference.
    assert many.sum() <= one * 1.02


def test_wash_trading_costs_more_than_it_returns(world: World, deployed: Deployed) -> None:
    """Asking about one's own records pays back a part of the contributors' 45 % of the fee."""
    own = world.pixels[-attacks.EACH :]
    returned = attacks.shares_of(deployed, own)[ATTACKER]
    assert returned < 0.25
    assert 0.45 * returned < 0.12


def test_the_best_single_query_for_oneself_costs_more_than_it_returns(
    world: World, deployed: Deployed
) -> None:
    best = max(
        attacks.shares_of(deployed, world.pixels[place : place + 1])[ATTACKER]
        for place in range(len(world.pixels) - 12, len(world.pixels))
    )
    assert 0.45 * best < 0.45  # even a batch that pays the asker alone returns less than half of its fee


def test_crafted_queries_against_a_rival_move_only_their_own_batch(world: World, deployed: Deployed) -> None:
    attributor = Attributor(paid_task(deployed.model), paid_profile(DIMENSIONS))
    sums = attributor.fit(deployed.data).contributor_sums(deployed.owners)
    spare = scale_features(world.spare[0])
    asked = attributor.query(spare)
    against = asked[np.argsort(asked.astype(np.int64) @ sums[0])[:20]]
    honest = attributor.query(scale_features(world.queries))
    attacked = attacks.payout(sums, weighted_query(against, [10**9] * 20))
    untouched = attacks.payout(sums, weighted_query(honest, [10**9] * len(honest)))
    assert attacked[0] == 0.0
    # A batch holds one payer's receipts: the rival's earnings from others are computed without these queries.
    assert untouched[0] > 0.03
    assert attacked[ATTACKER] < 0.25


def test_rounding_boundaries_are_worth_next_to_nothing(world: World, deployed: Deployed) -> None:
    """A poster who moves every coordinate that the tolerance lets it move, always to its own gain."""
    attributor = Attributor(paid_task(deployed.model), paid_profile(DIMENSIONS))
    index = attributor.fit(deployed.data)
    (one,) = attributor.runner.passes(deployed.data)
    real, _ = attributor.row_features(one)
    steps = 2.0 ** index.exponents()[:, None].astype(np.float64)
    scaled = real * ROW_SCALE / steps
    near = np.abs(scaled - np.floor(scaled) - 0.5) <= attributor.profile.tolerance_lsb
    query = np.array(
        weighted_query(attributor.query(scale_features(world.queries)), [1] * len(world.queries)), float
    )
    own = deployed.owners == ATTACKER
    honest_score = (row_integers(index.mantissas(), index.exponents())[own].sum(axis=0) * query).sum()
    gain = (near * steps * np.abs(query))[own].sum()
    assert 0 < gain / honest_score < 0.02


def test_a_rigged_preconditioner_is_far_from_the_honest_one(deployed: Deployed) -> None:
    """Curvature of one's own records alone is legal arithmetic: only recomputation can tell, and
    does."""
    honest = Attributor(paid_task(deployed.model), paid_profile(DIMENSIONS))
    index = honest.fit(deployed.data)
    inputs, labels = deployed.data
    own = deployed.owners[deployed.canonical] == ATTACKER
    rigged = Attributor(paid_task(deployed.model), replace(paid_profile(DIMENSIONS)))
    rigged.fit((inputs[own], labels[own]))
    assert rigged.committed != honest.committed
    moved = rigged.rows(deployed.data)
    assert (moved.mantissas() != index.mantissas()).mean() > 0.5
    assert preconditioner_residual(honest, deployed.data) < 1e-10
    assert preconditioner_residual(rigged, deployed.data) > 0.01
