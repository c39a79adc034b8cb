"""How a model answers: loaded once by its manifest's hash, kept while it is used, asked in batches."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.datasets.records import byte_vector
from workers.errors import InvalidInputError
from workers.training.manifest import load_model, read_manifest
from workers.training.model import scale_features

MAX_INPUTS = 65_536


class ModelCache:
    """The most recently used models; a model is found by its manifest."""

    def __init__(self, capacity: int = 16) -> None:
        self._capacity = capacity
        self._models: OrderedDict[str, torch.nn.Sequential] = OrderedDict()

    def get(self, store: ArtifactStore, manifest: ArtifactId) -> torch.nn.Sequential:
        """The model, from memory or from the store; raises ArtifactError, InvalidInputError."""
        if manifest not in self._models:
            self._models[manifest] = load_model(store, read_manifest(store, manifest))
        self._models.move_to_end(manifest)
        while len(self._models) > self._capacity:
            self._models.popitem(last=False)
        return self._models[manifest]


def input_matrix(inputs: Sequence[Sequence[int]], width: int) -> NDArray[np.uint8]:
    """Inputs as (N, width) bytes; raises InvalidInputError for another width or range."""
    if not 1 <= len(inputs) <= MAX_INPUTS:
        raise InvalidInputError(f"1 to {MAX_INPUTS} inputs at a time, not {len(inputs)}")
    rows = [byte_vector(values) for values in inputs]
    if any(len(row) != width for row in rows):
        raise InvalidInputError(f"this model takes {width} features")
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), width)


def predict(model: torch.nn.Sequential, features: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Class probabilities (N, C)."""
    with torch.no_grad():
        probabilities: NDArray[np.float64] = torch.softmax(
            model(scale_features(features)).double(), dim=1
        ).numpy()
    return probabilities


def input_width(model: torch.nn.Sequential) -> int:
    """How many features the model takes."""
    first = model[0]
    if not isinstance(first, torch.nn.Linear):
        raise InvalidInputError("the model does not start with a linear layer")
    return first.in_features
