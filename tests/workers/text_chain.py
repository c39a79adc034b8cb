"""One small run of the text jobs on the tiny base, made once for all tests that read it."""

from dataclasses import dataclass, replace

from tests.workers.versions import publish_files
from workers.artifacts.folders import store_folder
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.datasets.text import encode_text_jsonl
from workers.jobs.finetune import finetune
from workers.protocol import (
    DEFAULT_FINE_TUNE_RECIPE,
    DatasetVersion,
    FinetuneRequest,
    FinetuneResult,
)
from workers.text.base import make_base
from workers.text.export import TextParts, text_parts

RECIPE = replace(
    DEFAULT_FINE_TUNE_RECIPE,
    rank=2,
    alpha=8,
    epochs=3,
    learning_rate=0.02,
    max_tokens=128,
    checkpoint_steps=5,
)


@dataclass(frozen=True)
class TextChain:
    """Five subjects contributed to one version, and an adapter made of it."""

    store: ArtifactStore
    base: ArtifactId
    parts: TextParts
    version: DatasetVersion
    request: FinetuneRequest
    trained: FinetuneResult


def publish_texts(store: ArtifactStore, parts: TextParts) -> DatasetVersion:
    """Contributions of text, in order."""
    return publish_files(store, [encode_text_jsonl(part) for part in parts.parts])


def make_text_chain(store: ArtifactStore) -> TextChain:
    """60 records, an adapter of rank 2, 10 records held out."""
    base = store_folder(store, make_base("tiny"))
    parts = text_parts(part_records=12, holdout_records=2)
    version = publish_texts(store, parts)
    holdout = store.put(encode_text_jsonl(parts.holdout))
    request = FinetuneRequest("Python helper", base, (version,), RECIPE, holdout, "psf-2.0")
    return TextChain(store, base, parts, version, request, finetune(store, request))
