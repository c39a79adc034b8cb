"""How a language model is fine-tuned so that the same manifest gives the same bytes on the same machine kind.

One thread on a CPU, deterministic algorithms, float32, every draw from the recipe's seed, no dropout. The
loss of a batch is the mean over its records of the mean loss of each response's tokens: what attribution
then explains.

Covered: LoRA and full fine-tuning, exact resumption from a checkpoint, losses that are no numbers.
Not covered: several devices; preference pairs are learnt by their chosen side only.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
from torch import Tensor

from workers.artifacts.tensors import Array, decode_tensors, encode_tensors
from workers.errors import InvalidInputError
from workers.influence import LanguageModelTask
from workers.influence.stages import write_whole
from workers.jobs.types import FineTuneRecipe, LossPoint
from workers.progress import Progress
from workers.text.base import schedule
from workers.text.examples import Example, pad_token, padded
from workers.text.loading import TextModel, without_deprecations

METHODS = ("full", "lora", "qlora")
MAX_RANK = 256
MAX_STEPS = 1_000_000
LOSS_POINTS = 100
CLIP_NORM = 1.0


@dataclass(slots=True)
class TrainingState:
    """How far a run is: finished steps, tokens seen, and the losses of finished steps."""

    step: int = 0
    tokens: int = 0
    losses: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Trained:
    """The model after its last step. `tokens_per_s` is of this process alone."""

    model: Any
    losses: tuple[LossPoint, ...]
    tokens: int
    tokens_per_s: float
    parameters: int


def check_recipe(recipe: FineTuneRecipe, context: int) -> None:
    """Raises InvalidInputError for numbers no training can mean."""
    if recipe.method not in METHODS:
        raise InvalidInputError(f"method {recipe.method!r} is not one of {', '.join(METHODS)}")
    if not 1 <= recipe.rank <= MAX_RANK or not 1 <= recipe.alpha <= 10_000:
        raise InvalidInputError(f"rank is 1 to {MAX_RANK}, alpha 1 to 10,000")
    if recipe.epochs < 1 or recipe.batch_size < 1 or recipe.holdout_every < 0 or recipe.checkpoint_steps < 1:
        raise InvalidInputError("epochs, batch_size, holdout_every or checkpoint_steps are out of range")
    if recipe.holdout_every == 1:
        raise InvalidInputError("holdout_every 1 leaves nothing to train on")
    if not (0 < recipe.learning_rate < 1 and 0 <= recipe.weight_decay < 1 and 0 <= recipe.warmup < 1):
        raise InvalidInputError("learning_rate, weight_decay or warmup are out of range")
    if not 2 <= recipe.max_tokens <= context:
        raise InvalidInputError(f"max_tokens is 2 to the base's {context}")


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


def trainable(model: Any) -> dict[str, Tensor]:
    """Parameters that are trained, by name."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def batches_of(examples: int, recipe: FineTuneRecipe) -> list[list[int]]:
    """Rows of every step: epochs of shuffled records."""
    draw = np.random.default_rng(recipe.seed)
    per_epoch = -(-examples // recipe.batch_size)
    if recipe.epochs * per_epoch > MAX_STEPS:
        raise InvalidInputError(f"{recipe.epochs * per_epoch} steps are more than {MAX_STEPS}")
    return [
        [int(row) for row in rows]
        for _ in range(recipe.epochs)
        for rows in np.array_split(draw.permutation(examples), per_epoch)
    ]


def fine_tune(
    base: TextModel, examples: Sequence[Example], recipe: FineTuneRecipe, checkpoint: Path, progress: Progress
) -> Trained:
    """Train from the checkpoint if there is one, else from the start; the checkpoint stays for the caller."""
    check_recipe(recipe, base.context)
    if not examples:
        raise InvalidInputError("there are no records to train on")
    model = prepared(base, recipe)
    run = _Run(model, recipe, batches_of(len(examples), recipe))
    run.restore(checkpoint)
    model.train()
    started_s, tokens_before = time.monotonic(), run.state.tokens
    while run.state.step < len(run.batches):
        rows = [examples[row] for row in run.batches[run.state.step]]
        run.advance(*padded(rows, pad_token(base.tokenizer)))
        run.state.tokens += sum(len(example.tokens) for example in rows)
        rate = (run.state.tokens - tokens_before) / max(1e-9, time.monotonic() - started_s)
        progress(*run.report(rate, time.monotonic() - started_s, tokens_before))
        if run.state.step % recipe.checkpoint_steps == 0 and run.state.step < len(run.batches):
            run.save(checkpoint)
    rate = (run.state.tokens - tokens_before) / max(1e-9, time.monotonic() - started_s)
    parameters = sum(value.numel() for value in run.parameters.values())
    return Trained(model.train(False), points_of(run.state.losses), run.state.tokens, rate, parameters)


class _Run:
    """One run's model, optimiser and state."""

    def __init__(self, model: Any, recipe: FineTuneRecipe, batches: list[list[int]]) -> None:
        self.parameters = trainable(model)
        self.batches = batches
        self.state = TrainingState()
        self._task = LanguageModelTask(model)
        self._recipe = recipe
        self._first_step = 0
        self._device = next(iter(self.parameters.values())).device
        self._optimizer = torch.optim.AdamW(
            list(self.parameters.values()),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            foreach=False,
        )

    def advance(self, tokens: Tensor, mask: Tensor) -> None:
        """One step; raises InvalidInputError when the loss is no number."""
        recipe, state = self._recipe, self.state
        rate = recipe.learning_rate * schedule(state.step / len(self.batches), max(1e-6, recipe.warmup))
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        batch = (tokens.to(self._device), mask.to(self._device))
        loss = self._task.loss(self._task.forward(batch), batch).mean()
        value = float(loss.detach())
        if not np.isfinite(value):
            raise InvalidInputError(f"the loss of step {state.step + 1} is {value}: lower the learning rate")
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), CLIP_NORM, foreach=False)
        self._optimizer.step()
        state.losses.append(value)
        state.step += 1

    def report(self, rate: float, elapsed_s: float, tokens_before: int) -> tuple[float, str]:
        """Done fraction and `step i of n, loss l, r tokens/s, t s left`."""
        state, total = self.state, len(self.batches)
        recent = state.losses[-max(1, total // LOSS_POINTS) :]
        left_s = elapsed_s / max(1, state.step - self._first_step) * (total - state.step)
        loss = sum(recent) / len(recent)
        return state.step / total, (
            f"step {state.step} of {total}, loss {loss:.4f}, {rate:.0f} tokens/s, {left_s:.0f} s left"
        )

    def save(self, path: Path) -> None:
        """Weights, moments and state in one file, whole or not at all."""
        tensors: dict[str, Array] = {
            "step": np.array(self.state.step, dtype=np.int64),
            "tokens": np.array(self.state.tokens, dtype=np.int64),
            "losses": np.array(self.state.losses, dtype=np.float64),
        }
        for name, value in self.parameters.items():
            moments = self._optimizer.state[value]
            tensors[f"weight.{name}"] = value.detach().cpu().numpy()
            tensors[f"mean.{name}"] = moments["exp_avg"].cpu().numpy()
            tensors[f"square.{name}"] = moments["exp_avg_sq"].cpu().numpy()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, encode_tensors(tensors))

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint if there is one; an unreadable one is as good as none."""
        try:
            arrays = decode_tensors(path.read_bytes())
            tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
            found = {key: tensors[key] for key in ("step", "tokens", "losses")}
            parts = {name: [tensors[f"{part}.{name}"] for part in _PARTS] for name in self.parameters}
        except (FileNotFoundError, InvalidInputError, KeyError):
            return
        with torch.no_grad():
            for name, value in self.parameters.items():
                weight, mean, square = (part.to(self._device) for part in parts[name])
                value.copy_(weight)
                self._optimizer.state[value] = {
                    "step": torch.tensor(float(found["step"])),
                    "exp_avg": mean,
                    "exp_avg_sq": square,
                }
        self.state = TrainingState(int(found["step"]), int(found["tokens"]), found["losses"].tolist())
        self._first_step = self.state.step


_PARTS = ("weight", "mean", "square")


def points_of(losses: Sequence[float]) -> tuple[LossPoint, ...]:
    """At most LOSS_POINTS means over equal stretches of steps."""
    width = max(1, -(-len(losses) // LOSS_POINTS))
    stretches = [(first, losses[first : first + width]) for first in range(0, len(losses), width)]
    return tuple(LossPoint(first + len(part), sum(part) / len(part)) for first, part in stretches)


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
