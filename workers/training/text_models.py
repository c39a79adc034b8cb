"""The model that a manifest names, in memory: an adapter on its base, or a whole model."""

from workers.artifacts.store import ArtifactStore
from workers.text.encoders import Encoder, load_adapted_encoder, load_encoder
from workers.text.loading import TextModel, load_adapted, load_base
from workers.training.embedding_manifest import EmbeddingManifest
from workers.training.text_manifest import TextManifest


def load_trained(store: ArtifactStore, manifest: TextManifest) -> TextModel:
    """Only what was trained is trainable: of an adapter its factors, of a whole model everything."""
    if manifest.is_adapter:
        return load_adapted(store, manifest.base, manifest.model)
    return load_base(store, manifest.model)


def load_trained_encoder(store: ArtifactStore, manifest: EmbeddingManifest) -> Encoder:
    """The factors of an adapter are trainable; of a whole encoder nothing is."""
    if manifest.is_adapter:
        return load_adapted_encoder(store, manifest.base, manifest.model)
    return load_encoder(store, manifest.model)
