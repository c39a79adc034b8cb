"""Jobs `train_embedding` and `evaluate_embedding`: an encoder learns from published pairs."""

from collections.abc import Sequence
from typing import Any

from workers.artifacts.store import ArtifactStore
from workers.datasets.pairs import Pair, pair_of
from workers.datasets.text import TextRecord, decode_text_jsonl
from workers.datasets.version import load_texts
from workers.determinism import deterministic
from workers.errors import InvalidInputError
from workers.jobs.finetune import within
from workers.progress import Progress, silent
from workers.protocol import (
    EvaluateEmbeddingRequest,
    EvaluateEmbeddingResult,
    TrainEmbeddingRequest,
    TrainEmbeddingResult,
)
from workers.text.encoders import Encoder, load_encoder
from workers.training.checkpoints import checkpoint_path, remove_abandoned
from workers.training.contrastive import token_pairs, train_on_pairs
from workers.training.embedding_manifest import (
    EmbeddingManifest,
    encode_embedding_manifest,
    read_embedding_manifest,
)
from workers.training.embedding_output import embedding_card, store_encoder
from workers.training.retrieval import retrieval
from workers.training.selection import split_of
from workers.training.settings import check_embedding_recipe
from workers.training.steps import Trained
from workers.training.text_models import load_trained_encoder


def train_embedding(
    store: ArtifactStore, request: TrainEmbeddingRequest, progress: Progress = silent
) -> TrainEmbeddingResult:
    """Train on canonical records only; goes on where a killed run of the same request was."""
    with deterministic(request.recipe.threads):
        version = load_texts(store, request.datasets)
        split = split_of(store, version, request)
        base, recipe = load_encoder(store, request.base), request.recipe
        check_embedding_recipe(recipe, base.context)
        learnt, held_out = pairs_of(split.learnt), pairs_of(split.held_out)
        before = retrieval(base, held_out, learnt, recipe.max_tokens)
        remove_abandoned(store)
        checkpoint, part = checkpoint_path(store, request), within(progress, 0.05, 0.95)
        encoder, trained = train_on_pairs(base, token_pairs(learnt, base, recipe), recipe, checkpoint, part)
        after = retrieval(encoder, held_out, learnt, recipe.max_tokens)
        figures: dict[str, Any] = {
            "records": len(version.records),
            "canonical_records": int(version.canonical_mask.sum()),
            "trained_records": len(learnt),
            "held_out_records": len(held_out),
            "base_retrieval": before,
            "retrieval": after,
            "losses": trained.losses,
        }
        result = _keep(store, request, encoder, trained, figures)
        checkpoint.unlink(missing_ok=True)
        progress(1.0, f"recall@1 {after.recall_at_1:.3f}, the base's {before.recall_at_1:.3f}")
        return result


def _keep(
    store: ArtifactStore,
    request: TrainEmbeddingRequest,
    encoder: Encoder,
    trained: Trained,
    figures: dict[str, Any],
) -> TrainEmbeddingResult:
    model = store_encoder(store, encoder, request, embedding_card(request, figures))
    asked = {name: getattr(request, name) for name in TrainEmbeddingRequest.__dataclass_fields__}
    manifest = EmbeddingManifest(**asked, model=model, **figures)
    return TrainEmbeddingResult(
        model,
        store.put(encode_embedding_manifest(manifest)),
        **figures,
        trained_parameters=trained.parameters,
        tokens=trained.tokens,
        tokens_per_s=trained.tokens_per_s,
    )


def evaluate_embedding(
    store: ArtifactStore, request: EvaluateEmbeddingRequest, progress: Progress = silent
) -> EvaluateEmbeddingResult:
    """Retrieval of both; raises InvalidInputError when there is nothing to measure on."""
    manifest = read_embedding_manifest(store, request.manifest)
    with deterministic(manifest.recipe.threads):
        asked = manifest.request()
        split = split_of(store, load_texts(store, asked.datasets), asked)
        named = decode_text_jsonl(store.get(request.holdout)) if request.holdout else split.held_out
        if not named:
            raise InvalidInputError("the model's manifest held nothing out: name a holdout file")
        held_out, learnt, limit = pairs_of(named), pairs_of(split.learnt), manifest.recipe.max_tokens
        before = retrieval(load_encoder(store, manifest.base), held_out, learnt, limit)
        progress(0.5, f"base's recall@1 {before.recall_at_1:.3f}")
        tuned = load_trained_encoder(store, manifest)
        return EvaluateEmbeddingResult(len(held_out), before, retrieval(tuned, held_out, learnt, limit))


def pairs_of(records: Sequence[TextRecord]) -> list[Pair]:
    """Every record's pair; raises InvalidInputError for one that has none."""
    return [pair_of(record) for record in records]
