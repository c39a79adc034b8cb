"""Where keys and values of running sequences lie: a static cache with one lane per sequence.

Lanes in use are always 0..n-1, so that attention over all running sequences is one call on a view; whoever
leaves in the middle is replaced by the last lane. Memory is touched only as far as sequences get, and what
they leave is zeroed: attention weighs unused places with 0, which is nothing only beside finite numbers.
"""

import torch

from workers.serving.memory import zeros
from workers.serving.model.shape import ModelShape


class LaneCache:
    """Keys and values, (lanes, length, key_value_heads, head_size) for each layer."""

    def __init__(
        self, shape: ModelShape, lanes: int, length: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        self.lanes, self.length = lanes, length
        dimensions = (shape.layers, 2, lanes, length, shape.key_value_heads, shape.head_size)
        self._tensor = zeros(dimensions, dtype, device)

    @property
    def size_bytes(self) -> int:
        """Address space; on a CPU the operating system gives memory only for what was written."""
        return self._tensor.nbytes

    def keys(self, layer: int) -> torch.Tensor:
        """All lanes' keys of a layer."""
        return self._tensor[layer, 0]

    def values(self, layer: int) -> torch.Tensor:
        """All lanes' values of a layer."""
        return self._tensor[layer, 1]

    def read(self, lane: int, length: int) -> torch.Tensor:
        """A view of a lane's first positions: (layers, 2, length, key_value_heads, head_size)."""
        return self._tensor[:, :, lane, :length]

    def write(self, lane: int, computed: torch.Tensor) -> None:
        """Begin a lane with what `read` gave."""
        self._tensor[:, :, lane, : computed.shape[2]] = computed

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` positions of one lane over another."""
        self._tensor[:, :, target, :length] = self._tensor[:, :, source, :length]

    def clear(self, lane: int, length: int) -> None:
        """Zero the first `length` positions of a lane that nobody uses any more."""
        self._tensor[:, :, lane, :length] = 0.0
