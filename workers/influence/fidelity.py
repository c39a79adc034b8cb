"""How scores come nearer to retraining than EK-FAC, for disputes and data sets of up to some 20,000 records.

`LowRankCurvature` keeps the R Fisher gradients that are longest (most of a trained model's are almost zero)
and inverts `UᵀU + λ` through the R x R products of gradients, which factor by layer and are never
materialised. `ConjugateGradients` solves `(F + λ)x = q` over all Fisher gradients, preconditioned by EK-FAC.
Both give scores (R, N) of floats: they explain and settle, they do not pay.

Source: attribution.md, sections 1.1, 2 "margin-GGN dual", "EK-FAC-preconditioned CG".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.influence.attributor import Attributor
from workers.influence.curvature import gradients_of, is_single, rotated
from workers.influence.layers import Factors
from workers.influence.passes import Pass, Runner
from workers.influence.preconditioner import Preconditioner
from workers.influence.profile import DTYPES, Profile
from workers.influence.task import Task

Scores = NDArray[np.float64]


class Scorer(Protocol):
    """What is fitted on training data and scores its records."""

    def fit(self, train: Any) -> None:
        """Learn what scoring needs."""

    def scores(self, inputs: Any) -> Scores:
        """(R, N): influence of every record on every input; positive raised the measurement."""


@dataclass(frozen=True, slots=True)
class Gradients:
    """n gradients of one layer: `left` (n, O) and `right` (n, I), or materialised in `right` (n, O·I)."""

    left: Tensor | None
    right: Tensor

    @classmethod
    def of(cls, factors: Factors, kept: int) -> "Gradients":
        """The first `kept` of a pass."""
        if is_single(factors):
            return cls(factors.left[:kept, 0], factors.right[:kept, 0])
        return cls(None, gradients_of(Factors(factors.left[:kept], factors.right[:kept])).flatten(1))

    def chosen(self, places: Tensor) -> "Gradients":
        """Some of them."""
        return Gradients(None if self.left is None else self.left[places], self.right[places])

    def scaled(self, factor: float) -> "Gradients":
        """All of them times `factor`."""
        if self.left is None:
            return Gradients(None, self.right * factor)
        return Gradients(self.left * factor, self.right)

    def squared_norms(self) -> Tensor:
        """(n,)."""
        lengths = self.right.square().sum(dim=1)
        return lengths if self.left is None else lengths * self.left.square().sum(dim=1)

    def products(self, other: "Gradients") -> Tensor:
        """(n, m): inner products with the other's."""
        right = self.right @ other.right.T
        if self.left is None or other.left is None:
            return right
        return right.mul_(self.left @ other.left.T)


Layers = list[Gradients]


class LowRankCurvature:
    """`Scorer` by the R longest Fisher gradients; λ is `damping` times the mean over parameters of the
    Fisher's diagonal."""

    def __init__(
        self,
        task: Task,
        *,
        directions: int = 1_000,
        damping: float = 10.0,
        dtype: str = "float32",
        batch: int = 1_024,
        device: str = "cpu",
    ) -> None:
        self._runner = Runner(task, DTYPES[dtype], batch, torch.device(device))
        self._directions, self._damping = directions, damping

    def fit(self, train: Any) -> None:
        """Choose the directions and solve for every record at once."""
        train_passes = list(self._runner.passes(train))
        count = sum(one.kept for one in train_passes)
        longest, trace = self._longest(train_passes)
        self._directions_kept = [one.scaled(count**-0.5) for one in longest]
        self._records = _joined([[Gradients.of(f, one.kept) for f in one.loss()] for one in train_passes])
        parameters = sum(outputs * inputs for outputs, inputs in self._runner.shapes)
        self._lambda = self._damping * trace / (count * parameters)
        inner = _products(self._directions_kept, self._directions_kept)
        inner.diagonal().add_(self._lambda)
        crossed = _products(self._directions_kept, self._records)
        self._solved = torch.cholesky_solve(crossed, torch.linalg.cholesky(inner))

    def scores(self, inputs: Any) -> Scores:
        """As in `Scorer`: `(q·g - q·Uᵀ(λ + UUᵀ)⁻¹U·g) / λ`."""
        parts = []
        for one in self._runner.passes(inputs):
            asked = [Gradients.of(factors, one.kept) for factors in one.measurement()]
            plain = _products(asked, self._records)
            parts.append((plain - _products(asked, self._directions_kept) @ self._solved) / self._lambda)
        return _array(torch.cat(parts))

    def _longest(self, passes: Sequence[Pass]) -> tuple[Layers, float]:
        """The directions, and the sum of squares of all Fisher gradients. A batch's longest are joined with
        the longest so far."""
        best: Layers | None = None
        trace = 0.0
        for one in passes:
            for fisher in one.fisher():
                found = [Gradients.of(factors, one.kept) for factors in fisher]
                trace += float(torch.stack([part.squared_norms().sum() for part in found]).sum())
                best = found if best is None else _joined([best, found])
                if len(best[0].right) > 4 * self._directions:
                    best = self._cut(best)
        assert best is not None
        return self._cut(best), trace

    def _cut(self, layers: Layers) -> Layers:
        lengths = torch.stack([part.squared_norms() for part in layers]).sum(dim=0)
        places = torch.argsort(lengths, descending=True, stable=True)[: self._directions]
        return [part.chosen(places) for part in layers]


class ConjugateGradients:
    """`Scorer` that refines EK-FAC's solution by a fixed number of steps over the whole Fisher."""

    def __init__(
        self,
        task: Task,
        profile: Profile | None = None,
        *,
        steps: int = 4,
        damping: float = 10.0,
        device: str = "cpu",
    ) -> None:
        self._attributor = Attributor(task, profile, device)
        self._steps, self._damping = steps, damping

    def fit(self, train: Any) -> None:
        """Fit EK-FAC; the data itself is gone over again at every step of every question."""
        self._train = train
        self._attributor.fit(train)
        self._passes = list(self._attributor.runner.passes(train))
        self._count = sum(one.kept for one in self._passes)

    def scores(self, inputs: Any) -> Scores:
        """As in `Scorer`."""
        inner = self._attributor.preconditioner
        asked = torch.cat(
            [_flat(one.measurement(), one.kept, inner) for one in self._attributor.runner.passes(inputs)]
        )
        eigenvalues = torch.cat([layer.eigenvalues.flatten() for layer in inner.layers])
        damping = self._damping * eigenvalues.mean()
        inverse = 1 / (eigenvalues + damping)
        solution = torch.zeros_like(asked)
        residual = asked.clone()
        step = residual * inverse
        direction = step.clone()
        energy = (residual * step).sum(dim=1, keepdim=True)
        for _ in range(self._steps):
            turned = self._fisher_times(direction, inner) + direction * damping
            rate = energy / (direction * turned).sum(dim=1, keepdim=True)
            solution += rate * direction
            residual -= rate * turned
            step = residual * inverse
            following = (residual * step).sum(dim=1, keepdim=True)
            direction = step + following / energy * direction
            energy = following
        records = [solution @ _flat(one.loss(), one.kept, inner).T for one in self._passes]
        return _array(torch.cat(records, dim=1))

    def _fisher_times(self, vectors: Tensor, inner: Preconditioner) -> Tensor:
        total = torch.zeros_like(vectors)
        for one in self._passes:
            for fisher in one.fisher():
                gradients = _flat(fisher, one.kept, inner)
                total += (vectors @ gradients.T) @ gradients
        return total / self._count


class Ensemble:
    """`Scorer` that averages those of several models. Models trained on random halves of the records serve
    best: they are as sure of a record as a model without it, and cost half."""

    def __init__(self, members: Iterable[Scorer]) -> None:
        self._members = list(members)

    def fit(self, train: Any) -> None:
        """Fit every member on all records."""
        for member in self._members:
            member.fit(train)

    def scores(self, inputs: Any) -> Scores:
        """As in `Scorer`."""
        total: Scores = np.mean([member.scores(inputs) for member in self._members], axis=0)
        return total


def _products(ones: Layers, others: Layers) -> Tensor:
    total = ones[0].products(others[0])
    for one, other in zip(ones[1:], others[1:], strict=True):
        total += one.products(other)
    return total


def _joined(parts: Sequence[Layers]) -> Layers:
    if len(parts) == 1:
        return parts[0]
    joined = []
    for layer in zip(*parts, strict=True):
        lefts = [one.left for one in layer if one.left is not None]
        joined.append(Gradients(torch.cat(lefts) if lefts else None, torch.cat([one.right for one in layer])))
    return joined


def _flat(gradients: Sequence[Factors], kept: int, inner: Preconditioner) -> Tensor:
    """(n, P): whole gradients in EK-FAC's basis."""
    parts = []
    for factors, layer in zip(gradients, inner.layers, strict=True):
        turned = rotated(
            Factors(factors.left[:kept], factors.right[:kept]), layer.output_basis, layer.input_basis
        )
        parts.append(gradients_of(turned).flatten(1))
    return torch.cat(parts, dim=1)


def _array(tensor: Tensor) -> Scores:
    array: Scores = tensor.double().cpu().numpy()
    return array
