"""What a published version contains: its records in order, who owns each, which are canonical."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genesis.types import Address
from workers.artifacts.store import ArtifactStore
from workers.datasets.canonical import canonical_indices
from workers.datasets.records import Record, decode_jsonl
from workers.datasets.sketch import sketches_of
from workers.errors import InvalidInputError
from workers.jobs.types import ContributionSource, DatasetVersion


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """N records in version order.

    `features` (N, n) uint8, `labels` (N,) int64, `canonical` (N,) int64 (own index iff canonical),
    `contributor_indices` (N,) int64 into `contributors`, which are in order of first appearance.
    """

    features: NDArray[np.uint8]
    labels: NDArray[np.int64]
    canonical: NDArray[np.int64]
    contributor_indices: NDArray[np.int64]
    contributors: tuple[Address, ...]

    @property
    def canonical_mask(self) -> NDArray[np.bool_]:
        """(N,) True for canonical records."""
        mask: NDArray[np.bool_] = self.canonical == np.arange(len(self.canonical))
        return mask


def load_version(store: ArtifactStore, version: DatasetVersion) -> LoadedVersion:
    """Read and check all contributions; raises InvalidInputError, ArtifactError."""
    if not version.contributions:
        raise InvalidInputError("a version has at least one contribution")
    parts = [decode_jsonl(store.get(source.artifact)) for source in version.contributions]
    features = feature_matrix([record for part in parts for record in part])
    contributors = tuple(dict.fromkeys(source.contributor for source in version.contributions))
    owners = [contributors.index(source.contributor) for source in version.contributions]
    order = priority_order(version.contributions, [len(part) for part in parts])
    canonical = canonical_indices(sketches_of(features), order, version.similarity_ppm)
    return LoadedVersion(
        features=features,
        labels=np.array([record.label for part in parts for record in part], dtype=np.int64),
        canonical=np.array(canonical, dtype=np.int64),
        contributor_indices=np.repeat(np.array(owners, dtype=np.int64), [len(part) for part in parts]),
        contributors=contributors,
    )


def priority_order(contributions: tuple[ContributionSource, ...], counts: list[int]) -> list[int]:
    """Version indices from the earliest on: by commit block, contribution id, index."""
    firsts = [sum(counts[:position]) for position in range(len(counts))]
    by_priority = sorted(
        range(len(counts)),
        key=lambda position: (
            contributions[position].commit_block,
            contributions[position].contribution_id,
        ),
    )
    return [firsts[position] + index for position in by_priority for index in range(counts[position])]


def feature_matrix(records: list[Record]) -> NDArray[np.uint8]:
    """(N, n) features; raises InvalidInputError when records differ in length."""
    lengths = {len(record.features) for record in records}
    if len(lengths) != 1:
        raise InvalidInputError(f"records have different numbers of features: {sorted(lengths)}")
    joined = b"".join(record.features for record in records)
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(records), lengths.pop())
