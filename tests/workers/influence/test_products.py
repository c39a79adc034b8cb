import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genesis.commitments import MAX_NORM_SQUARED
from workers import integers
from workers.influence.featureindex import FeatureIndex, RowPart
from workers.influence.products import exact_products


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 9), st.integers(1, 70))
def test_products_are_exact(seed: int, rows: int, queries: int, dimensions: int) -> None:
    random = np.random.default_rng(seed)
    mantissas = random.integers(-127, 128, (rows, dimensions), dtype=np.int8)
    asked = random.integers(-(2**15), 2**15, (queries, dimensions)).clip(-32_000, 32_639).astype(np.int16)
    expected = asked.astype(np.int64) @ mantissas.astype(np.int64).T
    assert np.array_equal(exact_products(mantissas, asked), expected)


def test_the_widest_values_and_longest_rows() -> None:
    mantissas = np.full((2, integers.MAX_DIMENSIONS), -127, dtype=np.int8)
    asked = np.full((1, integers.MAX_DIMENSIONS), 32_639, dtype=np.int16)
    assert exact_products(mantissas, asked).tolist() == [[-127 * 32_639 * 65_536] * 2]


def test_the_bound_is_the_protocols() -> None:
    assert integers.MAX_NORM_SQUARED == MAX_NORM_SQUARED


def test_the_top_is_the_largest_in_order_with_ties_by_place() -> None:
    random = np.random.default_rng(1)
    parts = [
        RowPart(
            random.integers(-2, 3, (50, 4), dtype=np.int8), np.zeros(50, np.uint8), random.uniform(1, 2, 50)
        )
        for _ in range(3)
    ]
    index = FeatureIndex(tuple(parts), b"")
    asked = random.integers(-9, 10, (5, 4)).astype(np.int16)
    scores = index.score(asked)
    for row, found in zip(scores, index.top(asked, 7), strict=True):
        order = sorted(range(150), key=lambda place: (-row[place], place))[:7]
        assert found == [(place, int(row[place])) for place in order]
    raw = scores * np.sqrt(index.self_influence)
    assert [found[0][0] for found in index.top(asked, 1, is_raw=True)] == raw.argmax(axis=1).tolist()
    owners = random.integers(-1, 3, 150)
    sums = index.contributor_sums(owners)
    assert np.array_equal(sums[1], index.mantissas()[owners == 1].astype(np.int64).sum(axis=0))
