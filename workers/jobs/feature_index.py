"""Job `feature_index`: preconditioner, rows and contributor sums of a trained model, committed."""

import torch

from genesis.types import Hash32
from workers.artifacts.store import ArtifactStore
from workers.attribution.attributor import EkfacAttributor
from workers.attribution.index import Rows, read_index, write_index
from workers.attribution.profile import encode_profile
from workers.attribution.task import ClassifierTask
from workers.datasets.version import load_version
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
    task = ClassifierTask(load_model(store, manifest))
    inputs = scale_features(version.features)
    attributor = EkfacAttributor.fit(
        task, inputs[torch.from_numpy(version.canonical_mask)], request.dimensions
    )
    progress(0.4, "curvature fitted")
    preconditioner, profile = store.put(attributor.encode()), store.put(encode_profile())
    mantissas, exponents, influence = attributor.rows(inputs, torch.from_numpy(version.labels))
    progress(0.7, "rows made")
    rows = Rows(mantissas, exponents, version.canonical, version.contributor_indices, influence)
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
