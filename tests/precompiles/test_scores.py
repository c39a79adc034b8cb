"""The score a post must contain: exact, significant, positive, and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.commitments import BATCH_QUERY_BYTES, SUM_BYTES, pack_vector
from genesis.shares import PPM
from precompiles.scores import (
    MAXIMUM_QUERY_NORM_SQUARED,
    MAXIMUM_SCORE,
    MAXIMUM_SUM_NORM_SQUARED,
    ScoreInputs,
    positive_score,
)

COORDINATE = st.integers(-(2**40), 2**40)
PAIRS = st.lists(st.tuples(COORDINATE, st.integers(-(2**60), 2**60)), min_size=1, max_size=20)


def inputs(vector: list[int], query: list[int], norm_squared: int | None = None) -> ScoreInputs:
    if norm_squared is None:
        norm_squared = sum(each * each for each in vector)
    return ScoreInputs(pack_vector(vector, SUM_BYTES), norm_squared, pack_vector(query, BATCH_QUERY_BYTES))


@given(PAIRS)
def test_without_significance_it_is_the_positive_part(pairs: list[tuple[int, int]]) -> None:
    vector, query = [v for v, _ in pairs], [q for _, q in pairs]
    product = sum(v * q for v, q in pairs)
    assert positive_score(inputs(vector, query), len(pairs), 0) == max(0, product)


@given(PAIRS, st.integers(0, 100 * PPM))
def test_a_score_counts_only_if_it_is_significant(pairs: list[tuple[int, int]], z_squared_ppm: int) -> None:
    vector, query = [v for v, _ in pairs], [q for _, q in pairs]
    product = max(0, sum(v * q for v, q in pairs))
    norms = sum(v * v for v in vector) * sum(q * q for q in query)
    significant = len(pairs) * product**2 * PPM >= z_squared_ppm * norms
    assert positive_score(inputs(vector, query), len(pairs), z_squared_ppm) == product * significant


def test_the_boundary_of_significance_counts() -> None:
    assert positive_score(inputs([1], [1]), 1, PPM) == 1
    assert positive_score(inputs([1], [1]), 1, PPM + 1) == 0


def test_a_query_beyond_its_width_has_no_score() -> None:
    largest = 2**74
    assert positive_score(inputs([1, 0], [largest, largest]), 2, 0) == largest
    assert 2 * largest**2 == MAXIMUM_QUERY_NORM_SQUARED
    assert positive_score(inputs([1, 0, 0], [largest, largest, 1]), 3, 0) is None


def test_a_sum_beyond_its_width_scores_nothing() -> None:
    assert positive_score(inputs([1], [1], MAXIMUM_SUM_NORM_SQUARED), 1, 0) == 1
    assert positive_score(inputs([1], [1], MAXIMUM_SUM_NORM_SQUARED + 1), 1, 0) == 0


@pytest.mark.parametrize(("query", "expected"), [(2**58, MAXIMUM_SCORE), (2**58 + 1, 0)])
def test_a_score_beyond_its_width_scores_nothing(query: int, expected: int) -> None:
    assert positive_score(inputs([2**62, 2**62], [query, query], 1), 2, 0) == expected
