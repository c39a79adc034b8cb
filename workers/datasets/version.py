"""What published versions contain: their records in order, who owns each, which are canonical."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genesis.commitments import record_leaf
from genesis.types import Address
from workers.artifacts.store import ArtifactStore
from workers.datasets.canonical import canonical_indices
from workers.datasets.creditors import Derived, Randomness, creditors
from workers.datasets.kinds import AnyRecord, content_hash_of, decode_records, sketches_of_records
from workers.datasets.records import Record
from workers.datasets.sketch import Sketch
from workers.datasets.text import TextRecord
from workers.errors import InvalidInputError
from workers.protocol import ContributionSource, DatasetVersion


@dataclass(frozen=True, slots=True)
class Placement:
    """Of N records: `canonical` (N,) int64 (own index iff canonical), `contributor_indices` (N,) int64 into
    `contributors`, which are in order of first appearance; the records that name parents, and the rows of
    each contribution by its number."""

    canonical: NDArray[np.int64]
    contributor_indices: NDArray[np.int64]
    contributors: tuple[Address, ...]
    derived: tuple[Derived, ...]
    rows: Mapping[int, range]

    @property
    def canonical_mask(self) -> NDArray[np.bool_]:
        """(N,) True for canonical records."""
        mask: NDArray[np.bool_] = self.canonical == np.arange(len(self.canonical))
        return mask

    def creditors(self, randomness: Randomness) -> NDArray[np.int64]:
        """(N,) into `contributors`: whose each row is. Raises InvalidInputError for a missing draw."""
        return creditors(self.contributor_indices, self.canonical, self.derived, self.rows, randomness)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedVersion(Placement):
    """N labelled vectors in version order: `features` (N, n) uint8, `labels` (N,) int64."""

    features: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedTexts(Placement):
    """N text records in version order, one version after the other."""

    records: tuple[TextRecord, ...]


def load_version(store: ArtifactStore, version: DatasetVersion) -> LoadedVersion:
    """A version of vectors; raises InvalidInputError, ArtifactError."""
    found, placement = _load(store, [version])
    records = [record for record in found if isinstance(record, Record)]
    if len(records) != len(found):
        raise InvalidInputError("the version holds text: fine-tune a language model on it")
    labels = np.array([record.label for record in records], dtype=np.int64)
    return LoadedVersion(**placement, features=feature_matrix(records), labels=labels)


def load_texts(store: ArtifactStore, versions: Sequence[DatasetVersion]) -> LoadedTexts:
    """Versions of texts; raises InvalidInputError, ArtifactError."""
    found, placement = _load(store, versions)
    records = tuple(record for record in found if isinstance(record, TextRecord))
    if len(records) != len(found):
        raise InvalidInputError("the version holds vectors: train a classifier on it")
    return LoadedTexts(**placement, records=records)


def _load(store: ArtifactStore, versions: Sequence[DatasetVersion]) -> tuple[list[AnyRecord], dict[str, Any]]:
    """All records in order, and the fields of their placement."""
    sources = tuple(source for version in versions for source in version.contributions)
    if not sources or not all(version.contributions for version in versions):
        raise InvalidInputError("a version has at least one contribution")
    if len({source.contribution_id for source in sources}) != len(sources):
        raise InvalidInputError("a contribution is named twice")
    if len({version.similarity_ppm for version in versions}) != 1:
        raise InvalidInputError("the versions were published under different rules of similarity")
    parts = [decode_records(store.get(source.artifact)) for source in sources]
    records = [record for part in parts for record in part]
    contributors = tuple(dict.fromkeys(source.contributor for source in sources))
    owners = [contributors.index(source.contributor) for source in sources]
    order = priority_order(sources, [len(part) for part in parts])
    sketches = sketches_of_records(records)
    canonical = canonical_indices(sketches, order, versions[0].similarity_ppm)
    rows = _rows(sources, [len(part) for part in parts])
    return records, {
        "canonical": np.array(canonical, dtype=np.int64),
        "contributor_indices": np.repeat(np.array(owners, dtype=np.int64), [len(part) for part in parts]),
        "contributors": contributors,
        "derived": tuple(_derived(versions, rows, records, sketches)),
        "rows": rows,
    }


def _rows(sources: Sequence[ContributionSource], counts: Sequence[int]) -> dict[int, range]:
    ends = np.cumsum(counts).tolist()
    return {
        source.contribution_id: range(end - count, end)
        for source, count, end in zip(sources, counts, ends, strict=True)
    }


def _derived(
    versions: Sequence[DatasetVersion],
    rows: Mapping[int, range],
    records: Sequence[AnyRecord],
    sketches: Sketch,
) -> Iterator[Derived]:
    for version in versions:
        for source in version.contributions:
            standing = rows[source.contribution_id]
            for row in (row for row in standing if records[row].parents):
                leaf = record_leaf(
                    chain_id=version.chain_id,
                    datanet_id=version.datanet_id,
                    index=row - standing.start,
                    content_hash=content_hash_of(records[row]),
                    sketch=sketches[row].tobytes(),
                    contributor=source.contributor,
                    parents=records[row].parents,
                )
                yield Derived(row, source.contribution_id, leaf, records[row].parents)


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


def feature_matrix(records: Sequence[Record]) -> NDArray[np.uint8]:
    """(N, n) features; raises InvalidInputError when records differ in length."""
    lengths = {len(record.features) for record in records}
    if len(lengths) != 1:
        raise InvalidInputError(f"records have different numbers of features: {sorted(lengths)}")
    joined = b"".join(record.features for record in records)
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(records), lengths.pop())
