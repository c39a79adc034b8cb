from dataclasses import replace

import numpy as np
import pytest

from tests.workers.versions import contributor
from workers.artifacts.store import ArtifactStore
from workers.datasets.digits import load_records
from workers.datasets.records import Record, encode_jsonl
from workers.datasets.version import load_version, priority_order
from workers.errors import InvalidInputError
from workers.protocol import NO_ARTIFACT, ContributionSource, DatasetVersion


def version_of(store: ArtifactStore, *parts: tuple[int, int, list[Record]]) -> DatasetVersion:
    """Parts are (contributor, commit block, records), in order of acceptance."""
    sources = tuple(
        ContributionSource(position + 1, contributor(owner), block, store.put(encode_jsonl(records)))
        for position, (owner, block, records) in enumerate(parts)
    )
    return DatasetVersion(31338, 1, 1, 990_000, sources)


def test_records_in_version_order_priority_by_commit_block(store: ArtifactStore) -> None:
    records = load_records(1)[:6]
    version = version_of(store, (0, 20, records[:3]), (1, 10, records[1:5]), (0, 30, records[5:]))
    loaded = load_version(store, version)
    assert loaded.contributors == (contributor(0), contributor(1))
    assert loaded.contributor_indices.tolist() == [0, 0, 0, 1, 1, 1, 1, 0]
    assert loaded.canonical.tolist() == [0, 3, 4, 3, 4, 5, 6, 7]
    assert loaded.labels.tolist() == [r.label for r in (*records[:3], *records[1:5], *records[5:])]
    assert np.array_equal(loaded.features[1], loaded.features[3])
    assert loaded.canonical_mask.tolist() == [True, False, False, True, True, True, True, True]


def test_ties_go_to_the_lower_contribution() -> None:
    sources = tuple(ContributionSource(number, contributor(0), 5, NO_ARTIFACT) for number in (9, 4))
    assert priority_order(sources, [2, 2]) == [2, 3, 0, 1]


def test_bad_versions_are_refused(store: ArtifactStore) -> None:
    records = load_records(1)[:2]
    version = version_of(store, (0, 1, records), (1, 2, [Record(b"\x01", 1)]))
    with pytest.raises(InvalidInputError, match="features"):
        load_version(store, version)
    with pytest.raises(InvalidInputError, match="at least one"):
        load_version(store, replace(version, contributions=()))
