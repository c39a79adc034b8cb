"""Job `train`: train a classifier on a published version and write its weights and manifest."""

import numpy as np
import torch

from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.datasets.records import decode_jsonl
from workers.datasets.version import feature_matrix, load_version
from workers.determinism import use_determinism
from workers.errors import InvalidInputError
from workers.progress import Progress, silent
from workers.protocol import NO_ARTIFACT, TrainRequest, TrainResult
from workers.training.manifest import Manifest, encode_manifest
from workers.training.model import encode_weights, linear_layers
from workers.training.trainer import evaluate, train_classifier


def train(store: ArtifactStore, request: TrainRequest, progress: Progress = silent) -> TrainResult:
    """Train on canonical records only: a near-duplicate adds nothing and earns nothing."""
    use_determinism()
    version = load_version(store, request.dataset)
    kept = version.canonical_mask
    features, labels = version.features[kept], version.labels[kept]
    model = train_classifier(features, labels, request.recipe, progress)
    train_loss, train_accuracy = evaluate(model, features, labels)
    holdout_loss, holdout_accuracy = _evaluate_holdout(store, model, request.holdout)
    layers = linear_layers(model)
    weights = store.put(encode_weights(model))
    manifest = Manifest(
        dataset=request.dataset,
        recipe=request.recipe,
        holdout=request.holdout,
        widths=(layers[0].in_features, *(layer.out_features for layer in layers)),
        model=weights,
        records=len(version.labels),
        canonical_records=len(labels),
        train_loss=train_loss,
        train_accuracy=train_accuracy,
        holdout_loss=holdout_loss,
        holdout_accuracy=holdout_accuracy,
    )
    return TrainResult(
        model=weights,
        manifest=store.put(encode_manifest(manifest)),
        records=manifest.records,
        canonical_records=manifest.canonical_records,
        train_loss=train_loss,
        train_accuracy=train_accuracy,
        holdout_loss=holdout_loss,
        holdout_accuracy=holdout_accuracy,
    )


def _evaluate_holdout(
    store: ArtifactStore, model: torch.nn.Sequential, holdout: ArtifactId
) -> tuple[float, float]:
    if holdout == NO_ARTIFACT:
        return -1.0, -1.0
    records = decode_jsonl(store.get(holdout))
    features = feature_matrix(records)
    if features.shape[1] != linear_layers(model)[0].in_features:
        raise InvalidInputError("holdout records have another number of features than the version's")
    labels = np.array([record.label for record in records], dtype=np.int64)
    if labels.max() >= linear_layers(model)[-1].out_features:
        raise InvalidInputError("a holdout record has a class the model does not know")
    return evaluate(model, features, labels)
