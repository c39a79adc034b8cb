"""The draw among a derived record's parents: its shares in the mean, and what has no influence on it."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.keccak import keccak256
from genesis.parents import ParentRecord, drawn_parent, parent_record, parents_hash
from genesis.types import Hash32

WORDS = st.binary(min_size=32, max_size=32).map(Hash32)
LISTS = st.lists(WORDS, min_size=1, max_size=8, unique=True)
RECORDS = 2_000


def draws(randomness: Hash32, parents: list[Hash32], records: int = RECORDS) -> Counter[Hash32 | None]:
    """How often each was drawn, for many records with the same list."""
    leaves = (keccak256(randomness + number.to_bytes(4, "big")) for number in range(records))
    return Counter(drawn_parent(randomness, leaf, parents) for leaf in leaves)


@settings(max_examples=20, deadline=None)
@given(WORDS, LISTS)
def test_in_the_mean_the_record_has_one_half_and_its_parents_equal_parts(
    randomness: Hash32, parents: list[Hash32]
) -> None:
    found = draws(randomness, parents)
    assert set(found) <= {None, *parents}
    assert abs(found[None] / RECORDS - 1 / 2) < 0.06  # more than five standard deviations
    for parent in parents:
        assert abs(found[parent] / RECORDS - 1 / (2 * len(parents))) < 0.06


@settings(max_examples=20, deadline=None)
@given(WORDS, LISTS)
def test_the_order_of_parents_gives_nobody_more(randomness: Hash32, parents: list[Hash32]) -> None:
    """The list is fixed before the randomness; another order is another draw with the same shares."""
    found = draws(randomness, sorted(parents, reverse=True))
    for parent in parents:
        assert abs(found[parent] / RECORDS - 1 / (2 * len(parents))) < 0.06


@given(WORDS, WORDS)
def test_a_record_without_parents_is_never_drawn_away(randomness: Hash32, leaf: Hash32) -> None:
    assert drawn_parent(randomness, leaf, ()) is None


@given(WORDS, WORDS, LISTS)
def test_the_draw_is_the_records_own(randomness: Hash32, leaf: Hash32, parents: list[Hash32]) -> None:
    ticket = int.from_bytes(keccak256(randomness + leaf), "big") % (2 * len(parents))
    drawn = drawn_parent(randomness, leaf, parents)
    assert drawn == (parents[ticket] if ticket < len(parents) else None)


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_a_parent_is_named_by_contribution_and_place(contribution_id: int, place: int) -> None:
    named = ParentRecord(contribution_id, place)
    assert parent_record(named.word) == named
    assert len(named.word) == 32


@given(WORDS)
def test_every_word_names_something(word: Hash32) -> None:
    assert parent_record(word).word == word


def test_a_number_beyond_16_bytes_is_refused() -> None:
    with pytest.raises(OverflowError):
        _ = ParentRecord(2**128, 0).word


@given(LISTS)
def test_the_list_is_bound_with_its_order(parents: list[Hash32]) -> None:
    assert parents_hash(parents) == keccak256(b"".join(parents))
    assert parents_hash(parents) != parents_hash([*parents, parents[0]])
