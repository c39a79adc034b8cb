import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from genesis.commitments import MAX_NORM_SQUARED, pack_vector, unpack_vector
from workers.attribution.commit import pack_query, pack_sum
from workers.attribution.numerics import add_by_owner, exact_dots, exact_norms_squared, weighted_query
from workers.errors import InvalidInputError
from workers.integers import (
    ROW_SCALE,
    check_queries,
    check_rows,
    quantize_queries,
    quantize_rows,
    row_integers,
)

INT64 = st.integers(-(2**63), 2**63 - 1)
INT128 = st.integers(-(2**127), 2**127 - 1)
INT16 = st.integers(-(2**15), 2**15 - 1)
RECEIPTS = st.lists(
    st.tuples(st.lists(INT16, min_size=3, max_size=3), st.integers(0, 2**55)), min_size=1, max_size=20
)


def vectors_of(coordinate: st.SearchStrategy[int], length: int) -> st.SearchStrategy[list[int]]:
    """Vectors of one length."""
    return st.lists(coordinate, min_size=length, max_size=length)


CASES = st.integers(1, 6).flatmap(
    lambda k: st.tuples(st.lists(vectors_of(INT64, k), min_size=1, max_size=4), vectors_of(INT128, k))
)


def unit_rows(seed: int, count: int = 8, dimensions: int = 16) -> NDArray[np.float64]:
    """Rows of length at most 1, very spiky to very flat."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, dimensions)) ** 5 * 10.0 ** random.integers(-8, 1, size=(count, 1))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = rows / np.maximum(lengths, 1.0)
    return scaled


@given(st.integers(0, 10**6))
def test_rows_keep_the_rules(seed: int) -> None:
    rows = unit_rows(seed)
    mantissas, exponents = quantize_rows(rows)
    check_rows(mantissas, exponents)
    error = np.abs(row_integers(mantissas, exponents) - rows * ROW_SCALE)
    assert np.all(error <= 2.0 ** exponents[:, None].astype(float) / 2)
    for row, exponent in zip(rows, exponents, strict=True):
        if exponent:  # one less would not fit
            assert np.abs(np.rint(row * ROW_SCALE / 2.0 ** (int(exponent) - 1))).max() > 127


def test_extreme_rows() -> None:
    rows = np.array([[1.0, 0.0], [0.0, 0.0], [1e-9, 0.0], [127.4 / ROW_SCALE, 0.0], [127.6 / ROW_SCALE, 0.0]])
    mantissas, exponents = quantize_rows(rows)
    assert mantissas.tolist() == [[64, 0], [0, 0], [0, 0], [127, 0], [64, 0]]
    assert exponents.tolist() == [7, 0, 0, 0, 1]


@pytest.mark.parametrize("row", [[2.0, 0.0], [np.nan, 0.0], [np.inf, 0.0]])
def test_impossible_rows_are_refused(row: list[float]) -> None:
    with pytest.raises(InvalidInputError):
        quantize_rows(np.array([row]))


@pytest.mark.parametrize(
    ("mantissas", "exponent"),
    [([-128], 0), ([63], 1), ([1], 8), ([127] * 300, 7)],
    ids=["range", "exponent not least", "exponent too large", "norm"],
)
def test_broken_rows_are_found(mantissas: list[int], exponent: int) -> None:
    with pytest.raises(InvalidInputError):
        check_rows(np.array([mantissas], dtype=np.int8), np.array([exponent], dtype=np.uint8))


@given(st.integers(0, 10**6), st.floats(1e-3, 1e9))
def test_queries_keep_their_norm_and_direction(seed: int, scale: float) -> None:
    queries = unit_rows(seed)
    packed = quantize_queries(queries, scale)
    check_queries(packed)
    wide = packed.astype(np.float64)
    factor = np.linalg.norm(wide, axis=1) / np.maximum(np.linalg.norm(queries, axis=1), 1e-300)
    assert np.all(np.abs(wide - queries * np.minimum(factor, scale)[:, None]) <= 3.0)


def test_long_queries_are_shortened_not_refused() -> None:
    packed = quantize_queries(np.full((1, 4), 1e6), 1.0)
    assert MAX_NORM_SQUARED * 0.99 < int((packed.astype(np.int64) ** 2).sum()) <= MAX_NORM_SQUARED
    with pytest.raises(InvalidInputError):
        quantize_queries(np.array([[np.nan]]), 1.0)
    with pytest.raises(InvalidInputError):
        check_queries(np.full((1, 4), 32_767, dtype=np.int16))


@settings(deadline=None)
@given(CASES)
def test_dots_and_norms_are_exact(case: tuple[list[list[int]], list[int]]) -> None:
    sums, query = case
    array = np.array(sums, dtype=np.int64)
    assert exact_dots(array, query) == [sum(a * b for a, b in zip(row, query, strict=True)) for row in sums]
    assert exact_norms_squared(array) == [sum(a * a for a in row) for row in sums]


def test_widest_dot_does_not_overflow() -> None:
    sums = np.full((1, 4_096), -(2**63), dtype=np.int64)
    assert exact_dots(sums, [-(2**127)] * 4_096) == [2**190 * 4_096]
    assert exact_norms_squared(sums) == [2**126 * 4_096]


@settings(deadline=None)
@given(RECEIPTS)
def test_batch_query_is_exact_in_any_order(receipts: list[tuple[list[int], int]]) -> None:
    vectors = np.array([vector for vector, _ in receipts], dtype=np.int16)
    weights = [weight for _, weight in receipts]
    expected = [sum(v[i] * w for v, w in receipts) for i in range(3)]
    assert weighted_query(vectors, weights) == expected
    assert weighted_query(vectors[::-1], weights[::-1]) == expected


@pytest.mark.parametrize("weights", [[1], [1, -1], [2**60, 0]])
def test_bad_weights_are_refused(weights: list[int]) -> None:
    with pytest.raises(InvalidInputError):
        weighted_query(np.ones((2, 3), dtype=np.int16), weights)


def test_rows_are_added_to_their_owners_sums() -> None:
    mantissas = np.array([[1, -2], [10, 20], [100, 127]], dtype=np.int8)
    sums = np.zeros((3, 2), dtype=np.int64)
    for _ in range(2):
        add_by_owner(sums, mantissas, np.array([0, 7, 1], dtype=np.uint8), np.array([1, 0, 1]))
    assert sums.tolist() == [[2_560, 5_120], [402, 504], [0, 0]]


@given(st.lists(INT64, min_size=1, max_size=8))
def test_packing_is_that_of_the_commitments(values: list[int]) -> None:
    assert pack_sum(np.array(values, dtype=np.int64)) == pack_vector(values, 8)
    assert unpack_vector(pack_sum(np.array(values, dtype=np.int64)), 8) == values
    short = [value % 2**15 - 2**14 for value in values]
    assert pack_query(np.array(short, dtype=np.int16)) == pack_vector(short, 2)
