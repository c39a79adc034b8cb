"""How a language model is fine-tuned so that the same manifest gives the same bytes on the same machine kind.

One thread on a CPU, deterministic algorithms, float32, every draw from the recipe's seed, no dropout. The
loss of a batch is the mean over its records of the mean loss of each response's tokens: what attribution
then explains.

Covered: LoRA and full fine-tuning, exact resumption from a checkpoint, losses that are no numbers.
Not covered: several devices; preference pairs are learnt by their chosen side only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import peft
import torch
from torch import Tensor

from workers.errors import InvalidInputError
from workers.influence import LanguageModelTask
from workers.jobs.types import FineTuneRecipe
from workers.progress import Progress
from workers.text.examples import Example, pad_token, padded
from workers.text.loading import TextModel, without_deprecations
from workers.training.steps import Trained, check_holdout, check_steps, train

METHODS = ("full", "lora", "qlora")
MAX_RANK = 256


def check_recipe(recipe: FineTuneRecipe, context: int) -> None:
    """Raises InvalidInputError for numbers no training can mean."""
    if recipe.method not in METHODS:
        raise InvalidInputError(f"method {recipe.method!r} is not one of {', '.join(METHODS)}")
    check_adapter_settings(recipe.rank, recipe.alpha)
    check_steps(recipe)
    check_holdout(recipe.holdout_every)
    if not 2 <= recipe.max_tokens <= context:
        raise InvalidInputError(f"max_tokens is 2 to the base's {context}")


def check_adapter_settings(rank: int, alpha: int) -> None:
    """Raises InvalidInputError for adapters that nobody needs."""
    if not 1 <= rank <= MAX_RANK or not 1 <= alpha <= 10_000:
        raise InvalidInputError(f"rank is 1 to {MAX_RANK}, alpha 1 to 10,000")


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

    def loss_of(rows: list[int]) -> tuple[Tensor, int]:
        chosen = [examples[row] for row in rows]
        tokens, mask = padded(chosen, pad)
        batch = (tokens.to(device), mask.to(device))
        loss = task.loss(task.forward(batch), batch).mean()
        return loss, sum(len(example.tokens) for example in chosen)

    return train(model, recipe, len(examples), loss_of, checkpoint=checkpoint, progress=progress)


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
