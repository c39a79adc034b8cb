"""How a language model learns which of two answers is preferred: direct preference optimisation (DPO).

The loss of a pair is -log sigmoid(beta ((log p(chosen) - log p(rejected)) - (the same by the base))), where p
is of a whole answer given its prompt. The base is the model with its adapters switched off; what it says of
every pair is computed once, before the first step, and again after a restart, to the same bits.

Covered: LoRA and QLoRA adapters; prompts masked out and cut alike for both answers; sums in float32.
Not covered: whole models (they would need a second copy of the base), label smoothing, ties.
Source: Rafailov et al. 2023, equation 7; `tests/vectors/dpo.json` holds trl's figures.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from workers.datasets.text import TextRecord
from workers.errors import InvalidInputError
from workers.influence import PreferenceTask
from workers.progress import Progress
from workers.protocol import FineTuneRecipe, Preferences, RewardPoint
from workers.text.examples import PairExample, pad_token, padded, pair_example_of
from workers.text.loading import TextModel
from workers.training.finetuning import HeldOut, mean, prepared
from workers.training.selection import Split
from workers.training.settings import check_recipe
from workers.training.steps import StepResult, Trained, stretches_of, train

BATCH_PAIRS = 8
MARGIN, ACCURACY = "margin", "accuracy"

PairBatch = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""Chosen tokens (N, T) and mask, rejected tokens (N, U) and mask, the base's difference (N,)."""


def learn_preferences(
    base: TextModel, split: Split, recipe: FineTuneRecipe, checkpoint: Path, progress: Progress
) -> tuple[Trained, HeldOut]:
    """Train on the pairs of what is learnt, and measure on what was held out how the adapters changed it."""
    pairs, measured = (pairs_of(records, base, recipe) for records in (split.learnt, split.held_out))
    trained = train_on_preferences(base, pairs, recipe, checkpoint, progress)
    return trained, held_out_preferences(trained.model, measured, recipe, pad_token(base.tokenizer))


def pairs_of(records: Sequence[TextRecord], base: TextModel, recipe: FineTuneRecipe) -> list[PairExample]:
    """Records as pairs for this base; raises InvalidInputError for the first that is none."""
    check_pairs(records)
    return [pair_example_of(record, base.tokenizer, recipe.max_tokens) for record in records]


def check_pairs(records: Sequence[TextRecord]) -> None:
    """Raises InvalidInputError naming the first record that is no preference pair."""
    for place, record in enumerate(records):
        if record.form != "preference":
            raise InvalidInputError(
                f"record {place} has the form {record.form!r}, and only pairs can be learnt as preferences: "
                'name Datanets of {"prompt", "chosen", "rejected"}, or choose objective response'
            )


def train_on_preferences(
    base: TextModel,
    pairs: Sequence[PairExample],
    recipe: FineTuneRecipe,
    checkpoint: Path,
    progress: Progress,
) -> Trained:
    """Train from the checkpoint if there is one, else from the start; the checkpoint stays for the caller."""
    check_recipe(recipe, base.context)
    if not pairs:
        raise InvalidInputError("there are no preference pairs to train on")
    model, pad = prepared(base, recipe), pad_token(base.tokenizer)
    task, device = PreferenceTask(model, recipe.beta), next(model.parameters()).device
    reference = base_differences(model, pairs, pad)

    def loss_of(rows: list[int]) -> StepResult:
        chosen = [pairs[row] for row in rows]
        batch = on(device, pair_batch(chosen, reference[rows], pad))
        margins = task.margins(task.log_likelihoods(task.forward(batch), batch), batch[4])
        loss = -torch.nn.functional.logsigmoid(margins).mean()
        won = float((margins.detach() > 0).float().mean())
        measures = {MARGIN: float(margins.detach().mean()), ACCURACY: won}
        return StepResult(loss, sum(pair.size for pair in chosen), measures)

    return train(model, recipe, len(pairs), loss_of, checkpoint=checkpoint, progress=progress)


def pair_batch(pairs: Sequence[PairExample], reference: Tensor, pad: int, length: int = 0) -> PairBatch:
    """Both sides padded, to `length` if that is more than the longest."""
    chosen = padded([pair.chosen for pair in pairs], pad, length)
    rejected = padded([pair.rejected for pair in pairs], pad, length)
    return (*chosen, *rejected, reference)


def on(device: torch.device, batch: PairBatch) -> PairBatch:
    """The batch on a device."""
    chosen, mask, rejected, other, reference = (part.to(device) for part in batch)
    return chosen, mask, rejected, other, reference


def base_differences(model: Any, pairs: Sequence[PairExample], pad: int, length: int = 0) -> Tensor:
    """(N,) float32: log p(chosen) - log p(rejected) by the model without its adapters."""
    with model.disable_adapter():
        found = log_likelihoods(model, pairs, pad, length)
    return found[:, 0] - found[:, 1]


def log_likelihoods(model: Any, pairs: Sequence[PairExample], pad: int, length: int = 0) -> Tensor:
    """(N, 2) float32: log p of each pair's whole chosen and rejected answer."""
    task, device = PreferenceTask(model, 1.0), next(model.parameters()).device
    found = [torch.zeros(0, 2)]
    with torch.no_grad():
        for first in range(0, len(pairs), BATCH_PAIRS):
            chosen = pairs[first : first + BATCH_PAIRS]
            batch = on(device, pair_batch(chosen, torch.zeros(len(chosen)), pad, length))
            found.append(task.log_likelihoods(task.forward(batch), batch).float().cpu())
    return torch.cat(found)


def held_out_preferences(
    model: Any, pairs: Sequence[PairExample], recipe: FineTuneRecipe, pad: int
) -> HeldOut:
    """What the adapters of `model` changed on pairs: the base's loss is ln 2, by what the loss is."""
    if not pairs:
        return HeldOut(-1.0, -1.0, 0, 0)
    with model.disable_adapter():
        before = log_likelihoods(model, pairs, pad)
    after = log_likelihoods(model, pairs, pad)
    task = PreferenceTask(model, recipe.beta)
    margins = task.margins(after, before[:, 0] - before[:, 1])
    won = int((margins > 0).sum())
    preferences = Preferences(
        pairs=len(pairs),
        accuracy=won / len(pairs),
        margin=float(margins.double().mean()),
        base_likelier=_likelier(before),
        likelier=_likelier(after),
    )
    losses = [-torch.nn.functional.logsigmoid(part) for part in (torch.zeros_like(margins), margins)]
    base_loss, loss = (mean(part.tolist()) for part in losses)
    return HeldOut(base_loss, loss, sum(pair.learnt for pair in pairs), won, preferences)


def rewards_of(trained: Trained) -> tuple[RewardPoint, ...]:
    """The course of margin and accuracy; () of a run that learnt no pairs."""
    margins, accuracies = (stretches_of(trained.measures.get(name, [])) for name in (MARGIN, ACCURACY))
    return tuple(
        RewardPoint(step, margin, accuracy)
        for (step, margin), (_, accuracy) in zip(margins, accuracies, strict=True)
    )


def _likelier(likelihoods: Tensor) -> float:
    return float((likelihoods[:, 0] > likelihoods[:, 1]).double().mean())
