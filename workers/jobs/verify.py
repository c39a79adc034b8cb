"""Job `verify`: train again from a manifest; the same bytes, or how far off."""

from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.jobs.finetune import finetune
from workers.jobs.train_embedding import train_embedding
from workers.progress import Progress, silent
from workers.protocol import FinetuneResult, TrainEmbeddingResult, VerifyRequest, VerifyResult
from workers.training.distance import distance
from workers.training.embedding_manifest import is_embedding_manifest, read_embedding_manifest
from workers.training.text_manifest import differing_settings, read_text_manifest


def verify(store: ArtifactStore, request: VerifyRequest, progress: Progress = silent) -> VerifyResult:
    """Equal files, or the distance of the weights; raises InvalidInputError, ArtifactError."""
    model, again = _trained_again(store, request.manifest, progress)
    largest, relative = distance(store, model, again.model)
    return VerifyResult(
        is_same=again.model == model and _says_the_same(store, request.manifest, again.manifest),
        model=model,
        retrained=again.model,
        largest_difference=largest,
        relative_difference=relative,
        differing_settings=differing_settings(store, request.manifest),
    )


def _says_the_same(store: ArtifactStore, one: ArtifactId, other: ArtifactId) -> bool:
    """Whether two manifests have the same request and figures: one may be from before a setting was there."""
    if one == other:
        return True
    read = read_embedding_manifest if is_embedding_manifest(store, one) else read_text_manifest
    return bool(read(store, one) == read(store, other))


def _trained_again(
    store: ArtifactStore, name: str, progress: Progress
) -> tuple[ArtifactId, FinetuneResult | TrainEmbeddingResult]:
    """What the manifest names, and what comes of its request here."""
    if is_embedding_manifest(store, name):
        encoder = read_embedding_manifest(store, name)
        return encoder.model, train_embedding(store, encoder.request(), progress)
    manifest = read_text_manifest(store, name)
    return manifest.model, finetune(store, manifest.request(), progress)
