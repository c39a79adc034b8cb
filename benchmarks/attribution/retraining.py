"""How ground truth by retraining is made: many small models trained at once, each on its own records and
seed.

`train_many` trains M copies of one architecture with `torch.func` (one batched pass for all), which is ten
times cheaper than one after the other and needs no code per architecture. Plain SGD with momentum.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

Loss = Callable[[Tensor, Tensor], Tensor]
"""Mean loss of outputs (n, …) and targets (n,)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """SGD with momentum; `is_cosine` lets the rate fall to zero as a half cosine."""

    epochs: int = 40
    batch: int = 50
    rate: float = 0.05
    momentum: float = 0.9
    decay: float = 0.0
    is_cosine: bool = False


def orders(recipe: Recipe, members: NDArray[np.int64], seed: int) -> list[NDArray[np.int64]]:
    """The batches of one training run, from the seed alone."""
    random = np.random.default_rng(seed)
    size = recipe.batch
    batches = []
    for _ in range(recipe.epochs):
        shuffled = members[random.permutation(len(members))]
        batches += [shuffled[i : i + size] for i in range(0, len(members) - len(members) % size, size)]
    return batches


def build(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A fresh model from `seed`."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def train_many(
    make: Callable[[], nn.Module],
    loss: Loss,
    inputs: Tensor,
    targets: Tensor,
    *,
    members: list[NDArray[np.int64]],
    seeds: list[int],
    recipe: Recipe,
) -> list[nn.Module]:
    """M trained models; `members[m]` are the records of model m (all of one length), `seeds[m]` its seed."""
    models = [build(make, seed) for seed in seeds]
    parameters, _ = stack_module_state(models)
    parameters = {name: value.detach().clone() for name, value in parameters.items()}
    velocity = {name: torch.zeros_like(value) for name, value in parameters.items()}
    skeleton = copy.deepcopy(models[0]).to("meta")

    def loss_of(values: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return loss(functional_call(skeleton, values, (x,)), y)

    gradients_of = vmap(grad(loss_of), randomness="error")
    plans = [orders(recipe, one, seed) for one, seed in zip(members, seeds, strict=True)]
    steps = len(plans[0])
    for step in range(steps):
        rows = torch.from_numpy(np.stack([plan[step] for plan in plans]))
        gradients = gradients_of(parameters, inputs[rows], targets[rows])
        rate = recipe.rate * (0.5 * (1 + np.cos(np.pi * step / steps)) if recipe.is_cosine else 1.0)
        for name, value in parameters.items():
            change = gradients[name] if not recipe.decay else gradients[name] + recipe.decay * value
            velocity[name].mul_(recipe.momentum).add_(change)
            value.sub_(velocity[name], alpha=float(rate))
    for number, model in enumerate(models):
        model.load_state_dict({name: value[number] for name, value in parameters.items()})
        model.eval()
    return models


def train_one(
    make: Callable[[], nn.Module],
    loss: Loss,
    inputs: Tensor,
    targets: Tensor,
    *,
    seed: int,
    recipe: Recipe,
    members: NDArray[np.int64] | None = None,
) -> tuple[nn.Module, float]:
    """One ordinary training run and its CPU-seconds: the unit that costs are given in."""
    started_s = time.process_time()
    model = build(make, seed)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=recipe.rate, momentum=recipe.momentum, weight_decay=recipe.decay, foreach=True
    )
    plan = orders(recipe, np.arange(len(inputs)) if members is None else members, seed)
    for step, rows in enumerate(plan):
        if recipe.is_cosine:
            optimizer.param_groups[0]["lr"] = recipe.rate * 0.5 * (1 + np.cos(np.pi * step / len(plan)))
        chosen = torch.from_numpy(rows)
        optimizer.zero_grad(set_to_none=True)
        loss(model(inputs[chosen]), targets[chosen]).backward()
        optimizer.step()
    return model.eval(), time.process_time() - started_s
