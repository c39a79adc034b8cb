"""Large tensors of zeros cost memory only where they are written."""

import sys
from pathlib import Path

import pytest
import torch

from workers.serving.memory import zeros

CPU = torch.device("cpu")
MEGABYTE = 1 << 20


def anonymous_bytes() -> int:
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(lines["RssAnon"].split()[0])


@pytest.mark.parametrize("is_huge", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_zeros_that_can_be_written(dtype: torch.dtype, is_huge: bool) -> None:
    tensor = zeros((3, 5, 7), dtype, CPU, is_huge=is_huge)
    assert tensor.shape == (3, 5, 7)
    assert tensor.dtype == dtype
    assert not tensor.any()
    tensor[1] = 2.0
    assert tensor.sum() == 70.0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux maps lazily here")
def test_what_is_not_written_takes_no_memory() -> None:
    before = anonymous_bytes()
    tensor = zeros((64, MEGABYTE), torch.float32, CPU, is_huge=True)
    assert anonymous_bytes() - before < 16 * MEGABYTE
    tensor[3] = 1.0
    assert 4 * MEGABYTE <= anonymous_bytes() - before < 24 * MEGABYTE


def test_nothing_at_all() -> None:
    assert zeros((0, 4), torch.float32, CPU).shape == (0, 4)
