"""How data of any kind becomes batches of one fixed shape.

Data may be: a tensor or numpy array, or a tuple, list or dict of them with the same first dimension; a
map-style dataset whose items are tensors or tuples of tensors; or any iterable that can be iterated again (a
list too) and yields batches of whatever size. Records keep their order; batch boundaries do not depend on the
loader's.
The last batch is filled up to a multiple of 128 with copies of its last record, which `kept` then leaves out:
a pass's shape is decided by the number of records alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
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
    for batch in _rebatched(_as_tensors(data), size):
        is_empty = False
        count = length(batch)
        missing = min(size - count, -count % FILLED_TO) if is_padded else 0
        yield FixedBatch(each(lambda t, n=missing: _padded(t, n), batch) if missing else batch, count)
    if is_empty:
        raise InvalidInputError("there are no records")


def length(batch: Any) -> int:
    """How many examples a batch has; raises InvalidInputError when its members do not agree."""
    if isinstance(batch, Tensor):
        if not batch.ndim:
            raise InvalidInputError(
                "one example stands where a batch was expected: give batches, or a map-style dataset"
            )
        return len(batch)
    if not isinstance(batch, dict | tuple | list) or not batch:
        raise InvalidInputError(f"a batch is made of tensors, not of {type(batch).__name__}")
    lengths = {length(member) for member in _members(batch)}
    if len(lengths) > 1:
        raise InvalidInputError(f"the tensors of a batch have different lengths: {sorted(lengths)}")
    return lengths.pop()


def is_equal(one: Any, other: Any) -> bool:
    """Whether two batches hold the same."""
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    pairs = zip(_members(one), _members(other), strict=True)
    return all(is_equal(mine, yours) for mine, yours in pairs)


def _members(batch: Any) -> Iterable[Any]:
    members: Iterable[Any] = batch.values() if isinstance(batch, dict) else batch
    return members


def _as_tensors(data: Any) -> Any:
    """Numpy arrays, alone or in a tuple, list or dict, as tensors of the same memory."""
    if isinstance(data, np.ndarray):
        return torch.as_tensor(data)
    if isinstance(data, dict):
        return {name: _as_tensors(value) for name, value in data.items()}
    if isinstance(data, tuple | list) and any(isinstance(member, np.ndarray) for member in data):
        return tuple(_as_tensors(member) for member in data)
    return data


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
    for given in batches:
        batch = _as_tensors(given)
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
