"""Which of the canonical text records are learnt, and which are measured on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.artifacts.store import ArtifactStore
from workers.datasets.text import TextRecord, decode_text_jsonl
from workers.datasets.version import LoadedTexts
from workers.protocol import FinetuneRequest, TrainEmbeddingRequest

TrainingRequest = FinetuneRequest | TrainEmbeddingRequest


@dataclass(frozen=True, slots=True)
class Split:
    """Canonical records that are learnt, and records that are measured on."""

    learnt: tuple[TextRecord, ...]
    held_out: tuple[TextRecord, ...]


def split_of(store: ArtifactStore, version: LoadedTexts, request: TrainingRequest) -> Split:
    """Held out are a file's records, or one canonical record in `holdout_every`."""
    canonical = version.canonical_mask
    learnt = learnt_mask(canonical, request)
    kept = tuple(version.records[row] for row in np.flatnonzero(learnt))
    if request.holdout:
        return Split(kept, tuple(decode_text_jsonl(store.get(request.holdout))))
    return Split(kept, tuple(version.records[row] for row in np.flatnonzero(canonical & ~learnt)))


def learnt_mask(canonical: NDArray[np.bool_], request: TrainingRequest) -> NDArray[np.bool_]:
    """(N,): which of a version's records a model was trained on, told by which of them are canonical."""
    every = request.recipe.holdout_every
    if request.holdout or not every:
        return canonical
    learnt = canonical.copy()
    learnt[np.flatnonzero(canonical)[every - 1 :: every]] = False
    return learnt
