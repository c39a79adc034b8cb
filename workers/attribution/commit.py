"""How rows, sums, queries, scores and amounts become roots and proofs, in the forms the precompiles take.

Everything here is exact and torch-free: a validator runs it with numpy only. Formats are those of
`genesis.commitments`; field names of the evidence records are those of `IAttribution.sol`.

Covered: leaves, roots and proofs. Not covered: fetching, signing, sending.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genesis.addresses import ATTRIBUTION
from genesis.commitments import (
    KIND_AMOUNTS,
    KIND_DEBTS,
    KIND_SCORES,
    QUERY_BYTES,
    ROW_BYTES,
    SUM_BYTES,
    SumNode,
    address_word,
    contributor_sum_leaf,
    leaf_hash,
    query_leaf,
    sum_leaf,
    sum_proof,
    sum_tree_id,
    sum_tree_layers,
    vector_root,
)
from genesis.types import Address, Hash32
from workers.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class SumLeafEvidence:
    """`IAttribution.SumLeaf`: a leaf of a Merkle-sum tree and its siblings from the bottom up."""

    key: bytes
    amount: int
    siblings: tuple[Hash32, ...]
    sibling_sums: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SumEvidence:
    """`IAttribution.SumEvidence`: a contributor's committed sum and its path to `sumsRoot`."""

    records: int
    norm_squared: int
    vector: bytes
    proof: tuple[Hash32, ...]


@dataclass(frozen=True, slots=True)
class SumTree:
    """A Merkle-sum tree over the contributors in index order."""

    tree_id: Hash32
    contributors: tuple[Address, ...]
    amounts: tuple[int, ...]

    def layers(self) -> list[list[SumNode]]:
        """All layers, leaves first; kept for the next proof."""
        return _sum_layers(self)

    def root(self) -> SumNode:
        """Root hash and total."""
        return self.layers()[-1][0]

    def evidence(self, index: int) -> SumLeafEvidence:
        """The leaf of contributor `index` with its proof."""
        siblings = sum_proof(self.layers(), index)
        return SumLeafEvidence(
            key=address_word(self.contributors[index]),
            amount=self.amounts[index],
            siblings=tuple(sibling.hash for sibling in siblings),
            sibling_sums=tuple(sibling.sum for sibling in siblings),
        )


@lru_cache(maxsize=16)
def _sum_layers(tree: SumTree) -> list[list[SumNode]]:
    leaves = zip(tree.contributors, tree.amounts, strict=True)
    return sum_tree_layers(
        [
            sum_leaf(tree.tree_id, index, address_word(contributor), amount)
            for index, (contributor, amount) in enumerate(leaves)
        ]
    )


def row_leaves(
    mantissas: NDArray[np.int8],
    exponents: NDArray[np.uint8],
    canonical: NDArray[np.int64],
    owners: NDArray[np.int64],
    first: int = 0,
) -> list[Hash32]:
    """One leaf per row, in order, as `genesis.commitments.row_leaf` makes it; `first` is the first row's
    record. Raises InvalidInputError for a negative record or owner."""
    count, width = mantissas.shape
    if min(canonical.min(initial=0), owners.min(initial=0)) < 0:
        raise InvalidInputError("a row's canonical record or contributor is negative")
    words = np.zeros((count, 4, 4), dtype=">u8")  # four words of 32 bytes, their last eight in use
    for place, values in enumerate((np.arange(first, first + count), canonical, owners, exponents)):
        words[:, place, 3] = values
    heads, rows = words.tobytes(), mantissas.tobytes()
    head_bytes = 4 * 32
    return [
        leaf_hash(
            heads[head_bytes * i : head_bytes * (i + 1)]
            + vector_root(rows[width * i : width * (i + 1)], ROW_BYTES)
        )
        for i in range(count)
    ]


def pack_sum(vector: NDArray[np.int64]) -> bytes:
    """One contributor's sum as big-endian int64 coordinates."""
    return vector.astype(">i8").tobytes()


def pack_query(vector: NDArray[np.int16]) -> bytes:
    """One query as big-endian int16 coordinates."""
    return vector.astype(">i2").tobytes()


def sum_leaves(
    contributors: Sequence[Address],
    records: Sequence[int],
    norms_squared: Sequence[int],
    sums: NDArray[np.int64],
) -> list[Hash32]:
    """One leaf per contributor, in index order; `records` counts canonical ones."""
    return [
        contributor_sum_leaf(
            index=index,
            contributor=contributor,
            records=records[index],
            norm_squared=norms_squared[index],
            vector_root=vector_root(pack_sum(sums[index]), SUM_BYTES),
        )
        for index, contributor in enumerate(contributors)
    ]


def query_leaves(numbers: Sequence[int], weights: Sequence[int], queries: NDArray[np.int16]) -> list[Hash32]:
    """One leaf per receipt of a settlement, in order."""
    return [
        query_leaf(number=number, weight=weight, query_root=vector_root(pack_query(query), QUERY_BYTES))
        for number, weight, query in zip(numbers, weights, queries, strict=True)
    ]


def scores_tree_id(chain_id: int, feature_index_id: int, settlement_id: int, poster: Address) -> Hash32:
    """Names the tree of one batch's positive scores."""
    return sum_tree_id(
        KIND_SCORES, chain_id, ATTRIBUTION, feature_index_id, settlement_id, int.from_bytes(poster, "big")
    )


def debts_tree_id(chain_id: int, feature_index_id: int, settlement_id: int, poster: Address) -> Hash32:
    """Names the tree of one batch's negative scores' magnitudes."""
    return sum_tree_id(
        KIND_DEBTS, chain_id, ATTRIBUTION, feature_index_id, settlement_id, int.from_bytes(poster, "big")
    )


def amounts_tree_id(
    chain_id: int, feature_index_id: int, first_settlement_id: int, poster: Address
) -> Hash32:
    """Names the tree of a post's amounts."""
    return sum_tree_id(
        KIND_AMOUNTS,
        chain_id,
        ATTRIBUTION,
        feature_index_id,
        first_settlement_id,
        int.from_bytes(poster, "big"),
    )
