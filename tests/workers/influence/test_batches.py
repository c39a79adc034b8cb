"""Fixed batches: their shapes follow from the number of records alone."""

import pytest
import torch

from workers.influence.batches import FILLED_TO, fixed_batches


@pytest.mark.parametrize(
    ("records", "size", "shapes"),
    [(300, 1_024, [384]), (1_100, 1_024, [1_024, 128]), (40, 16, [16, 16, 16]), (1_024, 1_024, [1_024])],
)
def test_the_last_batch_is_filled_to_a_multiple(records: int, size: int, shapes: list[int]) -> None:
    batches = list(fixed_batches(torch.arange(records), size))
    assert [len(one.content) for one in batches] == shapes
    assert sum(one.kept for one in batches) == records
    assert torch.equal(torch.cat([one.content[: one.kept] for one in batches]), torch.arange(records))
    assert all(len(one.content) % FILLED_TO == 0 or len(one.content) == size for one in batches)
