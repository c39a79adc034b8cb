"""Which records are canonical: record i is, iff no earlier canonical record is similar to it.

"Earlier" is the order (commit block, contribution id, index within the contribution). Only the search for
candidates uses floats, over integers below 2^53 and with slack; every decision is
`workers.datasets.sketch.similar` on exact integers. Cost: N² dot products in blocks; memory N·block.
"""

from collections.abc import Sequence

import numpy as np

from genesis.shares import PPM
from workers.datasets.sketch import Sketch, similar

BLOCK_ROWS = 1024
SLACK = 1e-6


def canonical_indices(sketches: Sketch, order: Sequence[int], similarity_ppm: int) -> list[int]:
    """Per record the index of its canonical record: its own, or the earliest canonical it is similar to.

    `sketches` (N, n) are in version order; `order` lists all N indices from the earliest on.
    """
    ordered = sketches[np.asarray(order, dtype=np.int64)].astype(np.float64)
    norms = np.einsum("ij,ij->i", ordered, ordered)
    place_of = list(range(len(order)))
    for start in range(0, len(order), BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, len(order))
        dots = ordered[:stop] @ ordered[start:stop].T  # exact: integers below 2^53
        bound = np.outer(np.sqrt(norms[:stop]), np.sqrt(norms[start:stop])) * (similarity_ppm / PPM - SLACK)
        for place in range(start, stop):
            column = place - start
            candidates = np.flatnonzero(dots[:place, column] >= bound[:place, column])
            similar_ones = (
                earlier
                for earlier in candidates.tolist()
                if place_of[earlier] == earlier
                and similar(
                    int(dots[earlier, column]), int(norms[earlier]), int(norms[place]), similarity_ppm
                )
            )
            place_of[place] = next(similar_ones, place)
    return _in_version_order(place_of, order)


def _in_version_order(place_of: list[int], order: Sequence[int]) -> list[int]:
    result = [0] * len(order)
    for place, index in enumerate(order):
        result[index] = order[place_of[place]]
    return result
