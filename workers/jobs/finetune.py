"""Job `finetune`: fine-tune a language model on published text."""

from typing import Any

from workers.artifacts.store import ArtifactStore
from workers.datasets.version import LoadedTexts, load_texts
from workers.determinism import deterministic
from workers.progress import Progress, silent
from workers.protocol import FinetuneRequest, FinetuneResult
from workers.text.loading import folder_of, load_base
from workers.training.checkpoints import checkpoint_path, remove_abandoned
from workers.training.finetuning import HeldOut
from workers.training.objectives import check_records, learn
from workers.training.preference import rewards_of
from workers.training.selection import Split, split_of
from workers.training.settings import check_recipe
from workers.training.steps import Trained
from workers.training.text_manifest import TextManifest, encode_text_manifest
from workers.training.text_output import card_of, store_model


def finetune(store: ArtifactStore, request: FinetuneRequest, progress: Progress = silent) -> FinetuneResult:
    """Train on canonical records only; goes on where a killed run of the same request was."""
    with deterministic(request.recipe.threads):
        version = load_texts(store, request.datasets)
        split = split_of(store, version, request)
        base = load_base(store, request.base, is_four_bit=request.recipe.method == "qlora")
        check_recipe(request.recipe, base.context)
        check_records(request.recipe, version.records)
        remove_abandoned(store)
        checkpoint, part = checkpoint_path(store, request), within(progress, 0.02, 0.95)
        trained, held_out = learn(base, split, request.recipe, checkpoint, part)
        result = _keep(store, request, trained, _figures(version, split, held_out))
        checkpoint.unlink(missing_ok=True)
        progress(1.0, f"held-out loss {result.holdout_loss:.4f}, the base's {result.base_holdout_loss:.4f}")
        return result


def _figures(version: LoadedTexts, split: Split, held_out: HeldOut) -> dict[str, Any]:
    return {
        "records": len(version.records),
        "canonical_records": int(version.canonical_mask.sum()),
        "trained_records": len(split.learnt),
        "held_out_records": len(split.held_out),
        "base_holdout_loss": held_out.base_loss,
        "holdout_loss": held_out.loss,
        "preferences": held_out.preferences,
    }


def _keep(
    store: ArtifactStore, request: FinetuneRequest, trained: Trained, figures: dict[str, Any]
) -> FinetuneResult:
    card = card_of(request, figures)
    model = store_model(store, trained.model, request, folder_of(store, request.base), card)
    figures |= {"losses": trained.losses, "rewards": rewards_of(trained)}
    manifest = TextManifest(**_fields(request), **figures, model=model)
    return FinetuneResult(
        **figures,
        model=model,
        manifest=store.put(encode_text_manifest(manifest)),
        trained_parameters=trained.parameters,
        tokens=trained.tokens,
        tokens_per_s=trained.tokens_per_s,
    )


def _fields(request: FinetuneRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in FinetuneRequest.__dataclass_fields__}


def within(progress: Progress, first: float, last: float) -> Progress:
    """Progress of a part, as a part of the whole."""
    return lambda done, text: progress(first + (last - first) * done, text)
