"""What an attribution method is: fit on canonical records, then rows for records and queries for inputs."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from workers.attribution.ekfac import fit_curvature
from workers.attribution.features import (
    Preconditioner,
    build_preconditioner,
    decode_preconditioner,
    encode_preconditioner,
    query_features,
    row_features,
)
from workers.attribution.numerics import quantize_queries, quantize_rows
from workers.attribution.task import Task

BATCH = 1024
"""Examples per pass: fixed, because it is part of what decides the last bits."""


class Attributor(Protocol):
    """A fitted method. `encode` gives the artefact that rows and queries depend on, besides the model."""

    def encode(self) -> bytes:
        """The preconditioner's file."""

    def rows(
        self, inputs: torch.Tensor, labels: torch.Tensor
    ) -> tuple[NDArray[np.int8], NDArray[np.uint8], NDArray[np.float64]]:
        """Mantissas (N, k), exponents (N,), self-influences (N,) of labelled records."""

    def queries(self, inputs: torch.Tensor) -> NDArray[np.int16]:
        """int16 queries (R, k) of what the model predicts for `inputs`."""


class EkfacAttributor:
    """`Attributor` by EK-FAC with the exact Fisher."""

    def __init__(self, task: Task, preconditioner: Preconditioner) -> None:
        self._task = task
        self._preconditioner = preconditioner

    @classmethod
    def fit(cls, task: Task, inputs: torch.Tensor, dimensions: int) -> "EkfacAttributor":
        """Fit curvature on canonical records' inputs (N, n) and choose k coordinates.

        Goes through the committed file: memory layout alone can change last bits, and a juror has the file.
        """
        forward = task.run(inputs)
        fitted = build_preconditioner(fit_curvature(forward), dimensions, forward)
        return cls.load(task, encode_preconditioner(fitted))

    @classmethod
    def load(cls, task: Task, data: bytes) -> "EkfacAttributor":
        """The method as committed; nothing is fitted again."""
        return cls(task, decode_preconditioner(data))

    def encode(self) -> bytes:
        """As in `Attributor`."""
        return encode_preconditioner(self._preconditioner)

    def rows(
        self, inputs: torch.Tensor, labels: torch.Tensor
    ) -> tuple[NDArray[np.int8], NDArray[np.uint8], NDArray[np.float64]]:
        """As in `Attributor`."""
        parts = [
            row_features(self._task.run(some), some_labels, self._preconditioner)
            for some, some_labels in zip(torch.split(inputs, BATCH), torch.split(labels, BATCH), strict=True)
        ]
        mantissas, exponents = quantize_rows(np.concatenate([rows for rows, _ in parts]))
        return mantissas, exponents, np.concatenate([influence for _, influence in parts])

    def queries(self, inputs: torch.Tensor) -> NDArray[np.int16]:
        """As in `Attributor`."""
        parts = [
            query_features(self._task.run(some), self._preconditioner) for some in torch.split(inputs, BATCH)
        ]
        return quantize_queries(np.concatenate(parts), self._preconditioner.query_scale)
