"""Where large tensors that start as zeros lie: on a CPU in pages that cost nothing until they are written.

`torch.zeros` writes every page. Anonymous mappings are zero by themselves; huge pages (Linux, where it lets
programs ask) halve the time of reading adapters, which is most of what they cost.
"""

import contextlib
import math
import mmap
import sys

import torch

HUGE_PAGE_BYTES = 2 << 20


def zeros(
    dimensions: tuple[int, ...], dtype: torch.dtype, device: torch.device, *, is_huge: bool = False
) -> torch.Tensor:
    """A tensor of zeros; `is_huge` asks for huge pages. Raises OSError when there is no address space."""
    size_bytes = math.prod(dimensions) * dtype.itemsize
    if device.type != "cpu" or sys.platform != "linux" or not size_bytes:
        return torch.zeros(dimensions, dtype=dtype, device=device)
    mapping = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if is_huge and size_bytes >= HUGE_PAGE_BYTES:
        with contextlib.suppress(OSError):  # a kernel without them
            mapping.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(mapping, dtype=dtype).view(dimensions)
