"""The native kernel and plain torch add the same terms, whatever slots, ranks and rows there are."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.serving.adapters.geometry import Product
from workers.serving.adapters.kernel import Kernel, load_kernel
from workers.serving.adapters.rows import KernelRows, ProductSlots, SegmentRows, segment, tiled

CPU = torch.device("cpu")
PRODUCT = Product(96, (("one", 64), ("two", 32)))
SLOTS, RANK = 5, 11


def kernel(dtype: torch.dtype, threads: int = 1) -> Kernel:
    loaded = load_kernel([PRODUCT], dtype, CPU, threads)
    assert loaded is not None, "the tests need a C compiler"
    return loaded


def filled(dtype: torch.dtype, ranks: list[int]) -> tuple[ProductSlots, ProductSlots]:
    """The same adapters tiled and plain; slots hold something else before."""
    both = [
        ProductSlots.empty(PRODUCT, SLOTS, RANK, dtype=dtype, device=CPU, is_tiled=is_tiled)
        for is_tiled in (True, False)
    ]
    generator = torch.Generator().manual_seed(3)
    for slots in both:
        slots.down.fill_(9.0)
        slots.up.fill_(9.0)
    for slot, rank in enumerate(ranks):
        down = torch.randn(2, rank, 96, generator=generator).to(dtype)
        up = torch.randn(rank, 96, generator=generator).to(dtype)
        both[0].fill(slot, tiled(down), tiled(up), (0.5, 1.5), is_padded=False)
        both[1].fill(slot, down, up, (0.5, 1.5), is_padded=True)
    return both[0], both[1]


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.integers(-1, SLOTS - 1), min_size=1, max_size=40),
    ranks=st.lists(st.integers(1, RANK), min_size=SLOTS, max_size=SLOTS),
    threads=st.sampled_from([1, 2]),
)
def test_native_and_torch_agree(rows: list[int], ranks: list[int], threads: int) -> None:
    native_slots, torch_slots = filled(torch.float32, ranks)
    inputs = torch.randn(len(rows), 96, generator=torch.Generator().manual_seed(4))
    native, plain = torch.ones(len(rows), 96), torch.ones(len(rows), 96)
    slot_ranks = torch.tensor(ranks, dtype=torch.int32)
    KernelRows(kernel(torch.float32, threads), [[native_slots]], slot_ranks, rows).add(0, 0, inputs, native)
    SegmentRows([[torch_slots]], segment(rows, CPU)).add(0, 0, inputs, plain)
    torch.testing.assert_close(native, plain, rtol=1e-4, atol=1e-4)
    without = torch.tensor(rows) < 0
    assert (native[without] == 1.0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_is_the_same_alone_and_among_others(dtype: torch.dtype) -> None:
    slots, _plain = filled(dtype, [RANK] * SLOTS)
    ranks = torch.full((SLOTS,), RANK, dtype=torch.int32)
    rows = [0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3]
    inputs = torch.randn(len(rows), 96, generator=torch.Generator().manual_seed(5)).to(dtype)
    together = torch.zeros(len(rows), 96, dtype=dtype)
    native = kernel(dtype)
    KernelRows(native, [[slots]], ranks, rows).add(0, 0, inputs, together)
    for row, slot in enumerate(rows):
        alone = torch.zeros(1, 96, dtype=dtype)
        KernelRows(native, [[slots]], ranks, [slot]).add(0, 0, inputs[row : row + 1], alone)
        assert torch.equal(alone[0], together[row])


def test_odd_widths_run_in_torch() -> None:
    assert load_kernel([Product(50, (("one", 64),))], torch.float32, CPU, 1) is None
    assert load_kernel([PRODUCT], torch.float16, CPU, 1) is None
