"""Whose records answers are owed to: does the contributor of a question's subject score first, and why not.

    python -m benchmarks.factory.answers --report

Fine-tunes a base on the five subjects (a contributor each) as `demo --text` does, asks about their records
and scores three answers to each question: the model's greedy one, a sampled one, and the record's own text.
Where the last is put right and the first is not, the scorer is not at fault. Settings are chosen
without `--report`; with it every question is about another record. Prints one JSON object.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genesis.policy import DEV_POLICY
from genesis.types import Address
from openledger_node.demo.text.model import RECIPE
from openledger_node.demo.text.purchase import MAX_TOKENS
from openledger_node.demo.text.run import PART_RECORDS
from workers.artifacts.folders import store_folder
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.attribution.index import read_index
from workers.attribution.numerics import exact_dots
from workers.attribution.queries import read_queries
from workers.attribution.scoring import batch_scores
from workers.datasets.text import TextRecord, encode_text_jsonl
from workers.influence.spans import SpanIndex
from workers.jobs.feature_index import feature_index
from workers.jobs.finetune import finetune
from workers.jobs.queries import queries
from workers.protocol import (
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
from workers.text.export import TextParts, asked_about, text_parts
from workers.text.loading import TextModel
from workers.training.text_manifest import read_text_manifest
from workers.training.text_models import load_trained

ANSWER_TOKENS = MAX_TOKENS
CHANGEABLE = {"rank": int, "epochs": int, "learning_rate": float, "weight_decay": float, "seed": int}
"""Settings of the recipe that the command line may change."""
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


def questions(parts: TextParts, model: TextModel, per_subject: int, *, is_report: bool) -> list[Asked]:
    """Evenly chosen records of each contributor, as the demo asks for them."""
    return [
        _asked(owner, record, model.tokenizer)
        for owner, part in enumerate(parts.parts)
        for record in asked_about(part, per_subject, is_report=is_report)
    ]


def _asked(owner: int, record: TextRecord, tokenizer: Any) -> Asked:
    before, response = record.turns()
    own = tokenizer.encode(response, add_special_tokens=False)[:ANSWER_TOKENS]
    return Asked(owner, tuple(prompt_tokens(before, tokenizer)), tuple(own))


def answer(model: TextModel, asked: Asked, *, is_sampled: bool) -> tuple[int, ...]:
    """What the model says, at most `ANSWER_TOKENS`."""
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


@dataclass(frozen=True, slots=True)
class Scores:
    """Of Q answers and C contributors: exact `scores` (Q, C), `z` (Q, C), and the contributors that a
    settlement of all Q answers, each at the same fee, would pay."""

    scores: NDArray[np.float64]
    z: NDArray[np.float64]
    paid: int


def score(
    store: ArtifactStore, index_name: ArtifactId, asked: Sequence[Asked], answers: Sequence[tuple[int, ...]]
) -> Scores:
    """Scores as the gateway's attribution computes them."""
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
    together = batch_scores(index, vectors.sum(axis=0).tolist(), DEV_POLICY.significance_ppm)
    z = scores / np.outer(norms, lengths) * np.sqrt(index.dimensions)
    return Scores(scores, z, sum(found > 0 for found in together))


def summary(found: Scores, asked: Sequence[Asked]) -> dict[str, Any]:
    """How often the own contributor is first, who is how often, and mean z of own and others."""
    owners = np.array([each.owner for each in asked])
    own = found.z[np.arange(len(asked)), owners]
    others = (found.z.sum(axis=1) - own) / (found.z.shape[1] - 1)
    first = found.scores.argmax(axis=1)
    return {
        "own_contributor_first": int((first == owners).sum()),
        "first": np.bincount(first, minlength=found.z.shape[1]).tolist(),
        "contributors_paid": found.paid,
        "mean_z": {"own": round(float(own.mean()), 1), "others": round(float(others.mean()), 1)},
    }


def longest_passages(parts: TextParts, model: TextModel, answers: Sequence[tuple[int, ...]]) -> list[int]:
    """Bytes of each answer's longest passage that stands in a record, longest first."""
    index = SpanIndex([record.plain().encode() for part in parts.parts for record in part])
    texts = [model.tokenizer.decode(list(said), skip_special_tokens=True).encode() for said in answers]
    found = [[span.length for span in index.spans(text, LEAST_PASSAGE_BYTES)] for text in texts]
    return sorted((max(lengths, default=0) for lengths in found), reverse=True)


@dataclass(frozen=True, slots=True)
class Settings:
    """What is fine-tuned and asked. `records` and `questions` are of each subject."""

    preset: str
    records: int
    questions: int
    is_report: bool
    recipe: FineTuneRecipe


def measure(settings: Settings) -> dict[str, Any]:
    """Train, index, ask and score; everything in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        store, parts = ArtifactStore(Path(name) / "artifacts"), text_parts(settings.records)
        started_s = time.process_time()
        trained = train(store, parts, settings.preset, settings.recipe)
        training_s = time.process_time() - started_s
        index = feature_index(store, FeatureIndexRequest(trained.manifest))
        model = load_trained(store, read_text_manifest(store, trained.manifest))
        asked = questions(parts, model, settings.questions, is_report=settings.is_report)
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
            "passages_bytes": longest_passages(parts, model, said["greedy"]),
            **{
                kind: summary(score(store, index.index, asked, answers), asked)
                for kind, answers in said.items()
            },
        }


def settings_of(options: argparse.Namespace) -> Settings:
    """The demo's, with what the command line changes."""
    changed = {name: value for name in CHANGEABLE if (value := getattr(options, name)) is not None}
    if "rank" in changed:
        changed["alpha"] = 2 * changed["rank"]
    recipe = replace(RECIPE, **changed)
    return Settings(options.preset, options.records, options.questions, options.report, recipe)


def parser_of(description: str) -> argparse.ArgumentParser:
    """The options of what is fine-tuned and asked."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--records", type=int, default=PART_RECORDS, help="of each of the five subjects")
    parser.add_argument("--questions", type=int, default=4, help="about each subject")
    parser.add_argument("--report", action="store_true", help="ask about records no setting was chosen by")
    for name, kind in CHANGEABLE.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for."""
    options = parser_of("Whose records answers are owed to.").parse_args(arguments)
    print(json.dumps(measure(settings_of(options))))


if __name__ == "__main__":
    main()
