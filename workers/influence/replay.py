"""What a record changed in *this* run: training replayed backwards, exactly, for audits.

For models trained with the smooth deterministic recipe (smooth activations, gentle rate, data order from a
seed) the derivative of a measurement by every record's weight in the loss is taken through all steps of SGD
with momentum. One backward replay serves any number of queries at once; an epoch's weighted sum of queries
needs one.

Step: `v' = μ·v + ∇L_w(θ) + decay·θ`, `θ' = θ - rate·v'`, L_w the batch's weighted mean. Backwards:
`d = dv' - rate·dθ'`; `dθ = dθ' + (∇²L + decay)·d`; `dv = μ·d`; `∂/∂w_i += d·∇l_i(θ) / batch`.

Covered: SGD with momentum and a cosine rate, any model of `torch.func`. Not covered: other optimisers, noise
in training. Source: attribution.md, sections 0 item 8 and 2 "single-model LDS" (the idea of metagradients).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, vmap

Losses = Callable[[Any, Tensor], Tensor]
"""Outputs (n, …) and targets (n,) to losses or measurements (n,)."""


@dataclass(frozen=True, slots=True)
class SmoothRecipe:
    """The deterministic recipe that replay follows."""

    epochs: int = 40
    batch: int = 100
    rate: float = 0.02
    momentum: float = 0.9
    decay: float = 1e-3
    seed: int = 0

    def rate_at(self, done: float) -> float:
        """A half cosine."""
        return self.rate * 0.5 * (1 + math.cos(math.pi * done))

    def order(self, records: int) -> list[NDArray[np.int64]]:
        """Record places of every step; a last incomplete batch of an epoch is left out."""
        random = np.random.default_rng(self.seed)
        steps = []
        for _ in range(self.epochs):
            shuffled = random.permutation(records)
            steps += [
                shuffled[i : i + self.batch] for i in range(0, records - records % self.batch, self.batch)
            ]
        return steps


class Replay:
    """Trains once, keeping every step, then answers by replaying backwards."""

    def __init__(
        self, model: nn.Module, losses: Losses, inputs: Tensor, targets: Tensor, recipe: SmoothRecipe
    ) -> None:
        self._model, self._losses, self._recipe = model, losses, recipe
        self._inputs, self._targets = inputs, targets
        self._shapes = {name: value.shape for name, value in model.named_parameters()}
        self._steps = recipe.order(len(inputs))
        self._start = torch.cat([value.detach().flatten() for value in model.parameters()])
        self._kept: list[Tensor] = []

    def train(self, weights: Tensor | None = None) -> Tensor:
        """Flat parameters after training with a weight per record; without weights the run is kept for
        replay."""
        kept: list[Tensor] | None = None if weights is not None else []
        used = torch.ones(len(self._inputs), dtype=self._start.dtype) if weights is None else weights
        parameters, velocity = self._start, torch.zeros_like(self._start)
        gradient = grad(self._mean_loss)
        for number, rows in enumerate(self._steps):
            if kept is not None:
                kept.append(parameters)
            places = torch.from_numpy(rows)
            found = gradient(parameters, self._inputs[places], self._targets[places], used[places])
            velocity = self._recipe.momentum * velocity + found + self._recipe.decay * parameters
            parameters = parameters - self._recipe.rate_at(number / len(self._steps)) * velocity
        if kept is not None:
            self._kept = [*kept, parameters]
        return parameters

    def train_without(self, masks: Tensor) -> Tensor:
        """(S, P): the same run with weights `masks` (S, N), all at once: ground truth."""
        trained: Tensor = vmap(self.train)(masks)
        return trained

    def load(self, parameters: Tensor) -> nn.Module:
        """The model with flat parameters."""
        self._model.load_state_dict(self._named(parameters), strict=False)
        return self._model

    def scores(self, measure: Losses, queries: Tensor, targets: Tensor) -> NDArray[np.float64]:
        """(Q, N): derivative of every query's measurement by every record's weight."""
        if not self._kept:
            self.train()
        final = self._kept[-1]

        def measured(parameters: Tensor, query: Tensor, target: Tensor) -> Tensor:
            return measure(self._outputs(parameters, query[None]), target[None])[0]

        by_parameters = vmap(grad(measured), in_dims=(None, 0, 0))(final, queries, targets)
        return self._backwards(by_parameters)

    def _backwards(self, by_parameters: Tensor) -> NDArray[np.float64]:
        by_velocity = torch.zeros_like(by_parameters)
        influence = torch.zeros(len(by_parameters), len(self._inputs), dtype=by_parameters.dtype)
        gradient = grad(self._mean_loss)
        for number in range(len(self._steps) - 1, -1, -1):
            places = torch.from_numpy(self._steps[number])
            parameters = self._kept[number]
            inputs, targets = self._inputs[places], self._targets[places]
            ones = torch.ones(len(places), dtype=parameters.dtype)
            direction = by_velocity - self._recipe.rate_at(number / len(self._steps)) * by_parameters

            def along(
                one: Tensor, at: Tensor = parameters, x: Tensor = inputs, y: Tensor = targets
            ) -> Tensor:
                turned: Tensor = jvp(lambda p: self._losses(self._outputs(p, x), y), (at,), (one,))[1]
                return turned

            def curved(
                one: Tensor,
                at: Tensor = parameters,
                x: Tensor = inputs,
                y: Tensor = targets,
                w: Tensor = ones,
            ) -> Tensor:
                turned: Tensor = jvp(lambda p: gradient(p, x, y, w), (at,), (one,))[1]
                return turned

            influence[:, places] += vmap(along)(direction) / len(places)
            by_parameters = by_parameters + vmap(curved)(direction) + self._recipe.decay * direction
            by_velocity = self._recipe.momentum * direction
        found: NDArray[np.float64] = influence.double().numpy()
        return found

    def _mean_loss(self, parameters: Tensor, inputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        losses = self._losses(self._outputs(parameters, inputs), targets)
        return (losses * weights).sum() / len(inputs)

    def _outputs(self, parameters: Tensor, inputs: Tensor) -> Any:
        return functional_call(self._model, self._named(parameters), (inputs,))

    def _named(self, parameters: Tensor) -> dict[str, Tensor]:
        found, first = {}, 0
        for name, shape in self._shapes.items():
            size = shape.numel()
            found[name] = parameters[first : first + size].reshape(shape)
            first += size
        return found
