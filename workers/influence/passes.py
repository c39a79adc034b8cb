"""What one forward pass over a fixed batch answers: gradients of loss, measurement and Fisher, layer by
layer.

The library works on a copy of the task's model, in the profile's precision, in evaluation mode, with
gradients switched on for the attributed modules only. Filled-up records have gradients and inputs of zero.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from workers.errors import InvalidInputError
from workers.influence.batches import FixedBatch, fixed_batches, moved
from workers.influence.layers import Capture, Factors, layer_shape
from workers.influence.task import Task

CACHE_BYTES = 1 << 28


class Pass:
    """One forward pass; `kept` of its examples are real."""

    def __init__(self, task: Task, modules: Mapping[str, nn.Module], batch: Any, kept: int) -> None:
        self._task, self._batch, self.kept = task, batch, kept
        self.is_kept = False
        self._fisher: list[list[Factors]] | None = None
        with Capture(modules) as self._capture, torch.enable_grad():
            self._outputs = task.forward(batch)

    def loss(self) -> list[Factors]:
        """Gradients of -loss: what training on the example adds to."""
        return self._factors(-self._values(self._task.loss))

    def measurement(self) -> list[Factors]:
        """Gradients of the measurement."""
        return self._factors(self._values(self._task.measurement))

    def fisher(self) -> Iterator[list[Factors]]:
        """Gradients whose outer products sum to the Fisher."""
        if self._fisher is not None:
            yield from self._fisher
            return
        with torch.enable_grad():
            values = [_one_each(value) for value in self._task.fisher(self._outputs, self._batch)]
        found = []
        for value in values:
            factors = self._factors(value)
            if self.is_kept:
                found.append(factors)
            yield factors
        self._fisher = found if self.is_kept else None

    def values(self) -> Tensor:
        """(kept,): the measurements themselves."""
        return self._values(self._task.measurement).detach()[: self.kept]

    def size_bytes(self) -> int:
        """About what keeping this pass costs."""
        return 16 * sum(output.numel() * output.element_size() for output in self._capture.outputs())

    def _values(self, function: Callable[[Any, Any], Tensor]) -> Tensor:
        with torch.enable_grad():
            return _one_each(function(self._outputs, self._batch))

    def _factors(self, values: Tensor) -> list[Factors]:
        found = self._capture.factors(values)
        if self.kept == len(values):
            return found
        mask = (torch.arange(len(values), device=values.device) < self.kept).to(values.dtype)[:, None, None]
        return [Factors(one.left * mask, one.right * mask, one.is_fixed) for one in found]


def _one_each(values: Tensor) -> Tensor:
    if values.ndim != 1:
        raise InvalidInputError("loss, measurement and Fisher must return one number per example")
    return values


class Runner:
    """Makes passes of one task; keeps those of small data for the next stage."""

    def __init__(self, task: Task, dtype: torch.dtype, batch: int, device: torch.device) -> None:
        self._task = copy.copy(task)
        self._task.model = (
            copy.deepcopy(task.model).to(device=device, dtype=dtype).eval().requires_grad_(False)
        )
        names = list(task.modules())
        known = dict(self._task.model.named_modules())
        missing = [name for name in names if name not in known]
        if missing or not names:
            raise InvalidInputError(f"the task's modules are not in its model: {missing or 'none named'}")
        self.modules = {name: known[name] for name in names}
        for module in self.modules.values():
            module.requires_grad_(True)
        self.shapes = [layer_shape(module) for module in self.modules.values()]
        self._dtype, self._batch, self._device = dtype, batch, device
        self._cached_data: Any = None
        self._cached: dict[int, Pass] = {}
        self._held_bytes = 0

    @property
    def model(self) -> nn.Module:
        """The library's copy."""
        return self._task.model

    def state(self) -> dict[str, Tensor]:
        """All tensors of the model, by name."""
        return dict(self._task.model.state_dict())

    def passes(self, data: Any) -> Iterator[Pass]:
        """One pass per fixed batch of `data`, in order."""
        for (make,) in self.chunks(data, 1):
            yield make()

    def chunks(self, data: Any, size: int) -> Iterator[list[Callable[[], Pass]]]:
        """Groups of `size` batches, each a call that makes its pass: other processes' chunks cost no pass."""
        if self._cached_data is not data:
            self._cached_data, self._cached, self._held_bytes = data, {}, 0
        waiting: list[Callable[[], Pass]] = []
        for number, batch in enumerate(fixed_batches(data, self._batch)):
            waiting.append(partial(self._make, number, batch))
            if len(waiting) == size:
                yield waiting
                waiting = []
        if waiting:
            yield waiting

    def _make(self, number: int, batch: FixedBatch) -> Pass:
        """The pass over batch `number`, kept for the next stage while all kept ones are small."""
        if number in self._cached:
            return self._cached[number]
        made = self.run(batch)
        self._held_bytes += made.size_bytes()
        if self._held_bytes <= CACHE_BYTES:
            made.is_kept = True
            self._cached[number] = made
        return made

    def run(self, batch: FixedBatch) -> Pass:
        """The pass over one fixed batch."""
        content = moved(batch.content, self._dtype, self._device)
        return Pass(self._task, self.modules, content, batch.kept)
