"""How data of any kind becomes batches of one fixed shape.

Data may be: a tensor, or a tuple, list or dict of tensors with the same first dimension; a map-style dataset
whose items are tensors or tuples of tensors; or any iterable that can be iterated again (a list too) and
yields batches of whatever size. Records keep their order; batch boundaries do not depend on the loader's.
The last batch is filled up to a multiple of 128 with copies of its last record, which `kept` then leaves out:
a pass's shape is decided by the number of records alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workers.errors import InvalidInputError

FILLED_TO = 128
"""The last batch's size is a multiple of this, or the profile's."""


@dataclass(frozen=True, slots=True)
class FixedBatch:
    """`content` has the profile's number of records, or the last batch's, of which the first `kept` are
    real."""

    content: Any
    kept: int


def fixed_batches(data: Any, size: int, *, is_padded: bool = True) -> Iterator[FixedBatch]:
    """All of `data` in batches of `size`; raises InvalidInputError for empty data."""
    is_empty = True
    for batch in _rebatched(data, size):
        is_empty = False
        count = length(batch)
        missing = min(size - count, -count % FILLED_TO) if is_padded else 0
        yield FixedBatch(each(lambda t, n=missing: _padded(t, n), batch) if missing else batch, count)
    if is_empty:
        raise InvalidInputError("there are no records")


def length(batch: Any) -> int:
    """How many examples a batch has."""
    if isinstance(batch, Tensor):
        return len(batch)
    return length(next(iter(batch.values())) if isinstance(batch, dict) else batch[0])


def each(function: Any, batch: Any) -> Any:
    """The batch with `function` applied to every tensor."""
    if isinstance(batch, Tensor):
        return function(batch)
    if isinstance(batch, dict):
        return {name: each(function, value) for name, value in batch.items()}
    return tuple(each(function, value) for value in batch)


def moved(batch: Any, dtype: torch.dtype, device: torch.device) -> Any:
    """On `device`, floating tensors as `dtype`."""
    return each(lambda t: t.to(device, dtype if t.is_floating_point() else t.dtype, non_blocking=True), batch)


def _padded(tensor: Tensor, missing: int) -> Tensor:
    return torch.cat([tensor, tensor[-1:].expand(missing, *tensor.shape[1:])])


def _is_batch(data: Any) -> bool:
    if isinstance(data, dict):
        return bool(data)
    members = data if isinstance(data, tuple | list) else [data]
    return bool(members) and all(isinstance(member, Tensor) for member in members)


def _rebatched(data: Any, size: int) -> Iterator[Any]:
    if _is_batch(data):
        for first in range(0, length(data), size):
            yield each(lambda t, i=first: t[i : i + size], data)
    elif isinstance(data, list | tuple):
        yield from _regrouped(data, size)
    elif hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        for first in range(0, len(data), size):
            yield _stacked([data[i] for i in range(first, min(first + size, len(data)))])
    elif isinstance(data, Iterable) and not isinstance(data, Iterator):
        yield from _regrouped(data, size)
    else:
        raise InvalidInputError("data must be tensors, a dataset, or an iterable that can be iterated again")


def _stacked(items: list[Any]) -> Any:
    if isinstance(items[0], dict):
        return {name: _stacked([item[name] for item in items]) for name in items[0]}
    if isinstance(items[0], tuple | list):
        return tuple(_stacked(list(column)) for column in zip(*items, strict=True))
    return torch.stack([torch.as_tensor(item) for item in items])


def _regrouped(batches: Iterable[Any], size: int) -> Iterator[Any]:
    waiting: list[Any] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += length(batch)
        while count >= size:
            joined = _joined(waiting)
            yield each(lambda t: t[:size], joined)
            count -= size
            waiting = [each(lambda t: t[size:], joined)] if count else []
    if count:
        yield _joined(waiting)


def _joined(batches: list[Any]) -> Any:
    if len(batches) == 1:
        return batches[0] if not isinstance(batches[0], list) else tuple(batches[0])
    if isinstance(batches[0], Tensor):
        return torch.cat(batches)
    if isinstance(batches[0], dict):
        return {name: torch.cat([batch[name] for batch in batches]) for name in batches[0]}
    return tuple(torch.cat(list(column)) for column in zip(*batches, strict=True))
