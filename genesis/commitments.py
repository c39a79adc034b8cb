"""How vectors, records, receipts, scores and amounts are committed: trees, leaves and widths.

These formats are read by workers, the gateway, precompiles and their Solidity twins; changing one breaks
every commitment ever made. All integers are big-endian; every scalar in a leaf takes one 32-byte word.

Covered: hashing, building, proving and verifying. Not covered: what the numbers mean (`precompiles`,
`workers.attribution`). Source: protocol, sections 3 "Attribution" and "Widths".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from genesis.keccak import keccak256
from genesis.types import Address, Hash32

LEAF = b"\x00"
NODE = b"\x01"
EMPTY_NODE = Hash32(bytes(32))
"""Padding: an absent leaf, worth nothing."""

CHUNK_COORDINATES = 1024
ROW_BYTES = 1
QUERY_BYTES = 2
SUM_BYTES = 8
BATCH_QUERY_BYTES = 16
"""Bytes per coordinate: int8 rows, int16 queries, int64 contributor sums, int128 batch queries."""

MAX_NORM_SQUARED = 2**29
"""Bound on the squared norm of a feature row `m·2^e` and of a query."""
MAX_WEIGHT_SUM = 2**60
MAX_ROWS_PER_CONTRIBUTOR = 2**32
WEI_PER_WEIGHT = 10**9

KIND_RECEIPTS = 1
KIND_SCORES = 2
KIND_DEBTS = 3
KIND_AMOUNTS = 4
KIND_RETRIEVAL = 5
"""Which Merkle-sum tree a leaf belongs to: receipts by fee, a batch's positive scores, its negative scores'
magnitudes (reputation), a post's amounts, what a settlement leaves a Datanet version's retrieved records."""


def word(value: int) -> bytes:
    """`value` as one unsigned 32-byte word; raises OverflowError outside [0, 2^256)."""
    return value.to_bytes(32, "big")


def address_word(address: Address) -> bytes:
    """An address left-padded to one word."""
    return bytes(12) + address


def tree_depth(count: int) -> int:
    """Depth of a tree of `count` leaves padded to a power of two; a tree has at least two leaves."""
    return max(1, (count - 1).bit_length())


# --- Plain Merkle trees -----------------------------------------------------------------------------------


def leaf_hash(content: bytes) -> Hash32:
    """Hash of a leaf's content, apart from every inner node."""
    return keccak256(LEAF + content)


def node_hash(left: Hash32, right: Hash32) -> Hash32:
    """Hash of an inner node of a plain tree."""
    return keccak256(NODE + left + right)


def merkle_layers(leaves: Sequence[Hash32]) -> list[list[Hash32]]:
    """All layers of the padded tree, leaves first and the root alone last."""
    layers = [[*leaves, *[EMPTY_NODE] * ((1 << tree_depth(len(leaves))) - len(leaves))]]
    while len(layers[-1]) > 1:
        below = layers[-1]
        layers.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return layers


def merkle_root(leaves: Sequence[Hash32]) -> Hash32:
    """Root over `leaves`, padded with `EMPTY_NODE`."""
    return merkle_layers(leaves)[-1][0]


def merkle_proof(layers: Sequence[Sequence[Hash32]], index: int) -> list[Hash32]:
    """Siblings of leaf `index`, from the bottom up."""
    return [layer[(index >> level) ^ 1] for level, layer in enumerate(layers[:-1])]


def merkle_root_from_proof(leaf: Hash32, index: int, proof: Sequence[Hash32]) -> Hash32:
    """The root that `proof` gives for `leaf` at `index`; the caller compares it and the proof's length."""
    node = leaf
    for level, sibling in enumerate(proof):
        node = node_hash(sibling, node) if (index >> level) & 1 else node_hash(node, sibling)
    return node


# --- Vectors ----------------------------------------------------------------------------------------------


def pack_vector(values: Sequence[int], coordinate_bytes: int) -> bytes:
    """Two's-complement big-endian coordinates in order; raises OverflowError when one is too wide."""
    return b"".join(int(value).to_bytes(coordinate_bytes, "big", signed=True) for value in values)


def unpack_vector(data: bytes, coordinate_bytes: int) -> list[int]:
    """The inverse of `pack_vector`; raises ValueError for a length that is not whole coordinates."""
    if len(data) % coordinate_bytes:
        raise ValueError(f"{len(data)} bytes are not a whole number of {coordinate_bytes}-byte coordinates")
    return [
        int.from_bytes(data[i : i + coordinate_bytes], "big", signed=True)
        for i in range(0, len(data), coordinate_bytes)
    ]


def vector_root(data: bytes, coordinate_bytes: int) -> Hash32:
    """Root of a packed vector: a tree over its 1,024-coordinate chunks; one chunk is its own root."""
    size = CHUNK_COORDINATES * coordinate_bytes
    chunks = [leaf_hash(data[i : i + size]) for i in range(0, len(data), size)] or [leaf_hash(b"")]
    return chunks[0] if len(chunks) == 1 else merkle_root(chunks)


# --- Merkle-sum trees -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SumNode:
    """A subtree's hash and the sum of its leaves' amounts."""

    hash: Hash32
    sum: int


EMPTY_SUM_NODE = SumNode(EMPTY_NODE, 0)


def sum_tree_id(kind: int, chain_id: int, precompile: Address, *parts: int) -> Hash32:
    """Names one Merkle-sum tree, so that a leaf can never be replayed in another one.

    `parts` are, for receipts, the channel id; for scores and debts, feature index id, settlement id and the
    poster's address as a number; for amounts, feature index id, first settlement id and poster; for
    retrieval, channel id, first receipt, receipt count, Datanet id and version.
    """
    return keccak256(word(kind) + word(chain_id) + address_word(precompile) + b"".join(map(word, parts)))


def sum_leaf(tree_id: Hash32, index: int, key: bytes, amount: int) -> SumNode:
    """Leaf `keccak(0x00 ‖ tree id ‖ index ‖ key ‖ amount)`; `key` is an address word or a receipt's hash."""
    return SumNode(keccak256(LEAF + tree_id + word(index) + key + word(amount)), amount)


def sum_node(left: SumNode, right: SumNode) -> SumNode:
    """Node `keccak(0x01 ‖ L ‖ sumL ‖ R ‖ sumR)`."""
    packed = NODE + left.hash + word(left.sum) + right.hash + word(right.sum)
    return SumNode(keccak256(packed), left.sum + right.sum)


def sum_tree_layers(leaves: Sequence[SumNode]) -> list[list[SumNode]]:
    """All layers of the padded Merkle-sum tree, leaves first and the root alone last."""
    layers = [[*leaves, *[EMPTY_SUM_NODE] * ((1 << tree_depth(len(leaves))) - len(leaves))]]
    while len(layers[-1]) > 1:
        below = layers[-1]
        layers.append([sum_node(below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return layers


def sum_tree_root(leaves: Sequence[SumNode]) -> SumNode:
    """Root and total of the padded Merkle-sum tree over `leaves`."""
    return sum_tree_layers(leaves)[-1][0]


def sum_proof(layers: Sequence[Sequence[SumNode]], index: int) -> list[SumNode]:
    """Siblings of leaf `index`, from the bottom up."""
    return [layer[(index >> level) ^ 1] for level, layer in enumerate(layers[:-1])]


def sum_root_from_proof(leaf: SumNode, index: int, proof: Sequence[SumNode]) -> SumNode:
    """The root and total that `proof` gives for `leaf` at `index`; raises OverflowError past 2^256."""
    node = leaf
    for level, sibling in enumerate(proof):
        node = sum_node(sibling, node) if (index >> level) & 1 else sum_node(node, sibling)
    return node


# --- Leaves -----------------------------------------------------------------------------------------------


def record_leaf(
    *,
    chain_id: int,
    datanet_id: int,
    index: int,
    content_hash: Hash32,
    sketch: bytes,
    contributor: Address,
    parents: Sequence[Hash32],
) -> Hash32:
    """Leaf of one record in its contribution's tree.

    `index` counts within the contribution; `sketch` is the packed integer sketch (int8 for vectors);
    `parents` name the records this one was derived from (`genesis.parents`).
    """
    return record_leaf_of_hashes(
        chain_id=chain_id,
        datanet_id=datanet_id,
        index=index,
        content_hash=content_hash,
        sketch_hash=keccak256(sketch),
        contributor=contributor,
        parents_hash=keccak256(b"".join(parents)),
    )


def record_leaf_of_hashes(
    *,
    chain_id: int,
    datanet_id: int,
    index: int,
    content_hash: Hash32,
    sketch_hash: Hash32,
    contributor: Address,
    parents_hash: Hash32,
) -> Hash32:
    """The same leaf by the hashes of sketch and parents."""
    return leaf_hash(
        word(chain_id)
        + word(datanet_id)
        + word(index)
        + content_hash
        + sketch_hash
        + address_word(contributor)
        + parents_hash
    )


def contribution_leaf(
    *,
    contribution_id: int,
    contributor: Address,
    root: Hash32,
    records: int,
    first_record: int,
    commit_block: int,
) -> Hash32:
    """Leaf of one accepted contribution in its Datanet's append-only tree; a version freezes that tree.

    `first_record` is the number of records accepted before it, so record `i` of the contribution is record
    `first_record + i` of the version. `commit_block` is its priority among near-duplicates.
    """
    return leaf_hash(
        word(contribution_id)
        + address_word(contributor)
        + root
        + word(records)
        + word(first_record)
        + word(commit_block)
    )


def row_leaf(
    *, index: int, canonical_index: int, contributor_index: int, exponent: int, row_root: Hash32
) -> Hash32:
    """Leaf of one feature row: record `index` of the version, `Φ = m·2^exponent`, `row_root` over int8 `m`.

    `canonical_index` equals `index` for a canonical record and names the record it duplicates otherwise.
    """
    return leaf_hash(
        word(index) + word(canonical_index) + word(contributor_index) + word(exponent) + row_root
    )


def contributor_sum_leaf(
    *, index: int, contributor: Address, records: int, norm_squared: int, vector_root: Hash32
) -> Hash32:
    """Leaf of one contributor's exact sum `v_c` (int64) over `records` canonical records."""
    return leaf_hash(
        word(index) + address_word(contributor) + word(records) + word(norm_squared) + vector_root
    )


def receipt_hash(
    *,
    channel_id: Hash32,
    number: int,
    prompt_hash: Hash32,
    output_hash: Hash32,
    tokens_in: int,
    tokens_out: int,
    fee_wei: int,
) -> Hash32:
    """What a receipt says; `prompt_hash` and `output_hash` are salted. Numbers count from 0 in a channel."""
    return keccak256(
        channel_id
        + word(number)
        + prompt_hash
        + output_hash
        + word(tokens_in)
        + word(tokens_out)
        + word(fee_wei)
    )


def query_leaf(*, number: int, weight: int, query_root: Hash32) -> Hash32:
    """Leaf of one receipt's int16 query with its fee weight; `number` is the receipt's."""
    return leaf_hash(word(number) + word(weight) + query_root)
