"""Jobs `finetune` and `verify`: fine-tune a language model on published text; train again and compare."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workers.artifacts import canonical_json
from workers.artifacts.folders import read_folder
from workers.artifacts.store import ArtifactStore
from workers.artifacts.tensors import decode_tensors
from workers.datasets.text import TextRecord
from workers.datasets.version import LoadedTexts, load_texts
from workers.errors import InvalidInputError
from workers.jobs.codec import to_json
from workers.jobs.types import (
    FineTuneRecipe,
    FinetuneRequest,
    FinetuneResult,
    VerifyRequest,
    VerifyResult,
)
from workers.progress import Progress, silent
from workers.text.examples import Example, example_of, pad_token
from workers.text.loading import TextModel, folder_of, load_base
from workers.training.finetuning import check_recipe, fine_tune, losses_of, mean
from workers.training.selection import Split, split_of
from workers.training.steps import Trained
from workers.training.text_manifest import (
    TextManifest,
    differing_settings,
    encode_text_manifest,
    numerics,
    read_text_manifest,
)
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
    checkpoint = checkpoint_path(store, request)
    trained = fine_tune(base, learnt, request.recipe, checkpoint, _within(progress, 0.02, 0.95))
    losses = losses_of(trained.model, held_out, pad_token(base.tokenizer))
    figures = _figures(version, split, mean(base_losses), mean(losses))
    result = _keep(store, request, trained, figures)
    checkpoint.unlink(missing_ok=True)
    progress(1.0, f"held-out loss {result.holdout_loss:.4f}, the base's {result.base_holdout_loss:.4f}")
    return result


def verify(store: ArtifactStore, request: VerifyRequest, progress: Progress = silent) -> VerifyResult:
    """Train again from the manifest's request; equal files, or how far off the weights are."""
    manifest = read_text_manifest(store, request.manifest)
    again = finetune(store, manifest.request(), progress)
    largest, relative = distance(store, manifest.model, again.model)
    return VerifyResult(
        is_same=again.model == manifest.model and again.manifest == request.manifest,
        model=manifest.model,
        retrained=again.model,
        largest_difference=largest,
        relative_difference=relative,
        differing_settings=differing_settings(store, request.manifest),
    )


def examples_of(records: Sequence[TextRecord], base: TextModel, recipe: FineTuneRecipe) -> list[Example]:
    """Records as sequences for this base."""
    return [example_of(record, base.tokenizer, recipe.max_tokens) for record in records]


def checkpoint_path(store: ArtifactStore, request: FinetuneRequest) -> Path:
    """Where a run leaves its checkpoints: beside the artefacts, named by all that decides its bits."""
    identity = canonical_json.encode([to_json(request), numerics()])
    name = hashlib.sha256(identity).hexdigest()
    return store.directory.parent / "checkpoints" / f"{name}.safetensors"


def distance(store: ArtifactStore, first: str, second: str) -> tuple[float, float]:
    """Largest absolute difference of the weights, and the norm of the difference in parts of the first's."""
    largest, difference, norm = 0.0, 0.0, 0.0
    ours, theirs = _weights(store, first), _weights(store, second)
    if ours.keys() != theirs.keys() or any(ours[name].shape != theirs[name].shape for name in ours):
        raise InvalidInputError("the two models have different weights by name or shape")
    for name, value in ours.items():
        off = value.astype(np.float64) - theirs[name]
        largest = max(largest, float(np.abs(off).max(initial=0.0)))
        difference += float((off**2).sum())
        norm += float((value.astype(np.float64) ** 2).sum())
    return largest, float(np.sqrt(difference / norm)) if norm else 0.0


def _weights(store: ArtifactStore, folder: str) -> dict[str, Any]:
    files = read_folder(store, folder)
    return {
        f"{file}:{name}": array
        for file, artifact in files.items()
        if file.endswith(".safetensors")
        for name, array in decode_tensors(store.get(artifact)).items()
    }


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


def _within(progress: Progress, first: float, last: float) -> Progress:
    return lambda done, text: progress(first + (last - first) * done, text)
