"""Job `finetune`: fine-tune a language model on published text."""

from collections.abc import Sequence
from typing import Any

from workers.artifacts.store import ArtifactStore
from workers.datasets.text import TextRecord
from workers.datasets.version import LoadedTexts, load_texts
from workers.jobs.types import FineTuneRecipe, FinetuneRequest, FinetuneResult
from workers.progress import Progress, silent
from workers.text.examples import Example, example_of, pad_token
from workers.text.loading import TextModel, folder_of, load_base
from workers.training.checkpoints import checkpoint_path, remove_abandoned
from workers.training.finetuning import check_recipe, fine_tune, losses_of, mean
from workers.training.selection import Split, split_of
from workers.training.steps import Trained
from workers.training.text_manifest import TextManifest, encode_text_manifest
from workers.training.text_output import card_of, store_model
from workers.training.trainer import use_determinism


def finetune(store: ArtifactStore, request: FinetuneRequest, progress: Progress = silent) -> FinetuneResult:
    """Train on canonical records only; goes on where a killed run of the same request was."""
    use_determinism()
    version = load_texts(store, request.datasets)
    split = split_of(store, version, request)
    base = load_base(store, request.base, is_four_bit=request.recipe.method == "qlora")
    check_recipe(request.recipe, base.context)
    learnt, held_out = (examples_of(part, base, request.recipe) for part in (split.learnt, split.held_out))
    base_losses = losses_of(base.model, held_out, pad_token(base.tokenizer))
    remove_abandoned(store)
    checkpoint = checkpoint_path(store, request)
    trained = fine_tune(base, learnt, request.recipe, checkpoint, within(progress, 0.02, 0.95))
    losses = losses_of(trained.model, held_out, pad_token(base.tokenizer))
    figures = _figures(version, split, mean(base_losses), mean(losses))
    result = _keep(store, request, trained, figures)
    checkpoint.unlink(missing_ok=True)
    progress(1.0, f"held-out loss {result.holdout_loss:.4f}, the base's {result.base_holdout_loss:.4f}")
    return result


def examples_of(records: Sequence[TextRecord], base: TextModel, recipe: FineTuneRecipe) -> list[Example]:
    """Records as sequences for this base."""
    return [example_of(record, base.tokenizer, recipe.max_tokens) for record in records]


def _figures(version: LoadedTexts, split: Split, base_loss: float, loss: float) -> dict[str, Any]:
    return {
        "records": len(version.records),
        "canonical_records": int(version.canonical_mask.sum()),
        "trained_records": len(split.learnt),
        "held_out_records": len(split.held_out),
        "base_holdout_loss": base_loss,
        "holdout_loss": loss,
    }


def _keep(
    store: ArtifactStore, request: FinetuneRequest, trained: Trained, figures: dict[str, Any]
) -> FinetuneResult:
    card = card_of(request, figures)
    model = store_model(store, trained.model, request, folder_of(store, request.base), card)
    manifest = TextManifest(**_fields(request), **figures, model=model, losses=trained.losses)
    return FinetuneResult(
        **figures,
        model=model,
        manifest=store.put(encode_text_manifest(manifest)),
        trained_parameters=trained.parameters,
        tokens=trained.tokens,
        tokens_per_s=trained.tokens_per_s,
        losses=trained.losses,
    )


def _fields(request: FinetuneRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in FinetuneRequest.__dataclass_fields__}


def within(progress: Progress, first: float, last: float) -> Progress:
    """Progress of a part, as a part of the whole."""
    return lambda done, text: progress(first + (last - first) * done, text)
