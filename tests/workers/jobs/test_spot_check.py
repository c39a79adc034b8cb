"""Rows recomputed: honest ones pass, one changed coordinate is found, draws follow the money."""

from dataclasses import replace

import numpy as np
import pytest

from tests.workers.conftest import DIMENSIONS, Chain
from workers.artifacts.store import ArtifactId
from workers.attribution.index import Rows, publish_index, read_index, read_rows
from workers.errors import InvalidInputError
from workers.jobs.spot_check import earnings, spot_check
from workers.jobs.table import run_job
from workers.protocol import BigInt, SettledBatch, SpotCheckRequest
from workers.protocol.codec import to_json

SEED = bytes(range(32))


def republished(chain: Chain, rows: Rows) -> ArtifactId:
    """The index with other rows under the same names."""
    index = read_index(chain.store, chain.index.index)
    named = {
        "manifest": index.manifest,
        "preconditioner": index.preconditioner,
        "numeric_profile": index.numeric_profile,
    }
    return publish_index(chain.store, named, rows, index.sums)


def rows_of(chain: Chain) -> Rows:
    rows = read_rows(chain.store, read_index(chain.store, chain.index.index).rows)
    return replace(rows, mantissas=rows.mantissas.copy())


def test_an_honest_index_passes_and_known_rows_are_not_computed_again(chain: Chain) -> None:
    first = spot_check(chain.store, SpotCheckRequest(chain.index.index, SEED, 40))
    assert first.wrong == ()
    assert first.beyond == 0
    assert first.coordinates == len(first.places) * DIMENSIONS
    again = spot_check(chain.store, SpotCheckRequest(chain.index.index, SEED, 40, known=first.places[1:]))
    assert again.places == first.places
    assert (again.computed, again.coordinates) == (1, DIMENSIONS)


def test_a_changed_coordinate_is_found_when_its_row_is_drawn(chain: Chain) -> None:
    request = SpotCheckRequest(chain.index.index, SEED, 40)
    places = spot_check(chain.store, request).places
    rows = rows_of(chain)
    top = np.abs(rows.mantissas[places[3]]).argmax()
    rows.mantissas[places[3], (top + 1) % DIMENSIONS] += 2
    found = spot_check(chain.store, replace(request, index=republished(chain, rows)))
    assert found.wrong == (places[3],)
    assert found.beyond == 1


def test_draws_follow_what_records_earn(chain: Chain) -> None:
    batches = (SettledBatch(1, BigInt(10**18), chain.queries.queries),)
    rows = rows_of(chain)
    weights = np.array(earnings(chain.store, rows, batches))
    assert (weights[~rows.canonical_mask] == 0).all()
    assert weights.sum() == pytest.approx(2**40, rel=1e-6)
    drawn = spot_check(chain.store, SpotCheckRequest(chain.index.index, SEED, 60, batches)).places
    assert weights[list(drawn)].mean() > 1.3 * weights.mean()
    alike = set(earnings(chain.store, rows, ()))
    assert len(alike) == 2
    assert 0 in alike


def test_the_job_answers_as_json(chain: Chain) -> None:
    answer = run_job(
        chain.store,
        "spot_check",
        to_json(SpotCheckRequest(chain.index.index, SEED, 3)),
    )
    assert answer["wrong"] == []


def test_a_short_seed_is_refused(chain: Chain) -> None:
    with pytest.raises(InvalidInputError, match="32 bytes"):
        spot_check(chain.store, SpotCheckRequest(chain.index.index, b"1", 3))
