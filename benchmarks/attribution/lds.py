"""What the linear datamodelling score is, and how a table of it is printed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
STUDENT = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26}
"""97.5 % points of Student's distribution by degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Row:
    """A method, models per score, LDS per seed, CPU-seconds of one run and of one training run."""

    name: str
    models: int
    values: Sequence[float]
    cpu_s: float
    training_s: float


def ranks(values: Matrix) -> Matrix:
    """Ranks along the first axis; ties get their mean."""
    order = values.argsort(axis=0, kind="stable")
    found = np.empty_like(values, dtype=np.float64)
    np.put_along_axis(
        found, order, np.broadcast_to(np.arange(len(values), dtype=float)[:, None], values.shape), 0
    )
    for column in range(values.shape[1]):
        _, place, count = np.unique(values[:, column], return_inverse=True, return_counts=True)
        if count.max() > 1:
            found[:, column] = (np.bincount(place, found[:, column]) / count)[place]
    return found


def correlations(one: Matrix, other: Matrix) -> Matrix:
    """Per column the Spearman correlation over rows."""
    ranked = [ranks(matrix) for matrix in (one, other)]
    centred = [(r - r.mean(axis=0)) / np.maximum(r.std(axis=0), 1e-12) for r in ranked]
    found: Matrix = (centred[0] * centred[1]).mean(axis=0)
    return found


def lds(scores: Matrix, masks: NDArray[np.bool_], truth: Matrix) -> float:
    """Mean over queries of the rank correlation of predicted (scores (Q, N), masks (S, N)) and true (S,
    Q)."""
    return float(correlations(masks.astype(np.float64) @ scores.T, truth.astype(np.float64)).mean())


def ceiling(runs: NDArray[np.float32]) -> float:
    """What a perfect score could reach, of runs (S, seeds, Q): split-half reliability, Spearman-Brown,
    root."""
    half = runs.shape[1] // 2
    if half == 0:
        return float("nan")
    parts = [runs[:, :half].mean(axis=1), runs[:, half:].mean(axis=1)]
    reliability = float(correlations(parts[0].astype(np.float64), parts[1].astype(np.float64)).mean())
    return float(np.sqrt(2 * reliability / (1 + reliability)))


def interval(values: Sequence[float]) -> float:
    """Half the width of the mean's 95 % interval over seeds."""
    if len(values) < 2:
        return float("nan")
    spread = float(np.std(values, ddof=1))
    return STUDENT.get(len(values) - 1, 2.0) * spread / float(np.sqrt(len(values)))


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    lines = [
        "| method | models | LDS | ± 95 % | CPU-s | x training |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    for row in rows:
        lines.append(
            f"| {row.name} | {row.models} | {np.mean(row.values):.3f} | {interval(row.values):.3f} | "
            f"{row.cpu_s:.3f} | {row.cpu_s / row.training_s:.2f} |"
        )
    return "\n".join(lines)
