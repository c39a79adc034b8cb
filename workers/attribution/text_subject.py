"""A fine-tuned language model as what is attributed; importing this imports transformers."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.artifacts.store import ArtifactStore
from workers.attribution import text_profile
from workers.attribution.text_profile import PairSequences
from workers.datasets.kinds import AnyRecord
from workers.datasets.text import TextRecord
from workers.datasets.version import LoadedTexts, Placement, load_texts
from workers.errors import InvalidInputError
from workers.influence import Attributor, Profile
from workers.protocol import DatasetVersion, ReceiptInput
from workers.text.examples import Example, joined, pad_token, padded
from workers.training.finetuning import examples_of
from workers.training.objectives import learns_preferences
from workers.training.preference import pairs_of
from workers.training.selection import learnt_mask, split_of
from workers.training.text_manifest import read_text_manifest
from workers.training.text_models import load_trained


class TextSubject:
    """A language model fine-tuned on text records."""

    def __init__(self, store: ArtifactStore, manifest: str) -> None:
        self._store = store
        self._manifest = read_text_manifest(store, manifest)
        self._model = load_trained(store, self._manifest)

    @property
    def datasets(self) -> Sequence[DatasetVersion]:
        return self._manifest.datasets

    @cached_property
    def _version(self) -> LoadedTexts:
        return load_texts(self._store, self._manifest.datasets)

    def dimensions(self, asked: int) -> int:
        return text_profile.coordinates_of(self._model, self._manifest, asked)

    def attributor(self, dimensions: int, committed: bytes | None = None) -> Attributor:
        return text_profile.attributor_of(self._model, self._manifest, dimensions, committed)

    def encode_profile(self, profile: Profile) -> bytes:
        return text_profile.encode_text_profile(profile, self._manifest)

    def placement(self) -> Placement:
        return self._version

    def learnt(self) -> Any:
        return self._records(split_of(self._store, self._version, self._manifest.request()).learnt)

    def earns(self, canonical: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return learnt_mask(canonical, self._manifest.request())

    def all_records(self) -> Any:
        return self._records(self._version.records)

    def some_records(self, records: Sequence[AnyRecord]) -> Any:
        if learns_preferences(self._manifest.recipe):
            return self._pairs(records).all()
        examples, pad = self._examples(records), pad_token(self._model.tokenizer)
        return padded(examples, pad, self._manifest.recipe.max_tokens)

    def _records(self, records: Sequence[AnyRecord]) -> Any:
        if learns_preferences(self._manifest.recipe):
            return self._pairs(records)
        return text_profile.sequences(self._examples(records), self._model, self._manifest)

    def _pairs(self, records: Sequence[AnyRecord]) -> PairSequences:
        recipe = self._manifest.recipe
        return PairSequences(pairs_of(_texts(records), self._model, recipe), self._model, recipe.max_tokens)

    def _examples(self, records: Sequence[AnyRecord]) -> list[Example]:
        return examples_of(_texts(records), self._model, self._manifest.recipe)

    def asked(self, receipts: Sequence[ReceiptInput]) -> Any:
        vocabulary = self._model.model.config.vocab_size
        if any(not 0 <= token < vocabulary for r in receipts for token in (*r.features, *r.response)):
            raise InvalidInputError(f"a receipt names a token outside of the base's {vocabulary}")
        limit = self._manifest.recipe.max_tokens
        examples = [joined(receipt.features, receipt.response, limit) for receipt in receipts]
        return text_profile.sequences(examples, self._model, self._manifest)


def _texts(records: Sequence[AnyRecord]) -> list[TextRecord]:
    return [record for record in records if isinstance(record, TextRecord)]
