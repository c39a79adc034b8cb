"""Feature indexes, receipts and posts as a provider would make them, right or wrong in a chosen way."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    EMPTY_SUM_NODE,
    KIND_AMOUNTS,
    KIND_RECEIPTS,
    KIND_SCORES,
    ROW_BYTES,
    SUM_BYTES,
    SumNode,
    address_word,
    contributor_sum_leaf,
    merkle_layers,
    merkle_proof,
    pack_vector,
    row_leaf,
    sum_leaf,
    sum_node,
    sum_proof,
    sum_tree_id,
    tree_depth,
    vector_root,
)
from genesis.shares import PPM, pool_amount
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.types import Address, Hash32
from precompiles.scores import ScoreInputs, negative_score, positive_score
from precompiles.views.attribution import BatchClaim, NodeEvidence, RowEvidence, SumEvidence, SumLeaf


@dataclass(frozen=True)
class Row:
    """One feature row: whose it is, which record it is or duplicates, int8 coordinates and their exponent."""

    contributor: int
    canonical: int
    exponent: int
    values: tuple[int, ...]

    @property
    def packed(self) -> bytes:
        return pack_vector(self.values, ROW_BYTES)


@dataclass(frozen=True)
class Index:
    """A committed feature index with everything behind its roots."""

    contributors: tuple[Address, ...]
    vectors: tuple[bytes, ...]
    norms: tuple[int, ...]
    dimensions: int
    rows: tuple["Row", ...] = ()

    @property
    def layers(self) -> list[list[Hash32]]:
        return merkle_layers(
            [
                contributor_sum_leaf(
                    index=i,
                    contributor=self.contributors[i],
                    records=i + 1,
                    norm_squared=self.norms[i],
                    vector_root=vector_root(self.vectors[i], SUM_BYTES),
                )
                for i in range(len(self.contributors))
            ]
        )

    @property
    def sums_root(self) -> Hash32:
        return self.layers[-1][0]

    @property
    def row_layers(self) -> list[list[Hash32]]:
        return merkle_layers(
            [
                row_leaf(
                    index=i,
                    canonical_index=row.canonical,
                    contributor_index=row.contributor,
                    exponent=row.exponent,
                    row_root=vector_root(row.packed, ROW_BYTES),
                )
                for i, row in enumerate(self.rows)
            ]
        )

    @property
    def rows_root(self) -> Hash32:
        return self.row_layers[-1][0]

    def row(self, position: int) -> RowEvidence:
        """A row with its path."""
        row = self.rows[position]
        proof = tuple(merkle_proof(self.row_layers, position))
        return RowEvidence(position, row.canonical, row.contributor, row.exponent, row.packed, proof)

    def part(self, contributor: int, coordinate: int, first: int, count: int) -> int:
        """What the true rows of a range add to a contributor's coordinate."""
        rows = list(enumerate(self.rows))[first : first + count]
        return sum(
            row.values[coordinate] << row.exponent
            for i, row in rows
            if row.canonical == i and row.contributor == contributor
        )

    def evidence(self, position: int) -> SumEvidence:
        """A contributor's sum with its path; of the last one for a position beyond it."""
        position = min(position, len(self.contributors) - 1)
        proof = tuple(merkle_proof(self.layers, position))
        return SumEvidence(position + 1, self.norms[position], self.vectors[position], proof)


def make_index(contributors: Sequence[Address], vectors: Sequence[Sequence[int]]) -> Index:
    """An index with honest norms."""
    return Index(
        tuple(contributors),
        tuple(pack_vector(vector, SUM_BYTES) for vector in vectors),
        tuple(sum(x * x for x in vector) for vector in vectors),
        len(vectors[0]),
    )


def index_of_rows(contributors: Sequence[Address], rows: Sequence[Row]) -> Index:
    """An index with honest sums of its rows."""
    bare = Index((), (), (), len(rows[0].values), tuple(rows))
    coordinates = range(bare.dimensions)
    vectors = [[bare.part(c, k, 0, len(rows)) for k in coordinates] for c in range(len(contributors))]
    return replace(make_index(contributors, vectors), rows=tuple(rows))


@dataclass
class Tree:
    """A Merkle-sum tree with the leaves as they were meant and as they were posted."""

    id: Hash32
    leaves: list[tuple[Hash32, int]]
    nodes: list[SumNode] = field(default_factory=list)
    honest: list[SumNode] = field(default_factory=list)
    forged: dict[tuple[int, int], int] = field(default_factory=dict)
    """What inner nodes, by level and position, say above what is under them."""

    def __post_init__(self) -> None:
        self.nodes = [sum_leaf(self.id, i, key, amount) for i, (key, amount) in enumerate(self.leaves)]
        self.honest = list(self.nodes)

    @property
    def layers(self) -> list[list[SumNode]]:
        padding = (1 << tree_depth(len(self.nodes))) - len(self.nodes)
        layers = [[*self.nodes, *[EMPTY_SUM_NODE] * padding]]
        while len(layers[-1]) > 1:
            below = layers[-1]
            level = len(layers)
            nodes = [sum_node(below[i], below[i + 1]) for i in range(0, len(below), 2)]
            layers.append([self._forge(node, level, i) for i, node in enumerate(nodes)])
        return layers

    def _forge(self, node: SumNode, level: int, position: int) -> SumNode:
        return SumNode(node.hash, node.sum + self.forged.get((level, position), 0))

    def inner(self, number: int, level: int, position: int) -> NodeEvidence:
        """An inner node with its path; `number` is the tree's in its post."""
        layers = self.layers
        node, left, right = (
            layers[level][position],
            *layers[level - 1][2 * position : 2 * position + 2],
        )
        path = [layer[(position >> up) ^ 1] for up, layer in enumerate(layers[level:-1])]
        return NodeEvidence(
            number,
            level,
            position,
            node.sum,
            left.hash,
            left.sum,
            right.hash,
            right.sum,
            tuple(each.hash for each in path),
            tuple(each.sum for each in path),
        )

    @property
    def root(self) -> SumNode:
        return self.layers[-1][0]

    @property
    def is_damaged(self) -> bool:
        """True iff some leaf is not what was meant."""
        return self.nodes != self.honest

    def siblings(self, position: int) -> tuple[tuple[Hash32, ...], tuple[int, ...]]:
        proof = sum_proof(self.layers, position)
        return tuple(node.hash for node in proof), tuple(node.sum for node in proof)

    def opened(self, position: int) -> SumLeaf:
        """The leaf as key and amount."""
        key, amount = self.leaves[position]
        return SumLeaf(key, amount, *self.siblings(position))

    def bare(self, position: int) -> SumLeaf:
        """The leaf as the hash and sum of its node, wherever there is a node at all."""
        node = self.layers[0][position]
        return SumLeaf(node.hash, node.sum, *self.siblings(position))


@dataclass
class Posted:
    """A post with everything behind its roots."""

    signer: Address
    index_id: int
    index: Index
    claims: tuple[BatchClaim, ...]
    queries: tuple[bytes, ...]
    scores: tuple[Tree, ...]
    amounts: Tree
    carry_in_wei: int
    debts: tuple[Tree, ...]

    @property
    def trees(self) -> list[Tree]:
        """All trees by their numbers: the amounts, then each batch's scores and debts."""
        pairs = zip(self.scores, self.debts, strict=True)
        return [self.amounts, *(tree for pair in pairs for tree in pair)]


def honest_scores(index: Index, query: bytes, significance_ppm: int) -> list[int]:
    """Every contributor's score under a query within its width."""
    return [
        positive_score(ScoreInputs(vector, norm, query), index.dimensions, significance_ppm) or 0
        for vector, norm in zip(index.vectors, index.norms, strict=True)
    ]


def honest_debts(index: Index, query: bytes, significance_ppm: int) -> list[int]:
    """Magnitudes of every contributor's negative scores under a query within its width."""
    return [
        negative_score(ScoreInputs(vector, norm, query), index.dimensions, significance_ppm) or 0
        for vector, norm in zip(index.vectors, index.norms, strict=True)
    ]


def score_tree(  # noqa: PLR0917 - what a leaf binds
    index_id: int,
    settlement_id: int,
    signer: Address,
    index: Index,
    scores: Sequence[int],
    kind: int = KIND_SCORES,
) -> Tree:
    """The tree of a batch's scores, or with `KIND_DEBTS` of its debts."""
    parts = (index_id, settlement_id, int.from_bytes(signer, "big"))
    keys = [Hash32(address_word(contributor)) for contributor in index.contributors]
    tree_id = sum_tree_id(kind, DEV_L2_CHAIN_ID, ATTRIBUTION, *parts)
    return Tree(tree_id, list(zip(keys, scores, strict=True)))


def amount_tree(
    index_id: int, settlement_id: int, signer: Address, index: Index, amounts: Sequence[int]
) -> Tree:
    """The tree of a post's amounts."""
    parts = (index_id, settlement_id, int.from_bytes(signer, "big"))
    keys = [Hash32(address_word(contributor)) for contributor in index.contributors]
    tree_id = sum_tree_id(KIND_AMOUNTS, DEV_L2_CHAIN_ID, ATTRIBUTION, *parts)
    return Tree(tree_id, list(zip(keys, amounts, strict=True)))


def amounts_from(
    pools: Sequence[int], carry_in_wei: int, trees: Sequence[Tree], maximum_share_ppm: int = PPM
) -> list[int]:
    """What the posted scores give each contributor; the carry is in the first pool."""
    pools = [pools[0] + carry_in_wei, *pools[1:]]
    count = len(trees[0].honest)
    return [
        sum(
            pool_amount(pool, tree.leaves[i][1], tree.root.sum, maximum_share_ppm)
            for pool, tree in zip(pools, trees, strict=True)
        )
        for i in range(count)
    ]


def batch_claim(settlement_id: int, query: bytes, scores: Tree, debts: Tree | None = None) -> BatchClaim:
    """The claim that a batch's trees and query make."""
    root = scores.root
    owed = debts.root if debts else EMPTY_SUM_NODE
    query_root = vector_root(query, BATCH_QUERY_BYTES)
    return BatchClaim(settlement_id, query_root, root.hash, root.sum, owed.hash, owed.sum)


def receipts_tree(channel_id: Hash32, fees_wei: Sequence[int]) -> Tree:
    """A channel's receipts; each one's hash is its number, which is enough here."""
    tree_id = sum_tree_id(
        KIND_RECEIPTS, DEV_L2_CHAIN_ID, INFERENCE_METERING, int.from_bytes(channel_id, "big")
    )
    leaves = [(Hash32((i + 1).to_bytes(32, "big")), fee) for i, fee in enumerate(fees_wei)]
    return Tree(tree_id, leaves)


def spoil(leaf: SumLeaf, amount: int) -> SumLeaf:
    """The same leaf with another amount."""
    return replace(leaf, amount=amount)
