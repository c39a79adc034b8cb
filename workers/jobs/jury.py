"""Jobs `jury_row`, `jury_query` and `preconditioner`: what a juror recomputes, from what the chain names.

The records are those of the versions on chain, not those a manifest claims: a model trained on other files
than were contributed has rows that are nobody's.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genesis.commitments import QUERY_BYTES, pack_vector, unpack_vector
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.attribution.index import FeatureIndex, decode_rows, read_index
from workers.attribution.subjects import Subject, subject_of
from workers.determinism import use_determinism
from workers.errors import InvalidInputError
from workers.influence.featureindex import RowPart
from workers.influence.residual import TOLERANCE, SampledEnergy, certain_residual, sampled_energy
from workers.influence.spotcheck import spot_check_rows
from workers.influence.verify import query_distance
from workers.integers import row_at_exponent
from workers.jobs.queries import method_of
from workers.jobs.spot_check import held_out_places, recomputation
from workers.progress import Progress, silent
from workers.protocol import (
    DatasetVersion,
    JuryQueryRequest,
    JuryQueryResult,
    JuryRowRequest,
    JuryRowResult,
    PreconditionerRequest,
    PreconditionerResult,
)


def jury_row(store: ArtifactStore, request: JuryRowRequest, progress: Progress = silent) -> JuryRowResult:
    """One row against the committed one; raises InvalidInputError, ArtifactError."""
    use_determinism()
    index = read_index(store, request.index)
    rows, place = decode_rows(store.get(index.rows)), request.place
    if not 0 <= place < len(rows.mantissas):
        raise InvalidInputError(f"the index has no row {place}: it holds {len(rows.mantissas)}")
    subject = subject_of(store, index.manifest)
    committed = rows.mantissas[place]
    if held_out_places(subject, rows, [place]):
        is_zero = not committed.any() and rows.exponents[place] == 0
        return JuryRowResult(is_zero, bytes(index.dimensions), int(not is_zero), 0.0)
    attributor, record = recomputation(store, subject, index, [place], request.datasets)
    part = RowPart(rows.mantissas[[place]], rows.exponents[[place]], rows.self_influence[[place]])
    found = spot_check_rows(part, attributor, record, places=[place])
    row = committed
    if not found.distance.is_within:
        (one,) = attributor.runner.passes(record)
        row = row_at_exponent(attributor.row_features(one)[0][0], int(rows.exponents[place]))
    return JuryRowResult(
        found.distance.is_within, row.tobytes(), found.distance.beyond, found.distance.largest_lsb
    )


def jury_query(
    store: ArtifactStore, request: JuryQueryRequest, progress: Progress = silent
) -> JuryQueryResult:
    """One query against the committed one; raises InvalidInputError for one of another width, ArtifactError.

    An input that the model cannot be asked proves nothing, since a customer may have made it up: the
    committed query is right then.
    """
    use_determinism()
    subject, attributor = method_of(store, request.index)
    committed = np.array(unpack_vector(request.committed, QUERY_BYTES), dtype=np.int16)
    dimensions = read_index(store, request.index).dimensions
    if len(committed) != dimensions:
        raise InvalidInputError(f"a query of this index has {dimensions} coordinates, not {len(committed)}")
    try:
        asked = subject.asked([request.receipt])
    except InvalidInputError:
        return JuryQueryResult(True, request.committed, 0, 0.0)
    progress(0.3, "preconditioner read")
    found = query_distance(committed[None], attributor, asked)
    query = request.committed if found.is_within else pack_vector(attributor.query(asked)[0], QUERY_BYTES)
    return JuryQueryResult(found.is_within, query, found.beyond, found.largest_lsb)


def preconditioner(
    store: ArtifactStore, request: PreconditionerRequest, progress: Progress = silent
) -> PreconditionerResult:
    """The residual test; raises InvalidInputError, ArtifactError."""
    use_determinism()
    index = read_index(store, request.index)
    subject = subject_of(store, index.manifest)
    rows = decode_rows(store.get(index.rows))
    learnt = np.flatnonzero(subject.earns(rows.canonical_mask))
    found = SampledEnergy(0, 0.0, 0.0, 0.0, 0.0)
    if 0 < request.sample < len(learnt):
        places = _drawn(learnt, request.seed, request.sample)
        attributor, records = recomputation(store, subject, index, places, request.datasets)
        found = sampled_energy(attributor, records, len(places))
        progress(0.5, f"{len(places)} records sampled")
    residual = -1.0
    if found.is_suspect or not found.examples:
        residual = _residual(store, subject, index, request)
    return PreconditionerResult(
        residual <= TOLERANCE,
        found.examples,
        found.largest,
        found.typical,
        found.total,
        found.length,
        residual,
    )


def _residual(
    store: ArtifactStore, subject: Subject, index: FeatureIndex, request: PreconditionerRequest
) -> float:
    """The residual on all records it was fitted on; 1 for a manifest of other files than the chain's."""
    if request.datasets and _files(request.datasets) != _files(subject.datasets):
        return 1.0
    attributor = subject.attributor(index.dimensions, store.get(index.preconditioner))
    return certain_residual(attributor, subject.learnt())


def _files(datasets: Sequence[DatasetVersion]) -> list[ArtifactId]:
    return [source.artifact for version in datasets for source in version.contributions]


def _drawn(learnt: NDArray[np.int64], seed: bytes, count: int) -> list[int]:
    """`count` of the learnt places, ascending."""
    random = np.random.default_rng(list(seed))
    return sorted(int(place) for place in random.choice(learnt, count, replace=False))
