"""Job `spot_check`: some rows of a feature index recomputed from the model and their records.

The rows drawn are the ones that earn (`workers.influence.spotcheck`); only their records are parsed and only
their gradients taken, so that checking costs a small part of making (`benchmarks.attribution.checking`).
Covered: rows against the committed preconditioner; rows of held-out records, which are zero. Not covered:
whether the preconditioner is the model's (job `preconditioner`), whether sums and roots fit (the
validator's).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.artifacts.store import ArtifactStore
from workers.attribution.index import FeatureIndex, Rows, decode_rows, read_index
from workers.attribution.queries import read_queries
from workers.attribution.subjects import Subject, subject_of
from workers.datasets.sample import records_at
from workers.determinism import use_determinism
from workers.errors import InvalidInputError
from workers.influence import Attributor
from workers.influence.featureindex import RowPart
from workers.influence.spotcheck import draw_places, spot_check_rows
from workers.progress import Progress, silent
from workers.protocol import DatasetVersion, SettledBatch, SpotCheckRequest, SpotCheckResult

WEIGHT_BITS = 40
"""Earnings are weighed in steps of 2^-40 of the whole."""


def spot_check(
    store: ArtifactStore, request: SpotCheckRequest, progress: Progress = silent
) -> SpotCheckResult:
    """Draw, recompute, compare; raises InvalidInputError, ArtifactError."""
    if len(request.seed) != 32 or request.draws < 1:
        raise InvalidInputError("a spot check needs a seed of 32 bytes and at least one draw")
    use_determinism()
    index = read_index(store, request.index)
    rows = decode_rows(store.get(index.rows))
    weights = earnings(store, rows, request.batches)
    places = tuple(sorted(set(draw_places(request.seed, weights, request.draws))))
    fresh = sorted(set(places) - set(request.known))
    if not fresh:
        return SpotCheckResult(places, 0, (), 0, 0, 0, 0.0)
    progress(0.1, f"{len(fresh)} rows drawn")
    subject = subject_of(store, index.manifest)
    held_out = held_out_places(subject, rows, fresh)
    paid = [place for place in held_out if rows.mantissas[place].any()]
    learnt = [place for place in fresh if place not in held_out]
    if not learnt:
        return SpotCheckResult(places, len(fresh), tuple(paid), 0, 0, 0, 0.0)
    chosen = np.array(learnt)
    part = RowPart(rows.mantissas[chosen], rows.exponents[chosen], rows.self_influence[chosen])
    made = recomputation(store, subject, index, learnt, request.datasets)
    found = spot_check_rows(part, *made, places=learnt)
    return SpotCheckResult(
        places,
        len(fresh),
        tuple(sorted((*found.wrong, *paid))),
        found.distance.coordinates,
        found.distance.different,
        found.distance.beyond,
        found.distance.largest_lsb,
    )


def held_out_places(subject: Subject, rows: Rows, places: Sequence[int]) -> set[int]:
    """Those of `places` whose record the model was not trained on although it is canonical."""
    canonical = rows.canonical_mask
    return set(np.flatnonzero(canonical & ~subject.earns(canonical)).tolist()) & set(places)


def recomputation(
    store: ArtifactStore,
    subject: Subject,
    index: FeatureIndex,
    places: Sequence[int],
    datasets: Sequence[DatasetVersion],
) -> tuple[Attributor, Any]:
    """The committed method on the index's model, and the records at `places` in the method's form: those of
    `datasets`, or where none are given of the manifest's."""
    attributor = subject.attributor(index.dimensions, store.get(index.preconditioner))
    return attributor, subject.some_records(records_at(store, datasets or subject.datasets, places))


def earnings(store: ArtifactStore, rows: Rows, batches: Sequence[SettledBatch]) -> list[int]:
    """What each record's row adds to the pay of its contributor, in parts of 2^40; 0 for duplicates, and
    alike for the others where nothing is settled."""
    canonical = rows.canonical_mask
    total: NDArray[np.float64] = np.zeros(len(canonical))
    for batch in batches:
        query = np.array(read_queries(store, batch.queries).batch_query(), dtype=np.float64)
        scores = rows.mantissas.astype(np.float32) @ (query / np.abs(query).max(initial=1.0)).astype(
            np.float32
        )
        positive = np.maximum(scores * 2.0**rows.exponents, 0.0) * canonical
        total += float(batch.pool_wei) * positive / max(float(positive.sum()), 1e-30)
    if not total.any():
        total = canonical.astype(np.float64)
    weights: list[int] = np.rint(total / total.sum() * 2.0**WEIGHT_BITS).astype(np.int64).tolist()
    return weights
