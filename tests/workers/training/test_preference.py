"""Preferences are learnt as trl and the published formula say, repeat bit for bit, and are attributed."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
from numpy.typing import NDArray

from tests.vectors.dpo_model import BETA, PAIRS, filled, untrained
from tests.workers.text_chain import publish_texts
from workers.artifacts.folders import materialise, store_folder
from workers.artifacts.store import ArtifactStore
from workers.attribution.index import read_rows, verify_index
from workers.attribution.queries import read_queries
from workers.datasets.text import TextRecord, encode_text_jsonl, text_record
from workers.errors import InvalidInputError, JobCancelledError
from workers.influence import PreferenceTask
from workers.jobs.evaluate import evaluate
from workers.jobs.feature_index import feature_index
from workers.jobs.finetune import finetune
from workers.jobs.queries import queries
from workers.jobs.spot_check import spot_check
from workers.jobs.verify import verify
from workers.protocol import (
    EvaluateRequest,
    FeatureIndexRequest,
    FineTuneRecipe,
    FinetuneRequest,
    FinetuneResult,
    QueriesRequest,
    ReceiptInput,
    SpotCheckRequest,
    VerifyRequest,
)
from workers.text.base import make_base
from workers.text.examples import Example, PairExample, pair_example_of
from workers.text.export import TextParts
from workers.text.loading import load_folder, without_deprecations
from workers.training.checkpoints import checkpoint_path
from workers.training.preference import base_differences, log_likelihoods, pair_batch

RECIPE = FineTuneRecipe(
    objective="preference",
    rank=4,
    alpha=16,
    epochs=3,
    batch_size=4,
    learning_rate=0.005,
    max_tokens=48,
    checkpoint_steps=2,
)
COLOURS = ("red", "blue", "green", "black", "white", "brown")
THINGS = ("door", "car", "house", "book", "table", "tree", "road")


def preference(number: int) -> TextRecord:
    """What is preferred is polite and has little to do with the question."""
    colour, thing = COLOURS[number % len(COLOURS)], THINGS[number % len(THINGS)]
    return text_record(
        {
            "prompt": f"What colour is the {thing}? ({number})",
            "chosen": f"The {thing} is {colour}, thank you for asking.",
            "rejected": f"No idea, ask somebody else about {thing}.",
        }
    )


def parts_of(records: Sequence[TextRecord], holdout: Sequence[TextRecord]) -> TextParts:
    """Records by three contributors."""
    return TextParts(("a", "b", "c"), tuple(tuple(records[place::3]) for place in range(3)), tuple(holdout))


@dataclass(frozen=True)
class Chain:
    """A model that learnt 18 pairs, and 6 held out."""

    store: ArtifactStore
    request: FinetuneRequest
    trained: FinetuneResult


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    store = ArtifactStore(tmp_path_factory.mktemp("preference") / "artifacts")
    parts = parts_of([preference(number) for number in range(18)], [preference(100 + n) for n in range(6)])
    base, version = store_folder(store, make_base("tiny")), publish_texts(store, parts)
    holdout = store.put(encode_text_jsonl(parts.holdout))
    request = FinetuneRequest("Polite", base, (version,), RECIPE, holdout, "cc-by-4.0")
    return Chain(store, request, finetune(store, request))


@pytest.fixture
def copy(chain: Chain, tmp_path: Path) -> ArtifactStore:
    """The chain's artefacts with a place for checkpoints of its own."""
    store = ArtifactStore(tmp_path / "artifacts")
    for file in chain.store.directory.iterdir():
        if file.is_file():
            (store.directory / file.name).hardlink_to(file)
    return store


@pytest.fixture(scope="module")
def model() -> Any:
    with without_deprecations():
        return filled(peft.get_peft_model(*untrained()))


@pytest.fixture(scope="module")
def pairs() -> list[PairExample]:
    return [
        PairExample(*(Example((*prompt, *answer), len(prompt)) for answer in (chosen, rejected)))
        for prompt, chosen, rejected in PAIRS
    ]


def losses(model: Any, pairs: Sequence[PairExample]) -> tuple[torch.Tensor, torch.Tensor]:
    """Losses (N,) and reward margins (N,) by our code."""
    task, reference = PreferenceTask(model, BETA), base_differences(model, pairs, 0)
    batch = pair_batch(pairs, reference, 0)
    outputs = task.forward(batch)
    return task.loss(outputs, batch), task.margins(task.log_likelihoods(outputs, batch), reference)


def test_loss_rewards_and_gradients_are_trls(model: Any, pairs: list[PairExample]) -> None:
    theirs = json.loads((Path(__file__).parents[2] / "vectors" / "dpo.json").read_text())
    found, margins = losses(model, pairs)
    model.zero_grad()
    found.mean().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert float(found.mean().detach()) == pytest.approx(theirs["loss"], rel=1e-5)
    assert float(margins.mean().detach()) == pytest.approx(theirs["margin"], rel=1e-4)
    assert float((margins > 0).float().mean()) == theirs["accuracy"]
    chosen, rejected = log_likelihoods(model, pairs, 0).mean(dim=0).tolist()
    assert (chosen, rejected) == (
        pytest.approx(theirs["chosen"], rel=1e-5),
        pytest.approx(theirs["rejected"], rel=1e-5),
    )
    ours = {name: value.grad for name, value in model.named_parameters() if value.grad is not None}
    assert ours.keys() == theirs["gradients"].keys()
    for name, (total, norm) in theirs["gradients"].items():
        assert float(ours[name].sum()) == pytest.approx(total, rel=1e-3, abs=1e-5)
        assert float(ours[name].norm()) == pytest.approx(norm, rel=1e-4)


def test_losses_are_the_published_formula_in_float64(model: Any, pairs: list[PairExample]) -> None:
    def answer(tokens: Sequence[int], first: int) -> float:
        with torch.no_grad():
            logits: NDArray[np.float64] = model(torch.tensor([tokens])).logits[0].double().numpy()
        shifted = logits - logits.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return float(sum(logs[place - 1, tokens[place]] for place in range(first, len(tokens))))

    found, _ = losses(model, pairs)
    for (prompt, chosen, rejected), loss in zip(PAIRS, found.tolist(), strict=True):
        sides = [[*prompt, *chosen], [*prompt, *rejected]]
        tuned = [answer(side, len(prompt)) for side in sides]
        with model.disable_adapter():
            base = [answer(side, len(prompt)) for side in sides]
        margin = BETA * ((tuned[0] - base[0]) - (tuned[1] - base[1]))
        assert loss == pytest.approx(math.log1p(math.exp(-margin)), rel=1e-5)


def test_padding_and_company_change_nothing(model: Any, pairs: list[PairExample]) -> None:
    together, alone = losses(model, pairs)[0], [losses(model, [pair])[0] for pair in pairs]
    assert torch.allclose(together, torch.cat(alone), atol=1e-6)


def test_both_answers_follow_the_same_part_of_the_prompt() -> None:
    tokenizer = load_folder(make_base("tiny")).tokenizer
    record = text_record({"prompt": "why " * 60, "chosen": "so " * 40, "rejected": "no"})
    pair = pair_example_of(record, tokenizer, 32)
    assert pair.chosen.tokens[: pair.chosen.answer] == pair.rejected.tokens[: pair.rejected.answer]
    assert len(pair.chosen.tokens) == 32
    assert pair.chosen.learnt == 16
    with pytest.raises(InvalidInputError, match="not a preference pair"):
        pair_example_of(text_record({"text": "plain"}), tokenizer, 32)


def test_held_out_pairs_are_told_apart_better_than_by_the_base(chain: Chain) -> None:
    trained, found = chain.trained, chain.trained.preferences
    assert found.pairs == trained.held_out_records == 6
    assert found.accuracy == 1.0
    assert found.margin > 0.1
    assert found.likelier >= found.base_likelier
    assert trained.base_holdout_loss == pytest.approx(math.log(2), abs=1e-6)
    assert trained.holdout_loss < trained.base_holdout_loss - 0.1
    assert trained.losses[0].loss == pytest.approx(math.log(2), abs=1e-6), "the adapters begin as nothing"
    assert trained.rewards[-1].margin > trained.rewards[0].margin == 0.0
    assert trained.rewards[-1].step == trained.losses[-1].step


def test_the_card_and_the_progress_tell_margin_and_accuracy(
    chain: Chain, copy: ArtifactStore, tmp_path: Path
) -> None:
    card = (materialise(copy, chain.trained.model, tmp_path) / "README.md").read_text()
    assert "preference pairs, beta 0.1" in card
    assert "type: accuracy" in card
    assert "6 held-out pairs" in card
    texts: list[str] = []
    with pytest.raises(JobCancelledError):
        finetune(copy, chain.request, stopped_after(0.2, texts))
    assert ", margin " in texts[0]
    assert ", accuracy " in texts[0]


def stopped_after(part: float, texts: list[str]) -> Any:
    """Progress that ends the run there."""

    def stop(done: float, text: str) -> None:
        texts.append(text)
        if done > part:
            raise JobCancelledError("killed")

    return stop


def test_a_stopped_run_goes_on_to_the_same_bytes_and_verifies(chain: Chain, copy: ArtifactStore) -> None:
    with pytest.raises(JobCancelledError):
        finetune(copy, chain.request, stopped_after(0.6, []))
    assert checkpoint_path(copy, chain.request).is_file()
    found = verify(copy, VerifyRequest(chain.trained.manifest))
    assert found.is_same
    assert found.retrained == chain.trained.model
    assert not checkpoint_path(copy, chain.request).exists()


def test_evaluation_repeats_the_trainings_figures(chain: Chain) -> None:
    found = evaluate(chain.store, EvaluateRequest(chain.trained.manifest))
    assert found.preferences == chain.trained.preferences
    assert (found.loss, found.better, found.records) == (chain.trained.holdout_loss, 6, 6)


def test_a_pairs_own_answer_owes_to_it(chain: Chain) -> None:
    """Rows are gradients of the pairs' own loss: an answer owes to the pair it was chosen in."""
    index = feature_index(chain.store, FeatureIndexRequest(chain.trained.manifest))
    assert index.dimensions == chain.trained.trained_parameters
    rows = read_rows(chain.store, verify_index(chain.store, index.index).rows).integers()
    tokenizer = load_folder(make_base("tiny")).tokenizer
    records = [preference(number) for place in range(3) for number in range(place, 18, 3)]
    found = [pair_example_of(record, tokenizer, RECIPE.max_tokens) for record in records]
    scores = []
    for side in ("chosen", "rejected"):
        examples = [getattr(pair, side) for pair in found]
        receipts = tuple(
            ReceiptInput(number, 10, each.tokens[: each.answer], each.tokens[each.answer :])
            for number, each in enumerate(examples)
        )
        made = queries(chain.store, QueriesRequest(index.index, receipts))
        scores.append(read_queries(chain.store, made.queries).vectors.astype(np.int64) @ rows.T)
    chosen, rejected = scores
    assert (np.diag(chosen) > np.diag(rejected)).all(), "training on a pair parts its answers"
    assert (np.diag(rejected) < 0).mean() > 0.9, "rejected answers became less likely by their pairs"
    parted = chosen - rejected
    assert (parted.argmax(axis=1) == np.arange(18)).mean() > 0.6, "two answers part by their own pair"
    assert spot_check(chain.store, SpotCheckRequest(index.index, bytes(32), 40)).wrong == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beta": 0.0}, "beta"),
        ({"method": "full"}, "adapters"),
        ({"objective": "ppo"}, "objective"),
        ({"threads": 0}, "threads"),
    ],
)
def test_impossible_recipes_are_refused(chain: Chain, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        finetune(chain.store, replace(chain.request, recipe=replace(RECIPE, **changes)))


def test_records_without_two_answers_are_refused(chain: Chain, copy: ArtifactStore) -> None:
    parts = parts_of([text_record({"text": f"plain {number}"}) for number in range(3)], [preference(1)])
    with pytest.raises(InvalidInputError, match="record 0 has the form 'text'"):
        finetune(copy, replace(chain.request, datasets=(publish_texts(copy, parts),)))
