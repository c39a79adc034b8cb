"""What is attributed: a trained classifier, a fine-tuned language model or a trained encoder, by its
manifest, behind one set of methods.

Jobs that make or check features (`feature_index`, `queries`, spot checks) ask a subject for the method, for
data in the method's form and for the numeric profile, and need not know which kind of model it is.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from workers.artifacts.store import ArtifactStore
from workers.attribution.profile import encode_profile, paid_profile, paid_task
from workers.datasets.kinds import AnyRecord
from workers.datasets.records import Record
from workers.datasets.version import LoadedVersion, Placement, feature_matrix, load_version
from workers.influence import Attributor, Profile
from workers.protocol import DatasetVersion, ReceiptInput
from workers.serving.models import input_matrix
from workers.training.embedding_manifest import is_embedding_manifest
from workers.training.manifest import load_model, read_manifest
from workers.training.model import scale_features
from workers.training.text_manifest import is_text_manifest

CLASSIFIER_DIMENSIONS = 512


class Subject(Protocol):
    """A trained model with the records it was made from."""

    @property
    def datasets(self) -> Sequence[DatasetVersion]:
        """The versions its rows are of, one after the other."""

    def dimensions(self, asked: int) -> int:
        """k for an index, `asked` unless that is 0."""

    def attributor(self, dimensions: int, committed: bytes | None = None) -> Attributor:
        """The paying method, fresh or from its committed preconditioner."""

    def encode_profile(self, profile: Profile) -> bytes:
        """The numeric profile's document."""

    def placement(self) -> Placement:
        """Owners and canonical records of all rows."""

    def learnt(self) -> Any:
        """The records it was trained on, as the method takes them."""

    def earns(self, canonical: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(N,): which records the model was trained on, given which are canonical; the rows of canonical
        records that it was not trained on are zero."""

    def all_records(self) -> Any:
        """Every record of the versions, as the method takes them."""

    def some_records(self, records: Sequence[AnyRecord]) -> Any:
        """Records that somebody else read, as the method takes them."""

    def asked(self, receipts: Sequence[ReceiptInput]) -> Any:
        """What receipts paid for, as the method takes it."""


def subject_of(store: ArtifactStore, manifest: str) -> Subject:
    """The model that a manifest describes; raises InvalidInputError, ArtifactError."""
    if is_text_manifest(store, manifest):
        from workers.attribution.text_subject import TextSubject  # noqa: PLC0415 - transformers take seconds

        return TextSubject(store, manifest)
    if is_embedding_manifest(store, manifest):
        from workers.attribution.embedding_subject import EmbeddingSubject  # noqa: PLC0415 - the same

        return EmbeddingSubject(store, manifest)
    return ClassifierSubject(store, manifest)


class ClassifierSubject:
    """A small classifier over vectors."""

    def __init__(self, store: ArtifactStore, manifest: str) -> None:
        self._store = store
        self._manifest = read_manifest(store, manifest)

    @property
    def datasets(self) -> Sequence[DatasetVersion]:
        return (self._manifest.dataset,)

    @cached_property
    def _version(self) -> LoadedVersion:
        return load_version(self._store, self._manifest.dataset)

    def dimensions(self, asked: int) -> int:
        return asked or CLASSIFIER_DIMENSIONS

    def attributor(self, dimensions: int, committed: bytes | None = None) -> Attributor:
        task, profile = paid_task(load_model(self._store, self._manifest)), paid_profile(dimensions)
        return Attributor(task, profile) if committed is None else Attributor.load(task, committed, profile)

    def encode_profile(self, profile: Profile) -> bytes:
        return encode_profile(profile)

    def placement(self) -> Placement:
        return self._version

    def learnt(self) -> Any:
        inputs, labels = self.all_records()
        kept = torch.from_numpy(self._version.canonical_mask)
        return inputs[kept], labels[kept]

    def earns(self, canonical: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return canonical

    def all_records(self) -> Any:
        return scale_features(self._version.features), torch.from_numpy(self._version.labels)

    def some_records(self, records: Sequence[AnyRecord]) -> Any:
        vectors = [record for record in records if isinstance(record, Record)]
        return scale_features(feature_matrix(vectors)), torch.tensor([record.label for record in vectors])

    def asked(self, receipts: Sequence[ReceiptInput]) -> Any:
        width = self._manifest.widths[0]
        return scale_features(input_matrix([receipt.features for receipt in receipts], width))
