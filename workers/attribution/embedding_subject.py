"""A trained encoder as what is attributed; importing this imports transformers.

A record's row is the whitened gradient of the cosine of its two texts, a receipt's query that of what was
asked (`features`) and what was found (`response`).
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactStore
from workers.attribution.text_profile import (
    BATCH,
    MOST_COORDINATES,
    WHOLE_MODEL_COORDINATES,
    profile_document,
    text_profile,
)
from workers.datasets.kinds import AnyRecord
from workers.datasets.pairs import pair_of
from workers.datasets.text import TextRecord
from workers.datasets.version import LoadedTexts, Placement, load_texts
from workers.errors import InvalidInputError
from workers.influence import Attributor, EmbeddingTask, Profile
from workers.protocol import DatasetVersion, ReceiptInput
from workers.text.encoders import Encoder, filled
from workers.training.contrastive import UNUSED
from workers.training.embedding_manifest import read_embedding_manifest
from workers.training.selection import learnt_mask
from workers.training.text_models import load_trained_encoder

Tokens = tuple[int, ...]


class EmbeddingSubject:
    """An encoder with adapters that were trained on pairs."""

    def __init__(self, store: ArtifactStore, manifest: str) -> None:
        self._store = store
        self._manifest = read_embedding_manifest(store, manifest)
        self._encoder = load_trained_encoder(store, self._manifest)
        if not self._manifest.is_adapter:
            attribute_layers(self._encoder)

    @property
    def datasets(self) -> Sequence[DatasetVersion]:
        return self._manifest.datasets

    @cached_property
    def _version(self) -> LoadedTexts:
        return load_texts(self._store, self._manifest.datasets)

    def dimensions(self, asked: int) -> int:
        available = sum(value.numel() for value in self._encoder.pooled.parameters() if value.requires_grad)
        default = MOST_COORDINATES if self._manifest.is_adapter else WHOLE_MODEL_COORDINATES
        return min(asked or default, available)

    def attributor(self, dimensions: int, committed: bytes | None = None) -> Attributor:
        task, profile = EmbeddingTask(self._encoder.pooled), text_profile(dimensions)
        return Attributor(task, profile) if committed is None else Attributor.load(task, committed, profile)

    def encode_profile(self, profile: Profile) -> bytes:
        return canonical_json.encode(
            {
                **profile_document(profile),
                "task": "pairs of texts",
                "tokens": self._manifest.recipe.max_tokens,
                "row": "whitened gradient of the cosine of the record's two texts",
                "query": "whitened gradient of the cosine of what was asked and what was found",
            }
        )

    def placement(self) -> Placement:
        return self._version

    def learnt(self) -> Any:
        learnt = learnt_mask(self._version.canonical_mask, self._manifest.request())
        return self._batches([self._version.records[row] for row in np.flatnonzero(learnt)])

    def earns(self, canonical: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return learnt_mask(canonical, self._manifest.request())

    def all_records(self) -> Any:
        return self._batches(self._version.records)

    def some_records(self, records: Sequence[AnyRecord]) -> Any:
        return self._sides(self._pairs(records))

    def asked(self, receipts: Sequence[ReceiptInput]) -> Any:
        vocabulary = self._encoder.pooled.encoder.config.vocab_size
        if any(not 0 <= token < vocabulary for r in receipts for token in (*r.features, *r.response)):
            raise InvalidInputError(f"a receipt names a token outside of the encoder's {vocabulary}")
        if not all(receipt.features and receipt.response for receipt in receipts):
            raise InvalidInputError("a receipt of an encoder holds what was asked and what was found")
        limit = self._manifest.recipe.max_tokens
        return Pairs(
            [(receipt.features[:limit], receipt.response[:limit]) for receipt in receipts], self._sides
        )

    def _batches(self, records: Sequence[AnyRecord]) -> "Pairs":
        return Pairs(self._pairs(records), self._sides)

    def _pairs(self, records: Sequence[AnyRecord]) -> list[tuple[Tokens, Tokens]]:
        limit, encoder = self._manifest.recipe.max_tokens, self._encoder
        pairs = [pair_of(record) for record in records if isinstance(record, TextRecord)]
        return [
            (encoder.tokens_of(pair.anchor, limit), encoder.tokens_of(pair.positive, limit)) for pair in pairs
        ]

    def _sides(self, pairs: Sequence[tuple[Tokens, Tokens]]) -> tuple[torch.Tensor, torch.Tensor]:
        pad, width = self._encoder.pooled.pad, self._manifest.recipe.max_tokens
        anchors, positives = zip(*pairs, strict=True)
        return filled(anchors, pad, width), filled(positives, pad, width)


def attribute_layers(encoder: Encoder) -> None:
    """Make trainable what is attributed of a whole encoder: the linear layers that its vectors come from.

    Word vectors are left out: their curvature has the vocabulary's square in numbers, and what moved in them
    moved for the words of the record alone.
    """
    for name, module in encoder.pooled.named_modules():
        if isinstance(module, torch.nn.Linear) and UNUSED not in name:
            module.requires_grad_(True)


class Pairs:
    """Pairs as batches of one width, which can be iterated again."""

    def __init__(self, pairs: Sequence[tuple[Tokens, Tokens]], sides: Any) -> None:
        self._pairs, self._sides = pairs, sides

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for first in range(0, len(self._pairs), BATCH):
            yield self._sides(self._pairs[first : first + BATCH])
