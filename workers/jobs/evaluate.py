"""Job `evaluate`: a fine-tuned model beside its base on records that neither has seen."""

from workers.artifacts.store import ArtifactStore
from workers.datasets.text import decode_text_jsonl
from workers.datasets.version import load_texts
from workers.errors import InvalidInputError
from workers.jobs.finetune import examples_of
from workers.jobs.types import EvaluateRequest, EvaluateResult
from workers.progress import Progress, silent
from workers.text.examples import pad_token
from workers.text.loading import load_base
from workers.training.finetuning import losses_of, mean
from workers.training.selection import split_of
from workers.training.text_manifest import read_text_manifest
from workers.training.text_models import load_trained
from workers.training.trainer import use_determinism


def evaluate(store: ArtifactStore, request: EvaluateRequest, progress: Progress = silent) -> EvaluateResult:
    """Mean loss of both; raises InvalidInputError when there is nothing to measure on."""
    use_determinism()
    manifest = read_text_manifest(store, request.manifest)
    if request.holdout:
        records = tuple(decode_text_jsonl(store.get(request.holdout)))
    else:
        asked = manifest.request()
        records = split_of(store, load_texts(store, asked.datasets), asked).held_out
    if not records:
        raise InvalidInputError("the model's manifest held nothing out: name a holdout file")
    base = load_base(store, manifest.base)
    examples = examples_of(records, base, manifest.recipe)
    progress(0.1, f"{len(examples)} records, {sum(example.learnt for example in examples)} tokens")
    before = losses_of(base.model, examples, pad_token(base.tokenizer))
    progress(0.5, f"base {mean(before):.4f}")
    after = losses_of(load_trained(store, manifest).model, examples, pad_token(base.tokenizer))
    return EvaluateResult(
        records=len(examples),
        tokens=sum(example.learnt for example in examples),
        base_loss=mean(before),
        loss=mean(after),
        better=sum(ours < theirs for ours, theirs in zip(after, before, strict=True)),
    )
