"""Whose rows of derived records are: what counts, what does not, and that no draw is guessed."""

from collections import Counter

import numpy as np
import pytest

from genesis.keccak import keccak256
from genesis.parents import ParentRecord, drawn_parent
from genesis.types import Hash32
from tests.workers.datasets.test_version import version_of
from workers.artifacts.store import ArtifactStore
from workers.datasets.contribution import record_leaves
from workers.datasets.creditors import Derived, creditors
from workers.datasets.digits import load_records
from workers.datasets.records import Record
from workers.datasets.version import load_version
from workers.errors import InvalidInputError

ROWS = {1: range(2), 4: range(2, 4), 7: range(4, 6)}
OWNERS = np.array([0, 0, 1, 1, 2, 2])
CANONICAL = np.array([0, 1, 0, 3, 4, 5])
RANDOMNESS = keccak256(b"origin")


def owner_of(parent: ParentRecord, contribution_id: int = 7, row: int = 4) -> int:
    """Who is credited when the one parent is drawn."""
    leaves = (keccak256(bytes([salt])) for salt in range(64))
    leaf = next(leaf for leaf in leaves if drawn_parent(RANDOMNESS, leaf, (parent.word,)) is not None)
    derived = Derived(row, contribution_id, leaf, (parent.word,))
    found = creditors(OWNERS, CANONICAL, [derived], ROWS, {contribution_id: RANDOMNESS})
    assert np.array_equal(np.delete(found, row), np.delete(OWNERS, row))
    return int(found[row])


@pytest.mark.parametrize(
    ("parent", "owner", "why"),
    [
        ((1, 0), 0, "canonical and earlier"),
        ((4, 1), 1, "canonical and earlier"),
        ((4, 0), 2, "a duplicate"),
        ((4, 2), 2, "beyond its contribution"),
        ((5, 0), 2, "not among the sources"),
        ((7, 1), 2, "its own contribution"),
        ((2**127, 2**127), 2, "no record's number"),
    ],
)
def test_a_drawn_parent_that_counts_is_credited(parent: tuple[int, int], owner: int, why: str) -> None:
    assert owner_of(ParentRecord(*parent)) == owner, why


def test_a_later_contribution_does_not_count() -> None:
    assert owner_of(ParentRecord(7, 0), contribution_id=4, row=3) == 1


def test_a_draw_that_is_missing_is_named() -> None:
    derived = Derived(4, 7, Hash32(bytes(32)), (ParentRecord(1, 0).word,))
    with pytest.raises(InvalidInputError, match="datanet draw 7"):
        creditors(OWNERS, CANONICAL, [derived], ROWS, {4: RANDOMNESS})


def test_over_many_records_each_has_its_share() -> None:
    parents = (ParentRecord(1, 0).word, ParentRecord(4, 1).word)
    derived = [Derived(4, 7, keccak256(n.to_bytes(4, "big")), parents) for n in range(2_000)]
    found = Counter(int(creditors(OWNERS, CANONICAL, [each], ROWS, {7: RANDOMNESS})[4]) for each in derived)
    assert abs(found[2] - 1_000) < 120
    assert abs(found[0] - 500) < 110
    assert abs(found[1] - 500) < 110


def test_a_version_knows_its_derived_records(store: ArtifactStore) -> None:
    records = load_records(1)[:5]
    made = Record(records[3].features, records[3].label, (ParentRecord(1, 0).word, ParentRecord(1, 1).word))
    version = version_of(store, (0, 10, records[:3]), (1, 20, [records[4], made]))
    loaded = load_version(store, version)
    leaves = record_leaves(
        [records[4], made], chain_id=31338, datanet_id=1, contributor=loaded.contributors[1]
    )
    assert loaded.derived == (Derived(4, 2, leaves[1], made.parents),)
    assert dict(loaded.rows) == {1: range(3), 2: range(3, 5)}
    with pytest.raises(InvalidInputError, match="datanet draw 2"):
        loaded.creditors({})
    found = loaded.creditors({2: RANDOMNESS})
    expected = 1 if drawn_parent(RANDOMNESS, leaves[1], made.parents) is None else 0
    assert found.tolist() == [0, 0, 0, 1, expected]
