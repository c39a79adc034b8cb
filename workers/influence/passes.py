"""What one forward pass over a fixed batch answers: gradients of loss, measurement and Fisher, layer by
layer.

The library works on a copy of the task's model, in the profile's precision, in evaluation mode, with
gradients switched on for the attributed modules only. Filled-up records have gradients and inputs of zero.
"""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from workers.errors import InvalidInputError
from workers.influence.batches import FixedBatch, fixed_batches, is_equal, moved
from workers.influence.layers import MAX_ELEMENTS, Capture, Factors, contracted, layer_shape
from workers.influence.task import Task

CACHE_BYTES = 1 << 28
"""How much a runner keeps between stages unless told otherwise; results do not depend on it."""


class Keeps(Enum):
    """What a pass holds for the next stage: nothing, whole gradients of an empirical Fisher, or all of it."""

    NOTHING = 0
    GRADIENTS = 1
    EVERYTHING = 2


class Pass:
    """What is asked of one batch, whose first `kept` examples are real. The model runs when it is needed."""

    def __init__(
        self,
        task: Task,
        modules: Mapping[str, nn.Module],
        batch: Any,
        kept: int,
        reserve: Callable[["Pass", int], bool] = lambda _one, _size_bytes: False,
    ) -> None:
        self._task, self._modules, self._batch, self.kept = task, modules, batch, kept
        self._reserve = reserve
        self._ran: tuple[Capture, Any] | None = None
        self._fisher: list[list[Factors]] | None = None

    def loss(self) -> list[Factors]:
        """Gradients of -loss: what training on the example adds to."""
        if self._fisher is not None and self._is_empirical:
            return self._fisher[0]
        return self._factors(-self._values(self._task.loss))

    def measurement(self) -> list[Factors]:
        """Gradients of the measurement."""
        if self._is_loss_measured:
            return self.loss()
        return self._factors(self._values(self._task.measurement))

    def fisher(self) -> Iterator[list[Factors]]:
        """Gradients whose outer products sum to the Fisher; signs do not matter."""
        if self._fisher is not None:
            yield from self._fisher
            return
        values, keeps, found = self._fisher_values(), self._room(), []
        for value in values:
            factors = self._factors(value)
            if keeps is not Keeps.NOTHING:
                is_whole = keeps is Keeps.EVERYTHING
                found.append(factors if is_whole else [contracted(one) for one in factors])
            yield factors
        self._fisher = found or None
        if keeps is not Keeps.EVERYTHING:
            self._ran = None  # nothing of the graph is held for passes that wait for their turn

    def values(self) -> Tensor:
        """(kept,): the measurements themselves."""
        return self._values(self._task.measurement).detach()[: self.kept]

    def _room(self) -> "Keeps":
        """What there is room to hold until the next stage."""
        outputs = self._run()[0].outputs()
        element_bytes = outputs[0].element_size()
        if self._reserve(self, 16 * element_bytes * sum(output.numel() for output in outputs)):
            return Keeps.EVERYTHING
        sizes = [len(outputs[0]) * math.prod(layer_shape(module)) for module in self._modules.values()]
        are_small = self._is_empirical and max(sizes) <= MAX_ELEMENTS
        is_room = are_small and self._reserve(self, element_bytes * sum(sizes))
        return Keeps.GRADIENTS if is_room else Keeps.NOTHING

    @property
    def _is_empirical(self) -> bool:
        return type(self._task).fisher is Task.fisher

    @property
    def _is_loss_measured(self) -> bool:
        return type(self._task).measurement is Task.measurement

    def _run(self) -> tuple[Capture, Any]:
        if self._ran is None:
            self._ran = self._forward(is_cloning=False)
            if self._ran[0].is_overwritten:
                self._ran = self._forward(is_cloning=True)
        return self._ran

    def _forward(self, *, is_cloning: bool) -> tuple[Capture, Any]:
        with Capture(self._modules, is_cloning=is_cloning) as capture, torch.enable_grad():
            return capture, self._task.forward(self._batch)

    def _fisher_values(self) -> list[Tensor]:
        if self._is_empirical:
            return [-self._values(self._task.loss)]
        _, outputs = self._run()
        with torch.enable_grad():
            return [_one_each(value) for value in self._task.fisher(outputs, self._batch)]

    def _values(self, function: Callable[[Any, Any], Tensor]) -> Tensor:
        _, outputs = self._run()
        with torch.enable_grad():
            return _one_each(function(outputs, self._batch))

    def _factors(self, values: Tensor) -> list[Factors]:
        capture, _ = self._run()
        return capture.factors(values, self.kept)


def _one_each(values: Tensor) -> Tensor:
    if values.ndim != 1:
        raise InvalidInputError("loss, measurement and Fisher must return one number per example")
    return values


def _left_out(model: nn.Module, names: list[str]) -> tuple[str, ...]:
    """Trainable parameters of no named module."""
    trainable = {name for name, value in model.named_parameters() if value.requires_grad}
    covered = {f"{name}.{part}" if name else part for name in names for part in ("weight", "bias")}
    return tuple(sorted(trainable - covered))


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
        if missing:
            raise InvalidInputError(f"the task's modules are not in its model: {missing}")
        if not names:
            raise InvalidInputError(
                "there is nothing to attribute: the model has no trainable Linear, Conv1d, Conv2d, Embedding "
                "or LayerNorm"
            )
        self.left_out = _left_out(task.model, names)
        self.modules = {name: known[name] for name in names}
        for module in self.modules.values():
            module.requires_grad_(True)
        self.shapes = [layer_shape(module) for module in self.modules.values()]
        self.batch, self._dtype, self._device = batch, dtype, device
        self.cache_bytes = CACHE_BYTES
        self._cached_data: Any = None
        self._first: FixedBatch | None = None
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
            self._cached_data, self._cached, self._held_bytes, self._first = data, {}, 0, None
        waiting: list[Callable[[], Pass]] = []
        for number, batch in enumerate(fixed_batches(data, self.batch)):
            if number == 0:
                self._check_order(batch)
            waiting.append(partial(self._make, number, batch))
            if len(waiting) == size:
                yield waiting
                waiting = []
        if waiting:
            yield waiting

    def _check_order(self, first: FixedBatch) -> None:
        """Refuse data that began differently the last time it was gone over."""
        if self._first is None:
            self._first = first
        elif not is_equal(self._first.content, first.content):
            raise InvalidInputError(
                "the data came in another order the second time: iterate over it without shuffling"
            )

    def _make(self, number: int, batch: FixedBatch) -> Pass:
        """The pass over batch `number`, kept for the next stage while all kept ones are small."""
        if number in self._cached:
            return self._cached[number]
        return self.run(batch, partial(self._keep, number))

    def _keep(self, number: int, one: Pass, size_bytes: int) -> bool:
        """Hold a pass for the next stage, if there is room."""
        if self._held_bytes + size_bytes > self.cache_bytes:
            return False
        self._held_bytes += size_bytes
        self._cached[number] = one
        return True

    def run(
        self, batch: FixedBatch, reserve: Callable[[Pass, int], bool] = lambda _one, _size_bytes: False
    ) -> Pass:
        """The pass over one fixed batch."""
        content = moved(batch.content, self._dtype, self._device)
        return Pass(self._task, self.modules, content, batch.kept, reserve)
