"""Job `evaluate`: a fine-tuned model beside its base on records that neither has seen."""

from workers.artifacts.store import ArtifactStore
from workers.datasets.text import decode_text_jsonl
from workers.datasets.version import load_texts
from workers.determinism import deterministic
from workers.errors import InvalidInputError
from workers.progress import Progress, silent
from workers.protocol import EvaluateRequest, EvaluateResult
from workers.training.objectives import compare
from workers.training.selection import split_of
from workers.training.text_manifest import read_text_manifest


def evaluate(store: ArtifactStore, request: EvaluateRequest, progress: Progress = silent) -> EvaluateResult:
    """The objective's loss of both; raises InvalidInputError when there is nothing to measure on."""
    manifest = read_text_manifest(store, request.manifest)
    with deterministic(manifest.recipe.threads):
        if request.holdout:
            records = tuple(decode_text_jsonl(store.get(request.holdout)))
        else:
            asked = manifest.request()
            records = split_of(store, load_texts(store, asked.datasets), asked).held_out
        if not records:
            raise InvalidInputError("the model's manifest held nothing out: name a holdout file")
        progress(0.1, f"{len(records)} records")
        found = compare(store, manifest, records)
    return EvaluateResult(
        records=len(records),
        tokens=found.tokens,
        base_loss=found.base_loss,
        loss=found.loss,
        better=found.better,
        preferences=found.preferences,
    )
