"""Job `feature_index`: preconditioner, rows and contributor sums of a trained model, committed.

A record that was held out to measure on taught the model nothing: its row is zero. A derived record's row is
whose was drawn among its contributor and its parents' (`workers.datasets.creditors`).
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from genesis.types import Hash32
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.attribution.index import Rows, read_index, write_index
from workers.attribution.subjects import subject_of
from workers.determinism import use_determinism
from workers.progress import Progress, silent
from workers.protocol import FeatureIndexRequest, FeatureIndexResult


def feature_index(
    store: ArtifactStore, request: FeatureIndexRequest, progress: Progress = silent
) -> FeatureIndexResult:
    """Fit on the records it was trained on, then one row for every record of the versions."""
    use_determinism()
    subject = subject_of(store, request.manifest)
    placement = subject.placement()
    owners = placement.creditors({draw.contribution_id: draw.randomness for draw in request.draws})
    attributor = subject.attributor(subject.dimensions(request.dimensions))
    with TemporaryDirectory(dir=store.directory, prefix=".fitting-") as folder:
        made = attributor.fit(
            subject.learnt(), records=subject.all_records(), folder=Path(folder), progress=progress
        )
        mantissas = made.spooled_mantissas(store.directory)
    preconditioner = store.put(attributor.committed)
    profile = store.put(subject.encode_profile(attributor.profile))
    exponents = made.exponents()
    held_out = placement.canonical_mask & ~subject.earns(placement.canonical_mask)
    mantissas[held_out], exponents[held_out] = 0, 0
    name = write_index(
        store,
        manifest=request.manifest,
        preconditioner=preconditioner,
        numeric_profile=profile,
        rows=Rows(mantissas, exponents, placement.canonical, owners, made.self_influence),
        contributors=placement.contributors,
    )
    return _result(store, name, preconditioner, profile)


def _result(
    store: ArtifactStore, name: ArtifactId, preconditioner: ArtifactId, profile: ArtifactId
) -> FeatureIndexResult:
    """What `commitFeatureIndex` takes, of an index that was written."""
    index = read_index(store, name)
    return FeatureIndexResult(
        index=name,
        rows_root=index.rows_root,
        sums_root=index.sums_root,
        preconditioner_hash=Hash32(bytes.fromhex(preconditioner)),
        numeric_profile=Hash32(bytes.fromhex(profile)),
        rows=index.record_count,
        contributors=len(index.sums.contributors),
        dimensions=index.dimensions,
    )
