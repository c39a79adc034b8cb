"""Duplicates by the rule: claims that keep it stand, the earliest that breaks it is named with its proof."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from openledger_node.validator.record_check import ALL_ROWS, Claims, first_wrong_duplicate
from workers.datasets.canonical import canonical_indices
from workers.datasets.sketch import Sketch, similar

SIMILARITY_PPM = 990_000
KINDS = np.array([[100, 5, 3], [101, 5, 3], [2, 90, -80], [0, 0, 0], [103, -9, 3]], np.int8)
"""The first two are alike; the last is like both to a lesser degree."""


def are_similar(sketches: Sketch, a: int, b: int) -> bool:
    left, right = sketches[a].astype(int), sketches[b].astype(int)
    return similar(int(left @ right), int(left @ left), int(right @ right), SIMILARITY_PPM)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_is_named_is_what_the_law_convicts_for(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.integers(0, len(KINDS) - 1), min_size=1, max_size=9))
    sketches = KINDS[kinds]
    places = range(len(kinds))
    order = data.draw(st.permutations(places))
    right = canonical_indices(sketches, order, SIMILARITY_PPM)
    claimed = [data.draw(st.sampled_from([right[i], i, data.draw(st.sampled_from(places))])) for i in places]
    found = first_wrong_duplicate(Claims(sketches, order, np.array(claimed)), SIMILARITY_PPM)
    if found is None:
        assert [claimed[i] == i for i in places] == [right[i] == i for i in places]
        return
    place, other = found
    is_kept = claimed[place] == place
    assert is_kept or claimed[place] == other
    is_duplicate = (
        claimed[other] == other
        and order.index(other) < order.index(place)
        and are_similar(sketches, place, other)
    )
    assert is_kept == is_duplicate


def test_a_record_may_be_dropped_for_another_than_the_earliest() -> None:
    """It pays nobody else, and no challenge proves it."""
    sketches = np.array([[100, 0], [98, 17], [100, 8]], np.int8)
    assert not are_similar(sketches, 0, 1)
    order = [0, 1, 2]
    assert canonical_indices(sketches, order, SIMILARITY_PPM) == [0, 1, 0]
    assert first_wrong_duplicate(Claims(sketches, order, np.array([0, 1, 1])), SIMILARITY_PPM) is None


def test_of_a_large_index_some_kept_rows_are_looked_at() -> None:
    """Distinct rows but for one copy, which is found when it is drawn."""
    count = ALL_ROWS + 2
    sketches = np.random.default_rng(1).integers(-127, 127, (count, 24)).astype(np.int8)
    sketches[4_000] = sketches[17]
    claims = Claims(sketches, range(count), np.arange(count))
    assert first_wrong_duplicate(claims, SIMILARITY_PPM, lambda _: np.array([5, 4_000])) == (4_000, 17)
    assert first_wrong_duplicate(claims, SIMILARITY_PPM, lambda _: np.array([5, 17])) is None
