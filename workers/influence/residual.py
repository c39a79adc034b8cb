"""Whether a committed preconditioner is its model's: cheaply by a sample, for certain by all examples.

A preconditioner says of every coordinate which energy `E[Σ (whitened gradient)²] = Λ / (Λ + λ)` the training
data have, and over all of them how long a row is. A sample's energy follows that up to chance; one of other
data, or with eigenvalues moved, does not. What a sample makes suspect `certain_residual` decides.

Covered: moved eigenvalues (a factor of 4 in one coordinate, 1.4 in many), foreign data, a moved row length.
Not covered by the sample: changes below those; they are by the whole.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.influence.attributor import Attributor
from workers.influence.preconditioner import features
from workers.influence.verify import preconditioner_residual
from workers.integers import QUERY_NORM

LARGEST, TYPICAL, TOTAL = 1.2, 0.3, 0.3
"""Natural logarithms of ratios that 100 honest examples stay under (digits: 0.8, 0.13, 0.1)."""
TOLERANCE = 1e-3
"""What the residual of an honest preconditioner stays under on any machine; foreign data have 0.01 to 1."""


@dataclass(frozen=True, slots=True)
class SampledEnergy:
    """Logarithms of found over expected energy: the coordinate farthest off, the median distance of
    coordinates, all directions together; and of the rows' length limit."""

    examples: int
    largest: float
    typical: float
    total: float
    length: float

    @property
    def is_suspect(self) -> bool:
        """Whether chance does not explain it."""
        return self.largest > LARGEST or self.typical > TYPICAL or max(self.total, self.length) > TOTAL


def sampled_energy(attributor: Attributor, examples: Any, count: int) -> SampledEnergy:
    """`count` examples against the loaded preconditioner."""
    attributor.runner.batch = min(attributor.runner.batch, count)
    expected, expected_total = _expected(attributor)
    energy, total, influences = np.zeros(len(expected)), 0.0, []
    for one in attributor.runner.passes(examples):
        for gradients in one.fisher():
            found, influence = features(gradients, attributor.preconditioner)
            energy += _wide(found[: one.kept].square().sum(dim=0))
            total += float(influence[: one.kept].double().sum())
        influences.append(_wide(features(one.loss(), attributor.preconditioner)[1][: one.kept]))
    ratios = np.abs(np.log(np.maximum(energy / count, 1e-30) / np.maximum(expected, 1e-30)))
    limit = attributor.profile.row_limit * float(np.median(np.sqrt(np.concatenate(influences))))
    return SampledEnergy(
        count,
        float(ratios.max(initial=0.0)),
        float(np.median(ratios)),
        abs(float(np.log(max(total / count, 1e-30) / max(expected_total, 1e-30)))),
        _apart(attributor.preconditioner.row_length, limit),
    )


def certain_residual(attributor: Attributor, train: Any) -> float:
    """`preconditioner_residual`, or how far the scales are from the first batch's where that is more."""
    fitted, profile = attributor.preconditioner, attributor.profile
    first = next(iter(attributor.runner.passes(train)))
    queries, _ = features(first.measurement(), fitted)
    scale = QUERY_NORM / float(queries[: first.kept].double().norm(dim=1).max())
    _, influence = features(first.loss(), fitted)
    length = profile.row_limit * float(influence[: first.kept].double().sqrt().median())
    scales = max(_apart(fitted.query_scale, scale), _apart(fitted.row_length, length))
    return max(scales, preconditioner_residual(attributor, train))


def _expected(attributor: Attributor) -> tuple[NDArray[np.float64], float]:
    """Energy per selected coordinate, and of all directions."""
    parts, total = [], 0.0
    fitted = attributor.preconditioner
    for layer, selected in zip(fitted.layers, fitted.selected, strict=True):
        energy = (layer.eigenvalues / (layer.eigenvalues + layer.damping)).double().flatten()
        parts.append(_wide(energy[selected]))
        total += float(energy.sum())
    return np.concatenate(parts), total


def _apart(a: float, b: float) -> float:
    """How far two lengths are apart, as the logarithm of their ratio; 0 for two zeros."""
    return 0.0 if a == b else abs(float(np.log(max(a, 1e-30) / max(b, 1e-30))))


def _wide(values: torch.Tensor) -> NDArray[np.float64]:
    found: NDArray[np.float64] = values.detach().double().cpu().numpy()
    return found
