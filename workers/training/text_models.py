"""The model that a text manifest names, in memory: an adapter on its base, or a whole model."""

from workers.artifacts.store import ArtifactStore
from workers.text.loading import TextModel, load_adapted, load_base
from workers.training.text_manifest import TextManifest


def load_trained(store: ArtifactStore, manifest: TextManifest) -> TextModel:
    """Only what was trained is trainable: of an adapter its factors, of a whole model everything."""
    if manifest.is_adapter:
        return load_adapted(store, manifest.base, manifest.model)
    return load_base(store, manifest.model)
