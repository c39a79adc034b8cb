"""How the tree over an index's rows is made a block at a time, with its levels in a file instead of memory.

Held are one block of leaves and whatever of the levels (64 bytes a row) the system keeps of a mapped
temporary file. Roots and proofs are those of `genesis.commitments`. Torch-free.
"""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genesis.commitments import node_hash, tree_depth
from genesis.types import Hash32

BLOCK_NODES = 8_192
HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class RowTree:
    """Levels from the padded leaves to the root alone, each (n, 32) uint8."""

    levels: tuple[NDArray[np.uint8], ...]

    @property
    def root(self) -> Hash32:
        """The topmost node."""
        return Hash32(self.levels[-1].tobytes())

    def proof(self, index: int) -> list[Hash32]:
        """Siblings of leaf `index`, from the bottom up."""
        return [
            Hash32(level[(index >> height) ^ 1].tobytes()) for height, level in enumerate(self.levels[:-1])
        ]

    def tensors(self) -> dict[str, NDArray[np.uint8]]:
        """As the tree's file names them; any row's path is read from it in pieces."""
        return {f"{height:02d}": level for height, level in enumerate(self.levels)}


def row_tree(leaves: Iterable[list[Hash32]], count: int, folder: Path | None = None) -> RowTree:
    """The tree over `count` leaves that come in blocks; its levels are mapped from a file in `folder` that
    is gone with them."""
    depth = tree_depth(count)
    sizes = [1 << (depth - height) for height in range(depth + 1)]
    with tempfile.TemporaryFile(dir=folder) as file:
        nodes: NDArray[np.uint8] = np.memmap(file, np.uint8, mode="w+", shape=(sum(sizes), HASH_BYTES))
    levels = tuple(np.split(nodes, np.cumsum(sizes)[:-1]))
    first = 0
    for block in leaves:
        levels[0][first : first + len(block)] = _hashes(block)
        first += len(block)
    for below, level in pairwise(levels):
        for start in range(0, len(level), BLOCK_NODES):
            some = below[2 * start : 2 * (start + BLOCK_NODES)].tobytes()
            level[start : start + BLOCK_NODES] = _hashes(_parents(some))
    return RowTree(levels)


def _parents(below: bytes) -> Iterator[Hash32]:
    for at in range(0, len(below), 2 * HASH_BYTES):
        middle = at + HASH_BYTES
        yield node_hash(Hash32(below[at:middle]), Hash32(below[middle : middle + HASH_BYTES]))


def _hashes(nodes: Iterable[Hash32]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(nodes), np.uint8).reshape(-1, HASH_BYTES)
