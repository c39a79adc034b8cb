"""How a batch's rows get their adapters' terms: one native call, or a few padded products per segment size.

Both compute `outputs[i] += ((inputs[i] · Aᵀ) · scale) · Bᵀ` with A and B of row i's slot.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from workers.serving.adapters.geometry import Product
from workers.serving.adapters.kernel import TILE, Kernel
from workers.serving.memory import zeros

Tensor = torch.Tensor


@dataclass(frozen=True, slots=True)
class ProductSlots:
    """One product's factors of all slots: A (slots, parts, rank, inputs), B (slots, rank, outputs).

    Tiled, for the native kernel: A (slots, parts, inputs / TILE, rank, TILE), B (slots, outputs / TILE, rank,
    TILE). In both the rank is the last axis but one.
    """

    down: Tensor
    up: Tensor
    scale: Tensor
    bounds: tuple[tuple[int, int], ...]

    @classmethod
    def empty(
        cls,
        product: Product,
        count: int,
        rank: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
        is_tiled: bool,
    ) -> "ProductSlots":
        """Zeros; on a CPU untouched slots take no memory."""
        parts = len(product.parts)
        down: tuple[int, ...] = (count, parts, rank, product.inputs)
        up: tuple[int, ...] = (count, rank, product.outputs)
        if is_tiled:
            down = (count, parts, product.inputs // TILE, rank, TILE)
            up = (count, product.outputs // TILE, rank, TILE)
        return cls(
            down=zeros(down, dtype, device, is_huge=True),
            up=zeros(up, dtype, device, is_huge=True),
            scale=torch.zeros(count, parts, device=device),
            bounds=product.bounds,
        )

    @property
    def size_bytes(self) -> int:
        """Memory of both factors."""
        return self.down.nbytes + self.up.nbytes

    def fill(
        self, slot: int, down: Tensor | None, up: Tensor | None, scales: tuple[float, ...], *, is_padded: bool
    ) -> None:
        """Write one adapter; `is_padded` also clears what its rank leaves over."""
        if down is None or up is None:
            self.scale[slot] = 0.0
            return
        rank = up.shape[-2]
        self.down[slot, ..., :rank, :] = down
        self.up[slot, ..., :rank, :] = up
        self.scale[slot] = torch.tensor(scales)
        if is_padded:
            self.down[slot, ..., rank:, :] = 0.0
            self.up[slot, ..., rank:, :] = 0.0


def tiled(factor: Tensor) -> Tensor:
    """(…, rank, columns) as (…, columns / TILE, rank, TILE)."""
    return factor.reshape(*factor.shape[:-1], -1, TILE).transpose(-3, -2).contiguous()


class KernelRows:
    """Rows of one batch for the native kernel."""

    def __init__(
        self, kernel: Kernel, tensors: list[list[ProductSlots]], ranks: Tensor, slots: Sequence[int]
    ) -> None:
        self._kernel, self._tensors, self._ranks = kernel, tensors, ranks
        self._slots = torch.tensor(slots, dtype=torch.int32)

    def add(self, layer: int, product: int, inputs: Tensor, outputs: Tensor) -> None:
        """One call for all rows."""
        slots = self._tensors[layer][product]
        self._kernel.add(
            inputs,
            outputs,
            down=slots.down,
            up=slots.up,
            scale=slots.scale,
            bounds=slots.bounds,
            ranks=self._ranks,
            slots=self._slots,
        )


@dataclass(frozen=True, slots=True)
class Segments:
    """Segments of about one size: `rows` (segments, size) padded; `used` are the places that are none."""

    slots: Tensor
    rows: Tensor
    used: Tensor
    targets: Tensor


def segment(slots: Sequence[int], device: torch.device) -> tuple[Segments, ...]:
    """Rows by slot, grouped by the next power of two of their number; rows without a slot are left out."""
    rows_of: dict[int, list[int]] = {}
    for row, slot in enumerate(slots):
        if slot >= 0:
            rows_of.setdefault(slot, []).append(row)
    buckets: dict[int, list[int]] = {}
    for slot, rows in rows_of.items():
        buckets.setdefault(1 << (len(rows) - 1).bit_length(), []).append(slot)
    return tuple(_bucket(size, members, rows_of, device) for size, members in sorted(buckets.items()))


def _bucket(size: int, members: list[int], rows_of: dict[int, list[int]], device: torch.device) -> Segments:
    padded = [rows_of[slot] + [rows_of[slot][0]] * (size - len(rows_of[slot])) for slot in members]
    used = [number * size + i for number, slot in enumerate(members) for i in range(len(rows_of[slot]))]
    targets = [row for slot in members for row in rows_of[slot]]
    return Segments(
        torch.tensor(members, device=device),
        torch.tensor(padded, device=device),
        torch.tensor(used, device=device),
        torch.tensor(targets, device=device),
    )


class SegmentRows:
    """Rows of one batch for plain torch, on any device."""

    def __init__(self, tensors: list[list[ProductSlots]], buckets: tuple[Segments, ...]) -> None:
        self._tensors, self._buckets = tensors, buckets

    def add(self, layer: int, product: int, inputs: Tensor, outputs: Tensor) -> None:
        """Per bucket: gather rows and factors, two batched products per part, scatter."""
        slots = self._tensors[layer][product]
        parts = len(slots.bounds)
        for bucket in self._buckets:
            down, up = slots.down[bucket.slots], slots.up[bucket.slots]
            gathered = inputs[bucket.rows]
            inner = torch.bmm(gathered, down.flatten(1, 2).transpose(1, 2)).reshape(
                *bucket.rows.shape, parts, -1
            )
            inner = (inner.float() * slots.scale[bucket.slots][:, None, :, None]).to(inputs.dtype)
            for part, (first, last) in enumerate(slots.bounds):
                terms = torch.bmm(inner[:, :, part], up[:, :, first:last]).flatten(0, 1)[bucket.used]
                outputs[:, first:last].index_add_(0, bucket.targets, terms)
