import math
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.datasets.sketch import similar, sketch_of, sketches_of

FEATURES = st.binary(min_size=1, max_size=40)


@given(FEATURES)
def test_a_sketch_is_the_rounded_difference_from_the_mean(features: bytes) -> None:
    count, total = len(features), sum(features)
    expected = [
        max(-127, min(127, math.floor(Fraction(count * value - total + count, 2 * count))))
        for value in features
    ]
    assert list(np.frombuffer(sketch_of(features), dtype=np.int8)) == expected


def test_extremes_stay_in_range() -> None:
    assert sketch_of(bytes([255] + [0] * 199))[0] == 127
    assert sketch_of(bytes([7] * 10)) == bytes(10)


@given(FEATURES)
def test_one_row_or_many(features: bytes) -> None:
    rows = np.frombuffer(features * 2, dtype=np.uint8).reshape(2, -1)
    assert sketches_of(rows)[1].tobytes() == sketch_of(features)


def test_similarity_is_exact_at_the_threshold() -> None:
    # cos = 3/5 exactly: a = (5, 0), b = (3, 4).
    assert similar(15, 25, 25, 600_000)
    assert not similar(15, 25, 25, 600_001)
    assert not similar(-15, 25, 25, 600_000)


def test_blank_records_are_similar_to_each_other_only() -> None:
    assert similar(0, 0, 0, 990_000)
    assert not similar(0, 0, 1, 990_000)
