"""Fit on training data, then ask: which records made the model answer like that?

    attributor = Attributor(ClassificationTask(model))
    index = attributor.fit((inputs, labels))
    attributor.explain(index, questions, top_k=5)

Everything is decided by the profile, the model and the data: repeated, resumed and sharded runs give the same
integers. Source: attribution.md, sections 4.3 and 8 "S-default" and "L-default".
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.artifacts.tensors import Array
from workers.errors import InvalidInputError
from workers.influence import featureindex
from workers.influence.curvature import LayerCurvature, bases, combine, covariances, squared_gradients
from workers.influence.featureindex import FeatureIndex, RowPart
from workers.influence.passes import Pass, Runner
from workers.influence.preconditioner import (
    Preconditioner,
    decode_preconditioner,
    encode_preconditioner,
    features,
    select_coordinates,
    squared_divisors,
)
from workers.influence.profile import Profile
from workers.influence.stages import Shard, Stages
from workers.influence.task import Task
from workers.integers import QUERY_NORM, quantize_queries, quantize_rows
from workers.progress import Progress, silent

ONE_PROCESS = Shard()


@dataclass(frozen=True, slots=True)
class Explanation:
    """One record's part in an answer: its place in the training data, exact score, and share of all that
    raised the measurement."""

    record: int
    score: int
    share: float


class Attributor:
    """EK-FAC attribution of one model. `preconditioner` is there after `fit` or `load`."""

    def __init__(self, task: Task, profile: Profile | None = None, device: str = "cpu") -> None:
        self.profile = profile or Profile()
        self._device = torch.device(device)
        self.runner = Runner(task, self.profile.torch_dtype, self.profile.batch, self._device)
        self._committed: bytes | None = None
        self._preconditioner: Preconditioner | None = None

    @classmethod
    def load(
        cls, task: Task, data: bytes, profile: Profile | None = None, device: str = "cpu"
    ) -> "Attributor":
        """The method as committed; nothing is fitted again."""
        attributor = cls(task, profile, device)
        attributor._use(data)
        return attributor

    @property
    def committed(self) -> bytes:
        """The preconditioner's file; raises InvalidInputError before `fit` or `load`."""
        if self._committed is None:
            raise InvalidInputError("fit or load comes first")
        return self._committed

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of trainable parameters that are not attributed: those of other kinds of layers, and bare
        ones."""
        return self.runner.left_out

    # --- Fitting ------------------------------------------------------------------------------------------

    def fit(
        self,
        train: Any,
        *,
        records: Any = None,
        folder: Path | None = None,
        shard: Shard = ONE_PROCESS,
        progress: Progress = silent,
    ) -> FeatureIndex:
        """Curvature of `train`, then one integer row per record of `records` (default: of `train`).

        With a `folder` finished parts are kept there: a killed run goes on where it was, several processes
        share the work, and the index is mapped from files instead of held. Raises InvalidInputError.
        """
        stages = Stages(folder, shard)
        stages.check_plan(self._plan())
        self._use(self._curvature(stages, train, progress))
        progress(0.6, "curvature fitted")
        return self._rows(stages, folder, train if records is None else records, progress)

    def _curvature(self, stages: Stages, train: Any, progress: Progress) -> bytes:
        modules = list(self.runner.modules.values())
        sums: dict[str, Array] | None = None
        for chunk in stages.run(
            "covariances",
            self._chunks(train),
            lambda chunk: covariances([make() for make in chunk], modules, self.profile.widest),
        ):
            sums = combine(sums, chunk)
        assert sums is not None
        progress(0.2, "covariances summed")
        layer_bases = bases(sums, modules)
        inner = [
            (self._move(output), None if inputs is None else self._move(inputs))
            for output, inputs in layer_bases
        ]
        squares: dict[str, Array] | None = None
        for chunk in stages.run(
            "squares", self._chunks(train), lambda chunk: squared_gradients([make() for make in chunk], inner)
        ):
            squares = combine(squares, chunk)
        assert squares is not None
        layers = []
        for position, (output, inputs) in enumerate(layer_bases):
            values = torch.from_numpy(squares[f"{position}.squares"] / sums["count"])
            layers.append(LayerCurvature(output, inputs, values, self.profile.damping * float(values.mean())))
        return stages.once(
            "preconditioner.safetensors", lambda: encode_preconditioner(self._scaled(layers, train))
        )

    def _scaled(self, layers: list[LayerCurvature], train: Any) -> Preconditioner:
        """Choose coordinates, and both scales by the first batch."""
        available = sum(layer.eigenvalues.numel() for layer in layers)
        chosen = Preconditioner(
            tuple(layers), select_coordinates(layers, min(self.profile.dimensions, available))
        )
        inner = chosen.to(self.profile.torch_dtype, self._device)
        first = next(self.runner.passes(train))
        queries, _ = features(first.measurement(), inner)
        longest = float(queries[: first.kept].double().norm(dim=1).max())
        if not 0 < longest < float("inf"):
            raise InvalidInputError("the model's gradients are all zero: nothing can be attributed")
        length = 0.0
        if self.profile.row_limit:
            _, influence = features(first.loss(), inner)
            length = self.profile.row_limit * float(influence[: first.kept].double().sqrt().median())
        return replace(chosen, query_scale=QUERY_NORM / longest, row_length=length)

    def rows(self, records: Any) -> FeatureIndex:
        """Rows of `records` by the preconditioner at hand, in memory: what a checker recomputes."""
        return self._rows(Stages(None, ONE_PROCESS), None, records, silent)

    def _rows(self, stages: Stages, folder: Path | None, records: Any, progress: Progress) -> FeatureIndex:
        parts = []
        records_made = 0
        for number, chunk in enumerate(stages.run("rows", self._chunks(records), self._row_chunk)):
            parts.append(RowPart.of(chunk) if folder is None else None)
            records_made += len(chunk["exponents"])
            progress(min(0.99, 0.6 + 0.02 * number), f"rows of chunk {number + 1} made")
        if folder is not None:
            count = len(parts)
            stages.once(featureindex.DOCUMENT, lambda: featureindex.encode_document(count, records_made))
            progress(1.0, "index written")
            return featureindex.open_index(folder)
        progress(1.0, "index made")
        return FeatureIndex(tuple(part for part in parts if part is not None), self.committed)

    def _row_chunk(self, chunk: list[Callable[[], Pass]]) -> dict[str, Array]:
        made = [self.row_features(make()) for make in chunk]
        mantissas, exponents = zip(*(quantize_rows(rows) for rows, _ in made), strict=True)
        influence = np.concatenate([h for _, h in made])
        return RowPart(np.concatenate(mantissas), np.concatenate(exponents), influence).tensors()

    # --- Asking -------------------------------------------------------------------------------------------

    def query(self, inputs: Any) -> NDArray[np.int16]:
        """Integer features (R, k) of what the task measures on `inputs`."""
        parts = [self.query_features(one) for one in self.runner.passes(inputs)]
        return quantize_queries(np.concatenate(parts), self.preconditioner.query_scale)

    def score(self, index: FeatureIndex, inputs: Any) -> NDArray[np.int64]:
        """(R, N): exact integer scores of every record for every input; positive raised the measurement."""
        return index.score(self.query(inputs))

    def explain(
        self, index: FeatureIndex, inputs: Any, top_k: int = 10, *, is_raw: bool = True
    ) -> list[list[Explanation]]:
        """Per input the `top_k` records that raised the measurement most.

        Ranked by influence before normalisation, or (`is_raw=False`) by the score that is paid for.
        """
        queries = self.query(inputs)
        totals = [0] * len(queries)
        for _, block in index.blocks():
            scores = featureindex.block_scores(block, queries)
            for place, row in enumerate(scores):
                totals[place] += int(row[row > 0].sum())
        return [
            [Explanation(record, score, max(0, score) / total if total else 0.0) for record, score in found]
            for found, total in zip(index.top(queries, top_k, is_raw=is_raw), totals, strict=True)
        ]

    def row_features(self, one: Pass) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Real rows (n, k) of length at most 1 of a pass's records, and the squares of what they were
        divided by."""
        rows, influence = features(one.loss(), self.preconditioner)
        squares = squared_divisors(
            influence[: one.kept], self.preconditioner.row_length, self.profile.row_power
        )
        return _array(rows[: one.kept] / squares.sqrt()[:, None]), _array(squares)

    def query_features(self, one: Pass) -> NDArray[np.float64]:
        """Real queries (n, k) of a pass's examples."""
        found, _ = features(one.measurement(), self.preconditioner)
        return _array(found[: one.kept])

    # --- Inside -------------------------------------------------------------------------------------------

    @property
    def preconditioner(self) -> Preconditioner:
        """What is committed, ready for this device; raises InvalidInputError before `fit` or `load`."""
        if self._preconditioner is None:
            raise InvalidInputError("fit or load comes first")
        return self._preconditioner

    def _use(self, data: bytes) -> None:
        """Take the preconditioner from its file: memory layout alone can change last bits, and a juror has
        it."""
        self._committed = data
        self._preconditioner = decode_preconditioner(data).to(self.profile.torch_dtype, self._device)

    def _chunks(self, data: Any) -> Any:
        return self.runner.chunks(data, self.profile.chunk_batches)

    def _move(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device, self.profile.torch_dtype)

    def _plan(self) -> bytes:
        digest = hashlib.sha256()
        for name, value in self.runner.state().items():
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        document = {"profile": self.profile.document(), "model": digest.hexdigest()}
        return json.dumps(document, sort_keys=True).encode()


def _array(tensor: Tensor) -> NDArray[np.float64]:
    array: NDArray[np.float64] = tensor.double().cpu().contiguous().numpy()
    return array
