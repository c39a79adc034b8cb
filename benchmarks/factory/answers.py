"""Whose records answers are owed to: does the contributor of a question's subject score first, and why not.

    python -m benchmarks.factory.answers --records 80 --rank 16 --epochs 5 --learning-rate 0.006 --tokens 96

Fine-tunes a base on the five subjects (a contributor each), asks about their own records and scores three
answers to each question: the model's greedy one, a sampled one, and the record's own text. Where the last is
put right and the first is not, the scorer is not at fault. Prints one JSON object; 1 to 3 minutes.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genesis.types import Address
from workers.artifacts.folders import store_folder
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.attribution.index import read_index
from workers.attribution.numerics import exact_dots
from workers.attribution.queries import read_queries
from workers.datasets.export_text import TextParts, text_parts
from workers.datasets.text import TextRecord, encode_text_jsonl
from workers.influence.spans import SpanIndex
from workers.jobs.feature_index import feature_index
from workers.jobs.finetune import finetune
from workers.jobs.queries import queries
from workers.jobs.types import (
    ContributionSource,
    DatasetVersion,
    FeatureIndexRequest,
    FineTuneRecipe,
    FinetuneRequest,
    FinetuneResult,
    QueriesRequest,
    ReceiptInput,
)
from workers.text.base import make_base
from workers.text.examples import prompt_tokens
from workers.text.loading import TextModel
from workers.training.text_manifest import read_text_manifest
from workers.training.text_models import load_trained

ANSWER_TOKENS = 48
TEMPERATURE = 0.7
LEAST_PASSAGE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about one of `owner`'s records: its tokens, and the tokens of the record's own text."""

    owner: int
    prompt: tuple[int, ...]
    own: tuple[int, ...]


def train(store: ArtifactStore, parts: TextParts, preset: str, recipe: FineTuneRecipe) -> FinetuneResult:
    """One adapter on everything, measured on what nobody contributed."""
    sources = tuple(
        ContributionSource(number, Address(bytes([number]) * 20), number, store.put(encode_text_jsonl(part)))
        for number, part in enumerate(parts.parts, start=1)
    )
    version = DatasetVersion(31338, 1, 1, 990_000, sources)
    base, holdout = store_folder(store, make_base(preset)), store.put(encode_text_jsonl(parts.holdout))
    return finetune(store, FinetuneRequest("answers", base, (version,), recipe, holdout))


def questions(parts: TextParts, model: TextModel, per_subject: int) -> list[Asked]:
    """Evenly chosen records of each contributor, as the demo asks for them."""
    return [
        _asked(owner, part[place * len(part) // per_subject], model.tokenizer)
        for owner, part in enumerate(parts.parts)
        for place in range(per_subject)
    ]


def _asked(owner: int, record: TextRecord, tokenizer: Any) -> Asked:
    before, response = record.turns()
    own = tokenizer.encode(response, add_special_tokens=False)[:ANSWER_TOKENS]
    return Asked(owner, tuple(prompt_tokens(before, tokenizer)), tuple(own))


def answer(model: TextModel, asked: Asked, *, is_sampled: bool) -> tuple[int, ...]:
    """What the model says, at most 48 tokens."""
    torch.manual_seed(1)
    prompt = torch.tensor([asked.prompt])
    sampling: dict[str, Any] = {"temperature": TEMPERATURE, "top_k": 0} if is_sampled else {}
    with torch.no_grad():
        made = model.model.generate(
            input_ids=prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=ANSWER_TOKENS,
            do_sample=is_sampled,
            pad_token_id=model.tokenizer.pad_token_id,
            **sampling,
        )
    return tuple(made[0][len(asked.prompt) :].tolist())


def scored(
    store: ArtifactStore, index_name: ArtifactId, asked: Sequence[Asked], answers: Sequence[tuple[int, ...]]
) -> dict[str, Any]:
    """How often the own contributor is first, who is how often, and mean z of own and others."""
    receipts = tuple(
        ReceiptInput(number, 1, each.prompt, said)
        for number, (each, said) in enumerate(zip(asked, answers, strict=True))
    )
    index = read_index(store, index_name)
    made = read_queries(store, queries(store, QueriesRequest(index_name, receipts)).queries)
    vectors = made.vectors.astype(np.int64)
    scores = np.array([exact_dots(index.sums.vectors, row.tolist()) for row in vectors], dtype=np.float64)
    lengths = np.sqrt(np.array(index.sums.norms_squared, dtype=np.float64))
    norms = np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1))
    z = scores / np.outer(norms, lengths) * np.sqrt(index.dimensions)
    owners = np.array([each.owner for each in asked])
    own = z[np.arange(len(asked)), owners]
    others = (z.sum(axis=1) - own) / (z.shape[1] - 1)
    return {
        "own_contributor_first": int((scores.argmax(axis=1) == owners).sum()),
        "first": np.bincount(scores.argmax(axis=1), minlength=z.shape[1]).tolist(),
        "mean_z": {"own": round(float(own.mean()), 1), "others": round(float(others.mean()), 1)},
    }


def longest_passages(parts: TextParts, model: TextModel, answers: Sequence[tuple[int, ...]]) -> list[int]:
    """Bytes of each answer's longest passage that stands in a record, longest first."""
    index = SpanIndex([record.plain().encode() for part in parts.parts for record in part])
    texts = [model.tokenizer.decode(list(said), skip_special_tokens=True).encode() for said in answers]
    found = [[span.length for span in index.spans(text, LEAST_PASSAGE_BYTES)] for text in texts]
    return sorted((max(lengths, default=0) for lengths in found), reverse=True)


def measure(preset: str, records: int, per_subject: int, recipe: FineTuneRecipe) -> dict[str, Any]:
    """Train, index, ask and score; everything in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        store, parts = ArtifactStore(Path(name) / "artifacts"), text_parts(records)
        started_s = time.process_time()
        trained = train(store, parts, preset, recipe)
        training_s = time.process_time() - started_s
        index = feature_index(store, FeatureIndexRequest(trained.manifest))
        model = load_trained(store, read_text_manifest(store, trained.manifest))
        asked = questions(parts, model, per_subject)
        said = {
            "greedy": [answer(model, each, is_sampled=False) for each in asked],
            "sampled": [answer(model, each, is_sampled=True) for each in asked],
            "own_text": [each.own for each in asked],
        }
        return {
            "questions": len(asked),
            "base_holdout_loss": round(trained.base_holdout_loss, 3),
            "holdout_loss": round(trained.holdout_loss, 3),
            "training_loss": [round(trained.losses[place].loss, 2) for place in (0, -1)],
            "training_cpu_s": round(training_s, 1),
            "coordinates": index.dimensions,
            "passages_bytes": longest_passages(parts, model, said["greedy"])[:5],
            **{kind: scored(store, index.index, asked, answers) for kind, answers in said.items()},
        }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description="Whose records answers are owed to.")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--records", type=int, default=30, help="of each of the five subjects")
    parser.add_argument("--questions", type=int, default=4, help="about each subject")
    parser.add_argument("--method", default="lora")
    parser.add_argument("--rank", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    recipe = FineTuneRecipe(
        method=options.method,
        rank=options.rank,
        alpha=2 * options.rank,
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        max_tokens=options.tokens,
        seed=options.seed,
    )
    print(json.dumps(measure(options.preset, options.records, options.questions, recipe)))


if __name__ == "__main__":
    main()
