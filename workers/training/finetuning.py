"""How a language model is fine-tuned so that the same manifest gives the same bytes on the same machine kind.

Deterministic algorithms, float32, every draw from the recipe's seed, no dropout. The
loss of a batch is the mean over its records of the mean loss of each response's tokens: what attribution
then explains.

A recipe's `threads` of a CPU take part; their number is in the manifest, since bits depend on it.

Covered: LoRA and full fine-tuning, exact resumption from a checkpoint, losses that are no numbers.
Not covered: several devices. Pairs of answers are learnt by `preference`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peft
import torch

from workers.datasets.text import TextRecord
from workers.errors import InvalidInputError
from workers.influence import LanguageModelTask
from workers.progress import Progress
from workers.protocol import FineTuneRecipe, Preferences
from workers.protocol.text import NO_PREFERENCES
from workers.text.examples import Example, example_of, pad_token, padded
from workers.text.loading import TextModel, without_deprecations
from workers.training.selection import Split
from workers.training.settings import check_recipe
from workers.training.steps import StepResult, Trained, train


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Mean loss of the objective on held-out records by the base and by the trained model, -1 without any;
    of how many tokens; in how many records the trained model does better."""

    base_loss: float
    loss: float
    tokens: int
    better: int
    preferences: Preferences = NO_PREFERENCES


def prepared(base: TextModel, recipe: FineTuneRecipe) -> Any:
    """The model that is trained: the base itself, or the base frozen with fresh adapters from the seed."""
    if recipe.method == "full":
        return base.model.requires_grad_(True)
    config = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=0.0,
        target_modules=sorted(recipe.targets) or "all-linear",
    )
    torch.manual_seed(recipe.seed)
    model = base.model
    try:
        with without_deprecations():
            if recipe.method == "qlora":
                model = peft.prepare_model_for_kbit_training(model)  # type: ignore[no-untyped-call]  # upstream
            return peft.get_peft_model(model, config)
    except ValueError as error:
        raise InvalidInputError(f"adapters do not fit the base: {error}") from error


def fine_tune(
    base: TextModel, examples: Sequence[Example], recipe: FineTuneRecipe, checkpoint: Path, progress: Progress
) -> Trained:
    """Train from the checkpoint if there is one, else from the start; the checkpoint stays for the caller."""
    check_recipe(recipe, base.context)
    if not examples:
        raise InvalidInputError("there are no records to train on")
    model = prepared(base, recipe)
    task, device, pad = LanguageModelTask(model), next(model.parameters()).device, pad_token(base.tokenizer)

    def loss_of(rows: list[int]) -> StepResult:
        chosen = [examples[row] for row in rows]
        tokens, mask = padded(chosen, pad)
        batch = (tokens.to(device), mask.to(device))
        loss = task.loss(task.forward(batch), batch).mean()
        return StepResult(loss, sum(len(example.tokens) for example in chosen))

    return train(model, recipe, len(examples), loss_of, checkpoint=checkpoint, progress=progress)


def learn_responses(
    base: TextModel, split: Split, recipe: FineTuneRecipe, checkpoint: Path, progress: Progress
) -> tuple[Trained, HeldOut]:
    """Train on the answers of what is learnt, and measure on what was held out before and after."""
    measured = examples_of(split.held_out, base, recipe)
    before = losses_of(base.model, measured, pad_token(base.tokenizer))
    trained = fine_tune(base, examples_of(split.learnt, base, recipe), recipe, checkpoint, progress)
    after = losses_of(trained.model, measured, pad_token(base.tokenizer))
    return trained, held_out_losses(measured, before, after)


def examples_of(records: Sequence[TextRecord], base: TextModel, recipe: FineTuneRecipe) -> list[Example]:
    """Records as sequences for this base."""
    return [example_of(record, base.tokenizer, recipe.max_tokens) for record in records]


def held_out_losses(examples: Sequence[Example], before: Sequence[float], after: Sequence[float]) -> HeldOut:
    """The figures of losses per record."""
    return HeldOut(
        mean(before),
        mean(after),
        sum(example.learnt for example in examples),
        sum(ours < theirs for ours, theirs in zip(after, before, strict=True)),
    )


def losses_of(model: Any, examples: Sequence[Example], pad: int, batch: int = 8) -> list[float]:
    """Per example the mean nats of its response's tokens."""
    task, device = LanguageModelTask(model), next(model.parameters()).device
    found: list[float] = []
    with torch.no_grad():
        for first in range(0, len(examples), batch):
            tokens, mask = padded(examples[first : first + batch], pad)
            rows = (tokens.to(device), mask.to(device))
            found += [float(loss) for loss in task.loss(task.forward(rows), rows)]
    return found


def mean(values: Sequence[float]) -> float:
    """The mean, or -1 of nothing."""
    return sum(values) / len(values) if values else -1.0
