"""Job `predict`: answer a batch of inputs with a registered model."""

from workers.artifacts.store import ArtifactStore
from workers.progress import Progress, silent
from workers.protocol import PredictRequest, PredictResult
from workers.serving.models import ModelCache, input_matrix, input_width
from workers.serving.models import predict as predict_batch

_CACHE = ModelCache()
"""Models of this process: content-addressed, so a stale entry cannot exist."""


def predict(store: ArtifactStore, request: PredictRequest, progress: Progress = silent) -> PredictResult:
    """Labels and probabilities; equal probabilities go to the lower class."""
    model = _CACHE.get(store, request.manifest)
    probabilities = predict_batch(model, input_matrix(request.inputs, input_width(model)))
    return PredictResult(
        labels=tuple(int(label) for label in probabilities.argmax(axis=1)),
        probabilities=tuple(tuple(row) for row in probabilities.tolist()),
    )
