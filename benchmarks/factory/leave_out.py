"""Whether scores say what leaving a contributor's records out does: answers' losses beside our ranking.

    python -m benchmarks.factory.leave_out --report

Fine-tunes once on everything and once more without each contributor, same recipe and seed. How much less
likely each answer then is, is that contributor's true effect on it; its score is our estimate. Prints one
JSON object: the rise of the loss on the contributors' own questions, how often leaving the own contributor
out costs most, and Spearman's rank correlation of effects and scores over the contributors of each answer.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.factory.answers import (
    Asked,
    Settings,
    answer,
    parser_of,
    questions,
    score,
    settings_of,
    train,
)
from workers.artifacts.store import ArtifactStore
from workers.jobs.feature_index import feature_index
from workers.protocol import FeatureIndexRequest, FinetuneResult
from workers.text.examples import joined, pad_token
from workers.text.export import TextParts, text_parts
from workers.text.loading import TextModel
from workers.training.finetuning import losses_of
from workers.training.text_manifest import read_text_manifest
from workers.training.text_models import load_trained


@dataclass(frozen=True, slots=True)
class Effects:
    """Of Q answers and C contributors: by how many nats per token each answer's loss rises without the
    contributor (Q, C), and the same of the records' own texts."""

    answers: NDArray[np.float64]
    own_texts: NDArray[np.float64]


def without(parts: TextParts, left_out: int) -> TextParts:
    """The same contributions but for one."""
    kept = tuple(part for number, part in enumerate(parts.parts) if number != left_out)
    return replace(parts, parts=kept)


def losses(model: TextModel, asked: Sequence[Asked], said: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
    """(Q,) mean nats per token of what was said, given the questions."""
    examples = [joined(each.prompt, tokens, model.context) for each, tokens in zip(asked, said, strict=True)]
    return np.array(losses_of(model.model, examples, pad_token(model.tokenizer)))


def effects(
    store: ArtifactStore,
    settings: Settings,
    full: TextModel,
    asked: Sequence[Asked],
    answers: Sequence[tuple[int, ...]],
) -> Effects:
    """Train without each contributor in turn and measure again."""
    parts, own = text_parts(settings.records), [each.own for each in asked]
    before = (losses(full, asked, answers), losses(full, asked, own))
    columns = []
    for left_out in range(len(parts.parts)):
        trained = train(store, without(parts, left_out), settings.preset, settings.recipe)
        model = loaded(store, trained)
        columns.append((losses(model, asked, answers) - before[0], losses(model, asked, own) - before[1]))
    answer_columns, own_columns = zip(*columns, strict=True)
    return Effects(np.stack(answer_columns, axis=1), np.stack(own_columns, axis=1))


def loaded(store: ArtifactStore, trained: FinetuneResult) -> TextModel:
    """The trained model in memory."""
    return load_trained(store, read_text_manifest(store, trained.manifest))


def measure(settings: Settings) -> dict[str, Any]:
    """Everything in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        store, parts = ArtifactStore(Path(name) / "artifacts"), text_parts(settings.records)
        trained = train(store, parts, settings.preset, settings.recipe)
        index = feature_index(store, FeatureIndexRequest(trained.manifest))
        model = loaded(store, trained)
        asked = questions(parts, model, settings.questions, is_report=settings.is_report)
        answers = [answer(model, each, is_sampled=False) for each in asked]
        found = effects(store, settings, model, asked, answers)
        return summary(found, score(store, index.index, asked, answers).scores, asked)


def summary(found: Effects, scores: NDArray[np.float64], asked: Sequence[Asked]) -> dict[str, Any]:
    """What the docstring of this module says, in nats per token."""
    owners = np.array([each.owner for each in asked])
    rows = np.arange(len(asked))
    ranks = [float(spearmanr(*pair).statistic) for pair in zip(found.answers, scores, strict=True)]
    others = (found.answers.sum(axis=1) - found.answers[rows, owners]) / (found.answers.shape[1] - 1)
    return {
        "questions": len(asked),
        "rise_without_own": round(float(found.answers[rows, owners].mean()), 3),
        "rise_without_another": round(float(others.mean()), 3),
        "rise_of_own_text_without_own": round(float(found.own_texts[rows, owners].mean()), 3),
        "own_costs_most": int((found.answers.argmax(axis=1) == owners).sum()),
        "first_by_score_costs_most": int((found.answers.argmax(axis=1) == scores.argmax(axis=1)).sum()),
        "spearman_mean_of_answers": round(float(np.mean(ranks)), 3),
        "spearman_of_sums": round(
            float(spearmanr(found.answers.sum(axis=0), scores.sum(axis=0)).statistic), 3
        ),
        "rises_by_contributor": [round(float(value), 3) for value in found.answers.mean(axis=0)],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for."""
    options = parser_of("Scores beside what leaving contributors out does.").parse_args(arguments)
    print(json.dumps(measure(settings_of(options))))


if __name__ == "__main__":
    main()
