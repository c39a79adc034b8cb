"""Where adapters lie while they compute: slots on the device, the longest unused given away first.

A slot with a user, or of a pinned adapter, is never overwritten. Ranks are padded to the
pool's; the native kernel skips the padding.

Covered: reference counts, least recently used, pinning. Not covered: where adapters come from (`library`).
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch

from workers.serving.adapters.geometry import Product
from workers.serving.adapters.kernel import Kernel
from workers.serving.adapters.peft_adapter import PackedAdapter
from workers.serving.adapters.rows import KernelRows, ProductSlots, SegmentRows, segment
from workers.serving.model.transformer import RowAdapters

NO_SLOT = -1


class SlotPool:
    """`count` slots of rank `rank`; used by the engine's thread alone."""

    def __init__(
        self,
        products: tuple[Product, ...],
        layers: int,
        *,
        count: int,
        rank: int,
        dtype: torch.dtype,
        device: torch.device,
        kernel: Kernel | None,
        is_pinned: Callable[[str], bool] = lambda name: False,
    ) -> None:
        self._is_pinned = is_pinned
        self.count, self.rank = count, rank
        self._device, self._kernel = device, kernel
        self._tensors = [
            [
                ProductSlots.empty(
                    product, count, rank, dtype=dtype, device=device, is_tiled=kernel is not None
                )
                for product in products
            ]
            for _ in range(layers)
        ]
        self._ranks = torch.zeros(count, dtype=torch.int32)
        self._slot_of: OrderedDict[str, int] = OrderedDict()
        self._free = list(range(count - 1, -1, -1))
        self._users: dict[str, int] = {}
        self.loads = 0

    @property
    def size_bytes(self) -> int:
        """Address space of all slots."""
        return sum(slots.size_bytes for layer in self._tensors for slots in layer)

    @property
    def resident(self) -> list[str]:
        """The adapters in slots, least recently used first."""
        return list(self._slot_of)

    def has(self, name: str) -> bool:
        """True when `acquire` needs no weights."""
        return name in self._slot_of

    def has_room(self, name: str) -> bool:
        """True when the adapter is in a slot or one can be taken for it."""
        return name in self._slot_of or bool(self._free) or self._idle() is not None

    def acquire(self, name: str, adapter: PackedAdapter | None) -> int:
        """The adapter's slot, kept until `release`; `adapter` may be None where `has(name)`."""
        if name not in self._slot_of:
            assert adapter is not None
            self._slot_of[name] = slot = self._take()
            self._fill(slot, adapter)
        self._slot_of.move_to_end(name)
        self._users[name] = self._users.get(name, 0) + 1
        return self._slot_of[name]

    def release(self, name: str) -> None:
        """One user less; the adapter stays until its slot is needed."""
        self._users[name] -= 1
        if not self._users[name]:
            del self._users[name]

    def forget(self, name: str) -> None:
        """Give back the slot of an adapter without users; nothing happens while it has some."""
        if name in self._slot_of and name not in self._users:
            self._free.append(self._slot_of.pop(name))

    def rows(self, slots: Sequence[int]) -> RowAdapters | None:
        """The adapters of a batch whose row i has slot `slots[i]`; None when no row has one."""
        if all(slot == NO_SLOT for slot in slots):
            return None
        if self._kernel is not None:
            return KernelRows(self._kernel, self._tensors, self._ranks, slots)
        return SegmentRows(self._tensors, segment(slots, self._device))

    def _idle(self) -> str | None:
        return next(
            (name for name in self._slot_of if name not in self._users and not self._is_pinned(name)), None
        )

    def _take(self) -> int:
        if self._free:
            return self._free.pop()
        name = self._idle()
        assert name is not None, "acquire is called only where has_room says so"
        return self._slot_of.pop(name)

    def _fill(self, slot: int, adapter: PackedAdapter) -> None:
        self.loads += 1
        self._ranks[slot] = adapter.rank
        for layer, products in enumerate(self._tensors):
            for number, slots in enumerate(products):
                slots.fill(
                    slot,
                    adapter.downs[layer][number],
                    adapter.ups[layer][number],
                    adapter.scales[layer][number],
                    is_padded=self._kernel is None,
                )
