"""Which numeric profile a language model's paid features are made under, and what of it is attributed.

A record's row is the whitened gradient of mean log p of its response's tokens given its prompt, which is what
training on it raises; a receipt's query that of the answer's tokens given the prompt that was paid for. Of an
adapter all coordinates of all factors count.

Of a model that learnt from preferences a row is the whitened gradient of -loss of the pair: of what training
on it raised there. Its length has the loss's own weight: a pair that the model has learnt well says little.
Source: attribution.md, section 8 "L-default".
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from workers.artifacts import canonical_json
from workers.attribution.profile import FORMAT, paid_profile
from workers.influence import Attributor, LanguageModelTask, PreferenceTask, Profile, Task
from workers.integers import MAX_EXPONENT, MAX_MANTISSA, QUERY_NORM, ROW_SCALE
from workers.text.examples import Example, PairExample, pad_token, padded
from workers.text.loading import TextModel
from workers.training.objectives import learns_preferences
from workers.training.preference import base_differences, pair_batch
from workers.training.text_manifest import TextManifest, numerics

BATCH = 8
MOST_COORDINATES = 65_536
WHOLE_MODEL_COORDINATES = 4_096
RESPONSE_ROW = "whitened gradient of mean log p of the response's tokens; length over all coordinates"
PAIR_ROW = "whitened gradient of log sigmoid of the pair's reward margin; length over all coordinates"


class Sequences:
    """Examples as batches of one width, which can be iterated again: all are cut or padded to `width`."""

    def __init__(self, examples: Sequence[Example], pad: int, width: int) -> None:
        self._examples, self._pad, self._width = examples, pad, width

    def __iter__(self) -> Any:
        for first in range(0, len(self._examples), BATCH):
            yield padded(self._examples[first : first + BATCH], self._pad, self._width)


class PairSequences:
    """Pairs as batches of one width; what the base says of them is computed once."""

    def __init__(self, pairs: Sequence[PairExample], model: TextModel, width: int) -> None:
        self._pairs, self._pad, self._width = pairs, pad_token(model.tokenizer), width
        self._reference = base_differences(model.model, pairs, self._pad, width)

    def __iter__(self) -> Any:
        for first in range(0, len(self._pairs), BATCH):
            rows = slice(first, first + BATCH)
            yield pair_batch(self._pairs[rows], self._reference[rows], self._pad, self._width)

    def all(self) -> Any:
        """All of them as one batch."""
        return pair_batch(self._pairs, self._reference, self._pad, self._width)


def text_profile(dimensions: int) -> Profile:
    """How rows of `dimensions` coordinates are made for payment."""
    return replace(paid_profile(dimensions), dtype="float32", batch=BATCH)


def attributor_of(
    model: TextModel, manifest: TextManifest, dimensions: int, committed: bytes | None = None
) -> Attributor:
    """The method on this model's trainable parameters, fresh or from its committed preconditioner."""
    task: Task = LanguageModelTask(model.model)
    if learns_preferences(manifest.recipe):
        task = PreferenceTask(model.model, manifest.recipe.beta)
    if committed is None:
        return Attributor(task, text_profile(dimensions))
    return Attributor.load(task, committed, text_profile(dimensions))


def coordinates_of(model: TextModel, manifest: TextManifest, asked: int) -> int:
    """k: what was asked for, or all that an adapter has, within the protocol's bound."""
    available = sum(value.numel() for value in model.model.parameters() if value.requires_grad)
    default = min(available, MOST_COORDINATES) if manifest.is_adapter else WHOLE_MODEL_COORDINATES
    return int(min(asked or default, available))


def sequences(examples: Sequence[Example], model: TextModel, manifest: TextManifest) -> Sequences:
    """Examples in the width that every feature of this model is made in."""
    return Sequences(examples, pad_token(model.tokenizer), manifest.recipe.max_tokens)


def encode_text_profile(profile: Profile, manifest: TextManifest) -> bytes:
    """The profile of features made by this code."""
    return canonical_json.encode(
        {
            **profile_document(profile),
            "task": "language model",
            "tokens": manifest.recipe.max_tokens,
            "row": PAIR_ROW if learns_preferences(manifest.recipe) else RESPONSE_ROW,
            "query": "whitened gradient of mean log p of the answer's tokens",
        }
    )


def profile_document(profile: Profile) -> dict[str, object]:
    """What all models of texts have in common."""
    return {
        "format": FORMAT,
        **profile.document(),
        "weights": "float32",
        "threads": torch.get_num_threads(),
        "fisher": "empirical, trained records",
        "eigenvectors": "falling eigenvalue, largest entry positive",
        "selection": "largest eigenvalues over all layers, ties by position",
        "rounding": "half to even",
        "row_scale": ROW_SCALE,
        "query_norm": QUERY_NORM,
        "max_mantissa": MAX_MANTISSA,
        "max_exponent": MAX_EXPONENT,
        "versions": numerics(),
    }
