"""Which of the canonical text records are learnt, and which are measured on."""

from dataclasses import dataclass

import numpy as np

from workers.artifacts.store import ArtifactStore
from workers.datasets.text import TextRecord, decode_text_jsonl
from workers.datasets.version import LoadedTexts
from workers.jobs.types import FinetuneRequest


@dataclass(frozen=True, slots=True)
class Split:
    """Canonical records that are learnt, and records that are measured on."""

    learnt: tuple[TextRecord, ...]
    held_out: tuple[TextRecord, ...]


def split_of(store: ArtifactStore, version: LoadedTexts, request: FinetuneRequest) -> Split:
    """Held out are a file's records, or one canonical record in `holdout_every`."""
    kept = [version.records[row] for row in np.flatnonzero(version.canonical_mask)]
    if request.holdout:
        return Split(tuple(kept), tuple(decode_text_jsonl(store.get(request.holdout))))
    every = request.recipe.holdout_every
    is_held_out = [every > 0 and number % every == every - 1 for number in range(len(kept))]
    return Split(
        tuple(record for record, out in zip(kept, is_held_out, strict=True) if not out),
        tuple(record for record, out in zip(kept, is_held_out, strict=True) if out),
    )
