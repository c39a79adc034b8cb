"""Job `feature_index`: preconditioner, rows and contributor sums of a trained model, committed."""

import torch

from genesis.types import Hash32
from workers.artifacts.store import ArtifactStore
from workers.attribution.index import Rows, read_index, write_index
from workers.attribution.profile import encode_profile, paid_profile, paid_task
from workers.datasets.version import load_version
from workers.influence import Attributor
from workers.jobs.types import FeatureIndexRequest, FeatureIndexResult
from workers.progress import Progress, silent
from workers.training.manifest import load_model, read_manifest
from workers.training.model import scale_features
from workers.training.trainer import use_determinism


def feature_index(
    store: ArtifactStore, request: FeatureIndexRequest, progress: Progress = silent
) -> FeatureIndexResult:
    """Fit on the canonical records, then one row for every record of the version."""
    use_determinism()
    manifest = read_manifest(store, request.manifest)
    version = load_version(store, manifest.dataset)
    attributor = Attributor(paid_task(load_model(store, manifest)), paid_profile(request.dimensions))
    inputs, labels = scale_features(version.features), torch.from_numpy(version.labels)
    kept = torch.from_numpy(version.canonical_mask)
    made = attributor.fit((inputs[kept], labels[kept]), records=(inputs, labels), progress=progress)
    preconditioner = store.put(attributor.committed)
    profile = store.put(encode_profile(attributor.profile))
    rows = Rows(
        made.mantissas(),
        made.exponents(),
        version.canonical,
        version.contributor_indices,
        made.self_influence,
    )
    name = write_index(
        store,
        manifest=request.manifest,
        preconditioner=preconditioner,
        numeric_profile=profile,
        rows=rows,
        contributors=version.contributors,
    )
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
