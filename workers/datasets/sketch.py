"""How alike two records are: an int8 sketch by rule from the content, compared in exact integers.

The sketch is the record's features less their own mean, halved and rounded half up, clipped to [-127, 127]:
`floor((n·x_i - Σx + n) / 2n)`. Two sketches are similar iff their cosine is at least τ:
`a·b ≥ 0 and (a·b)²·10^12 ≥ τ_ppm²·‖a‖²·‖b‖²`; a zero sketch is similar to zero sketches only. The label takes
no part: the same picture under another label is the same picture.

Source: protocol, section 3 "Datanet" (sketch, canonical records).
"""

import numpy as np
from numpy.typing import NDArray

from genesis.shares import PPM

Sketch = NDArray[np.int8]
MAXIMUM_SKETCH_BYTES = 65_536
"""A vector's longest; one byte per feature."""


def sketches_of(features: NDArray[np.uint8]) -> Sketch:
    """Sketches (N, n) of feature rows (N, n)."""
    wide = features.astype(np.int64)
    count = wide.shape[1]
    centred = count * wide - wide.sum(axis=1, keepdims=True)
    clipped: Sketch = np.clip((centred + count) // (2 * count), -127, 127).astype(np.int8)
    return clipped


def sketch_of(features: bytes) -> bytes:
    """One record's packed sketch, as `genesis.commitments.record_leaf` takes it."""
    packed: bytes = sketches_of(np.frombuffer(features, dtype=np.uint8)[None, :])[0].tobytes()
    return packed


def similar(dot: int, norm_a: int, norm_b: int, similarity_ppm: int) -> bool:
    """The rule on three exact integers: a dot product and two squared norms."""
    if norm_a == 0 or norm_b == 0:
        return norm_a == norm_b
    return dot >= 0 and dot * dot * PPM * PPM >= similarity_ppm * similarity_ppm * norm_a * norm_b
