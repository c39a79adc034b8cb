import numpy as np
import pytest
from torch import Tensor

from tests.workers.influence.models import SMALL, classifier, vectors
from workers.errors import InvalidInputError
from workers.influence import Attributor, FeatureIndex
from workers.influence.featureindex import RowPart
from workers.influence.spotcheck import draw_places, spot_check

DATA = vectors(60)


def fetch(places: object) -> tuple[Tensor, ...]:
    return tuple(column[list(places)] for column in DATA)  # type: ignore[call-overload]  # a sequence of places


def test_forged_rows_are_named_and_honest_ones_pass() -> None:
    attributor = Attributor(classifier(), SMALL)
    index = attributor.fit(DATA)
    places = draw_places(b"seed", [1] * 60, 20)
    assert spot_check(index, attributor, fetch, places).wrong == ()
    mantissas = index.mantissas()
    forged = places[7]
    mantissas[forged, 0] ^= 3
    bad = FeatureIndex((RowPart(mantissas, index.exponents(), index.self_influence),), attributor.committed)
    found = spot_check(bad, attributor, fetch, places)
    assert found.wrong == (forged,)
    assert found.places == tuple(sorted(set(places)))


def test_three_hundred_draws_catch_one_per_cent() -> None:
    earnings = np.random.default_rng(0).integers(0, 1_000, 10_000).tolist()
    corrupt = set(np.random.default_rng(1).choice(10_000, 100, replace=False).tolist())
    caught = [bool(corrupt & set(draw_places(bytes([n]), earnings, 300))) for n in range(200)]
    assert 0.9 < np.mean(caught) <= 1.0


def test_rich_rows_are_drawn_more() -> None:
    earnings = [0] * 999 + [10**30]
    assert draw_places(b"x", earnings, 50) == (999,) * 50
    assert draw_places(b"x", [5] * 7, 3) == draw_places(b"x", [5] * 7, 3)
    assert draw_places(b"x", [5] * 7, 30) != draw_places(b"y", [5] * 7, 30)


def test_bad_questions_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        draw_places(b"", [], 1)
