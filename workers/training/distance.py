"""How far apart the weights of two model folders are."""

from typing import Any

import numpy as np

from workers.artifacts.folders import read_folder
from workers.artifacts.store import ArtifactStore
from workers.artifacts.tensors import decode_tensors
from workers.errors import InvalidInputError


def distance(store: ArtifactStore, first: str, second: str) -> tuple[float, float]:
    """Largest absolute difference of the weights, and the norm of the difference in parts of the first's."""
    largest, difference, norm = 0.0, 0.0, 0.0
    ours, theirs = _weights(store, first), _weights(store, second)
    if ours.keys() != theirs.keys() or any(ours[name].shape != theirs[name].shape for name in ours):
        raise InvalidInputError("the two models have different weights by name or shape")
    for name, value in ours.items():
        off = value.astype(np.float64) - theirs[name]
        largest = max(largest, float(np.abs(off).max(initial=0.0)))
        difference += float((off**2).sum())
        norm += float((value.astype(np.float64) ** 2).sum())
    return largest, float(np.sqrt(difference / norm)) if norm else 0.0


def _weights(store: ArtifactStore, folder: str) -> dict[str, Any]:
    files = read_folder(store, folder)
    return {
        f"{file}:{name}": array
        for file, artifact in files.items()
        if file.endswith(".safetensors")
        for name, array in decode_tensors(store.get(artifact)).items()
    }
