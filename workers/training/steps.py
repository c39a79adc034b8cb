"""How a run takes its steps and survives a kill: AdamW, the learning rate's schedule, checkpoints, reports.

What a step's loss is, the caller says (`finetuning`, `contrastive`). One file holds weights, moments and
losses, whole or not at all; a run that goes on from it ends in the same bytes.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.artifacts.tensors import Array, decode_tensors, encode_tensors
from workers.errors import InvalidInputError
from workers.influence.stages import write_whole
from workers.progress import Progress
from workers.protocol import LossPoint
from workers.text.pretraining import schedule
from workers.training.settings import StepRecipe

MAX_STEPS = 1_000_000
LOSS_POINTS = 100
CLIP_NORM = 1.0
_PARTS = ("weight", "mean", "square")
_MEASURE = "measure."


@dataclass(frozen=True, slots=True)
class StepResult:
    """The mean loss of a step's rows, how many tokens they are, and what else is worth showing, by name."""

    loss: Tensor
    tokens: int
    measures: Mapping[str, float] = field(default_factory=dict)


StepLoss = Callable[[list[int]], StepResult]
"""What the rows of a step come to."""


@dataclass(slots=True)
class TrainingState:
    """How far a run is: finished steps, tokens seen, and the losses and other measures of finished steps."""

    step: int = 0
    tokens: int = 0
    losses: list[float] = field(default_factory=list)
    measures: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trained:
    """The model after its last step, with the measures of every step. `tokens_per_s` is of this process
    alone."""

    model: Any
    losses: tuple[LossPoint, ...]
    tokens: int
    tokens_per_s: float
    parameters: int
    measures: Mapping[str, Sequence[float]] = field(default_factory=dict)


def batches_of(examples: int, recipe: StepRecipe) -> list[list[int]]:
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


def trainable(model: Any) -> dict[str, Tensor]:
    """Parameters that are trained, by name."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def train(
    model: Any,
    recipe: StepRecipe,
    examples: int,
    loss_of: StepLoss,
    *,
    checkpoint: Path,
    progress: Progress,
) -> Trained:
    """All steps, from the checkpoint if there is one; the checkpoint stays for the caller."""
    run = Run(model, recipe, batches_of(examples, recipe))
    run.restore(checkpoint)
    # No dropout: what is drawn would not survive a restart. Only recomputed activations (qlora) need it.
    model.train(any(getattr(module, "gradient_checkpointing", False) for module in model.modules()))
    started_s, tokens_before = time.monotonic(), run.state.tokens

    def rate() -> float:
        return (run.state.tokens - tokens_before) / max(1e-9, time.monotonic() - started_s)

    while run.state.step < len(run.batches):
        run.advance(loss_of(run.batches[run.state.step]))
        progress(*run.report(rate(), time.monotonic() - started_s))
        if run.state.step % recipe.checkpoint_steps == 0 and run.state.step < len(run.batches):
            run.save(checkpoint)
    parameters = sum(value.numel() for value in run.parameters.values())
    return Trained(
        model.train(False),
        points_of(run.state.losses),
        run.state.tokens,
        rate(),
        parameters,
        run.state.measures,
    )


class Run:
    """One run's parameters, optimiser and state."""

    def __init__(self, model: Any, recipe: StepRecipe, batches: list[list[int]]) -> None:
        self.parameters = trainable(model)
        self.batches = batches
        self.state = TrainingState()
        self._recipe = recipe
        self._first_step = 0
        self._device = next(iter(self.parameters.values())).device
        self._optimizer = torch.optim.AdamW(
            list(self.parameters.values()),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            foreach=False,
        )

    def advance(self, result: StepResult) -> None:
        """One step; raises InvalidInputError when the loss is no number."""
        recipe, state = self._recipe, self.state
        rate = recipe.learning_rate * schedule(state.step / len(self.batches), max(1e-6, recipe.warmup))
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        value = float(result.loss.detach())
        if not np.isfinite(value):
            raise InvalidInputError(f"the loss of step {state.step + 1} is {value}: lower the learning rate")
        self._optimizer.zero_grad(set_to_none=True)
        result.loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), CLIP_NORM, foreach=False)
        self._optimizer.step()
        state.losses.append(value)
        for name, measure in result.measures.items():
            state.measures.setdefault(name, []).append(measure)
        state.step += 1
        state.tokens += result.tokens

    def report(self, rate: float, elapsed_s: float) -> tuple[float, str]:
        """Done fraction and `step i of n, loss l, r tokens/s, t s left`; measures follow the loss."""
        state, total = self.state, len(self.batches)
        width = max(1, total // LOSS_POINTS)
        left_s = elapsed_s / max(1, state.step - self._first_step) * (total - state.step)
        shown = "".join(
            f", {name} {_mean(values[-width:]):.4f}"
            for name, values in {"loss": state.losses, **state.measures}.items()
        )
        return state.step / total, (
            f"step {state.step} of {total}{shown}, {rate:.0f} tokens/s, {left_s:.0f} s left"
        )

    def save(self, path: Path) -> None:
        """Weights, moments and state in one file, whole or not at all."""
        tensors: dict[str, Array] = {
            "step": np.array(self.state.step, dtype=np.int64),
            "tokens": np.array(self.state.tokens, dtype=np.int64),
            "losses": np.array(self.state.losses, dtype=np.float64),
            **{
                _MEASURE + name: np.array(values, dtype=np.float64)
                for name, values in self.state.measures.items()
            },
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
        measures = {
            name.removeprefix(_MEASURE): value.tolist()
            for name, value in tensors.items()
            if name.startswith(_MEASURE)
        }
        losses = found["losses"].tolist()
        self.state = TrainingState(int(found["step"]), int(found["tokens"]), losses, measures)
        self._first_step = self.state.step


def points_of(losses: Sequence[float]) -> tuple[LossPoint, ...]:
    """At most LOSS_POINTS means over equal stretches of steps."""
    return tuple(LossPoint(step, loss) for step, loss in stretches_of(losses))


def stretches_of(values: Sequence[float]) -> list[tuple[int, float]]:
    """(last step, mean) of at most LOSS_POINTS equal stretches of steps."""
    width = max(1, -(-len(values) // LOSS_POINTS))
    parts = [(first, values[first : first + width]) for first in range(0, len(values), width)]
    return [(first + len(part), _mean(part)) for first, part in parts]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
