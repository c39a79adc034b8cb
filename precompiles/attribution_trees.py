"""What a committed tree looks like from its root down: how long each step's content is and how it begins.

Every hash that is ever committed is one of some content: an inner node, a leaf, a chunk of a vector. So
whatever is hidden is one hash whose content nobody shows, and one rule opens all of it.
Source: formats in `genesis.commitments`; protocol, section 3 "Challenges" (something is hidden).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    CHUNK_COORDINATES,
    KIND_DEBTS,
    KIND_RECEIPTS,
    KIND_SCORES,
    LEAF,
    NODE,
    QUERY_BYTES,
    ROW_BYTES,
    SUM_BYTES,
    sum_tree_id,
    tree_depth,
    word,
)
from genesis.types import Hash32
from precompiles.attribution_evidence import batch_tree
from precompiles.attribution_interface import Batches, amounts_tree
from precompiles.checks import require
from precompiles.host import Host
from precompiles.slots import hash_word
from precompiles.views import metering, models
from precompiles.views.attribution import Post
from precompiles.views.models import FeatureIndex

WORD_BYTES = 32
TREES_PER_BATCH = 5
SCORES, DEBTS, BATCH_QUERY, QUERIES, RECEIPTS = range(TREES_PER_BATCH)


@dataclass(frozen=True, slots=True)
class Step:
    """One content on the way down: its length, how it begins, and where in it the next hash is (0: none)."""

    size_bytes: int
    head: bytes
    below: int


@dataclass(frozen=True, slots=True)
class Tree:
    """A committed tree and one leaf of it: node size (plain or with sums), what a leaf begins with and how
    long it is, where the hash under it is, and how wide a vector under it is (0: there is none)."""

    root: Hash32
    leaves: int
    position: int
    node_words: int
    leaf_head: bytes
    leaf_words: int
    below: int
    coordinate_bytes: int
    dimensions: int
    settlement_id: int = 0


def steps(tree: Tree, chunk: int) -> Iterator[Step]:
    """All contents from the root down to the tree's leaf, and to `chunk` of the vector under it."""
    depth = tree_depth(tree.leaves) if tree.leaves else 0
    yield from _nodes(depth, tree.position, tree.node_words)
    if tree.leaves:
        yield Step(1 + WORD_BYTES * tree.leaf_words, tree.leaf_head, tree.below)
    if tree.coordinate_bytes:
        count = -(-tree.dimensions // CHUNK_COORDINATES)
        require(chunk < count, "chunk")
        yield from _nodes(tree_depth(count) if count > 1 else 0, chunk, 2)
        width = min(CHUNK_COORDINATES, tree.dimensions - chunk * CHUNK_COORDINATES)
        yield Step(1 + width * tree.coordinate_bytes, LEAF, 0)


def _nodes(depth: int, position: int, node_words: int) -> Iterator[Step]:
    for level in range(depth - 1, -1, -1):
        is_right = (position >> level) & 1
        yield Step(1 + WORD_BYTES * node_words, NODE, 1 + is_right * WORD_BYTES * node_words // 2)


def index_tree(index: FeatureIndex, number: int, position: int) -> Tree:
    """Tree 0 of an index are its rows, tree 1 its contributors' sums."""
    require(number <= 1, "tree")
    is_rows = number == 0
    root = index.rows_root if is_rows else index.sums_root
    leaves = index.rows if is_rows else index.contributors
    require(position < leaves, "position")
    width = ROW_BYTES if is_rows else SUM_BYTES
    below = 1 + 4 * WORD_BYTES
    return Tree(root, leaves, position, 2, LEAF + word(position), 5, below, width, index.dimensions)


def post_tree(  # noqa: PLR0917 - a post and a place in it
    host: Host, post_id: int, posted: Post, batches: Batches, number: int, position: int
) -> Tree:
    """Tree 0 of a post are its amounts; five more of each batch, in the order of `SCORES` to `RECEIPTS`."""
    index = models.feature_index(host, posted.feature_index)
    if number == 0:
        amounts = amounts_tree(host, post_id, posted, index)
        return _sums(amounts.id, amounts.root.hash, index.contributors, position)
    batch, kind = divmod(number - 1, TREES_PER_BATCH)
    require(batch < len(batches), "tree")
    claimed = batches[batch]
    if kind == BATCH_QUERY:
        return Tree(claimed.query_root, 0, 0, 2, b"", 0, 0, BATCH_QUERY_BYTES, index.dimensions)
    if kind == QUERIES:
        return _queries(host, claimed.settlement_id, index.dimensions, position)
    if kind == RECEIPTS:
        return _receipts(host, claimed.settlement_id, position)
    tree = batch_tree(host, posted, index, claimed, KIND_DEBTS if kind == DEBTS else KIND_SCORES)
    return _sums(tree.id, tree.root.hash, index.contributors, position)


def _sums(tree_id: Hash32, root: Hash32, leaves: int, position: int) -> Tree:
    require(position < leaves, "position")
    return Tree(root, leaves, position, 4, LEAF + tree_id + word(position), 4, 0, 0, 0)


def _queries(host: Host, settlement_id: int, dimensions: int, position: int) -> Tree:
    settlement = metering.settlement(host, settlement_id)
    require(position < settlement.receipts, "position")
    head = LEAF + word(settlement.first_receipt + position)
    below = 1 + 2 * WORD_BYTES
    return Tree(
        settlement.queries_root,
        settlement.receipts,
        position,
        2,
        head,
        3,
        below,
        QUERY_BYTES,
        dimensions,
        settlement_id,
    )


def _receipts(host: Host, settlement_id: int, position: int) -> Tree:
    settlement = metering.settlement(host, settlement_id)
    require(position < settlement.receipts, "position")
    number = settlement.first_receipt + position
    tree_id = sum_tree_id(KIND_RECEIPTS, host.chain_id, INFERENCE_METERING, hash_word(settlement.channel_id))
    return Tree(
        settlement.receipts_root,
        settlement.first_receipt + settlement.receipts,
        number,
        4,
        LEAF + tree_id + word(number),
        4,
        0,
        0,
        0,
        settlement_id,
    )
