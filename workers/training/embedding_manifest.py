"""What a trained encoder's manifest says: everything needed to train it again, and what came out.

Source: protocol, section 3 "Model"; `docs/formats.md`.
"""

from dataclasses import dataclass

from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.protocol import (
    DEFAULT_EMBEDDING_RECIPE,
    DatasetVersion,
    EmbeddingRecipe,
    LossPoint,
    Retrieval,
    TrainEmbeddingRequest,
)
from workers.protocol.codec import from_json, to_json
from workers.training.text_manifest import has_format, manifest_fields, numerics, with_later_settings

FORMAT = "openledger-embedding-manifest/1"
LATER_SETTINGS = ("method", "hard_negatives", "threads")
"""Of a recipe; manifests from before they were there mean their defaults."""


@dataclass(frozen=True, slots=True)
class EmbeddingManifest:
    """The request, the adapter or encoder that came of it, counts, retrieval by held-out pairs, losses per
    pair."""

    name: str
    base: ArtifactId
    datasets: tuple[DatasetVersion, ...]
    recipe: EmbeddingRecipe
    holdout: ArtifactId
    licence: str
    model: ArtifactId
    records: int
    canonical_records: int
    trained_records: int
    held_out_records: int
    base_retrieval: Retrieval
    retrieval: Retrieval
    losses: tuple[LossPoint, ...]

    @property
    def is_adapter(self) -> bool:
        """Whether `model` is a PEFT adapter; else it is a whole encoder."""
        return self.recipe.method != "full"

    def request(self) -> TrainEmbeddingRequest:
        """What was asked for."""
        return TrainEmbeddingRequest(
            self.name, self.base, self.datasets, self.recipe, self.holdout, self.licence
        )


def encode_embedding_manifest(manifest: EmbeddingManifest) -> bytes:
    """The published document."""
    settings = numerics(manifest.recipe.threads)
    return canonical_json.encode({"format": FORMAT, "numerics": settings, **to_json(manifest)})


def read_embedding_manifest(store: ArtifactStore, name: str) -> EmbeddingManifest:
    """A published manifest; raises InvalidInputError when malformed, ArtifactError when missing."""
    fields = manifest_fields(store, name, FORMAT)
    recipe = with_later_settings(fields.get("recipe"), DEFAULT_EMBEDDING_RECIPE, LATER_SETTINGS)
    return from_json(EmbeddingManifest, {**fields, "recipe": recipe})


def is_embedding_manifest(store: ArtifactStore, name: str) -> bool:
    """Whether it is a trained encoder's; raises ArtifactError, InvalidInputError."""
    return has_format(store, name, FORMAT)
