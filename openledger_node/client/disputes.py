"""What disputes of attribution are shown: chunks of vectors, contents under committed roots, tallies.

Pure. Contents are what `answerDemand` takes; a demand names one by its keccak-256. Formats are
`genesis.commitments`'s.
"""

from collections.abc import Iterable, Iterator, Sequence

from genesis.commitments import (
    BATCH_QUERY_BYTES,
    CHUNK_COORDINATES,
    LEAF,
    NODE,
    QUERY_BYTES,
    SUM_BYTES,
    SumNode,
    address_word,
    leaf_hash,
    merkle_layers,
    sum_tree_layers,
    word,
)
from genesis.types import Address, Hash32
from precompiles.views.disputes import VectorChunk

CHUNKS_AT_ONCE = 4
"""What fits one forced deposit: 24 KiB each."""
SHOWN_AT_ONCE = 48
"""The same: 2 KiB each."""

# --- Vectors ----------------------------------------------------------------------------------------------


def chunks(data: bytes, coordinate_bytes: int) -> list[bytes]:
    """A packed vector in chunks of 1,024 coordinates."""
    size = CHUNK_COORDINATES * coordinate_bytes
    return [data[start : start + size] for start in range(0, len(data), size)]


def vector_chunk(data: bytes, coordinate_bytes: int, coordinate: int) -> VectorChunk:
    """The chunk that holds a coordinate, as `openQueryGame` and its like take it."""
    pieces = chunks(data, coordinate_bytes)
    return VectorChunk(tuple(map(leaf_hash, pieces)), pieces[coordinate // CHUNK_COORDINATES])


def tally_calls(
    vector: bytes, query: bytes, done: int = 0
) -> Iterator[tuple[list[Hash32], list[Hash32], bytes, bytes]]:
    """Arguments of the `tallyProducts` calls that are left when `done` chunks are tallied.

    `vector` is a contributor's sum, `query` a batch query, or empty for the norm alone.
    """
    pieces, asked = chunks(vector, SUM_BYTES), chunks(query, BATCH_QUERY_BYTES)
    hashes = ([leaf_hash(piece) for piece in pieces], [leaf_hash(piece) for piece in asked])
    for start in range(done, len(pieces), CHUNKS_AT_ONCE):
        part = slice(start, start + CHUNKS_AT_ONCE)
        yield (*hashes, b"".join(pieces[part]), b"".join(asked[part]))


def query_calls(query: bytes, done: int = 0) -> Iterator[tuple[list[Hash32], bytes]]:
    """Arguments of the `showQuery` calls that are left when `done` coordinates are shown."""
    pieces = chunks(query, QUERY_BYTES)
    hashes = [leaf_hash(piece) for piece in pieces]
    for start in range(-(-done // CHUNK_COORDINATES), len(pieces), SHOWN_AT_ONCE):
        yield hashes, b"".join(pieces[start : start + SHOWN_AT_ONCE])


# --- Contents under roots ---------------------------------------------------------------------------------


def vector_contents(data: bytes, coordinate_bytes: int) -> Iterator[bytes]:
    """Every content under a vector's root: its chunks and the nodes above them."""
    pieces = [LEAF + piece for piece in chunks(data, coordinate_bytes)]
    yield from pieces
    if len(pieces) > 1:
        yield from _nodes(merkle_layers([leaf_hash(piece[1:]) for piece in pieces]))


def tree_contents(leaves: Sequence[bytes]) -> Iterator[bytes]:
    """Every content under a plain tree's root, given its leaves' contents without their mark."""
    yield from (LEAF + leaf for leaf in leaves)
    yield from _nodes(merkle_layers([leaf_hash(leaf) for leaf in leaves]))


def sum_tree_contents(tree_id: Hash32, leaves: Sequence[tuple[bytes, int]]) -> Iterator[bytes]:
    """Every content under a Merkle-sum tree's root, given keys and amounts in order."""
    contents = [
        LEAF + tree_id + word(place) + key + word(amount) for place, (key, amount) in enumerate(leaves)
    ]
    yield from contents
    nodes = [
        SumNode(leaf_hash(content[1:]), amount) for content, (_, amount) in zip(contents, leaves, strict=True)
    ]
    for layer in sum_tree_layers(nodes)[:-1]:
        for left, right in zip(layer[::2], layer[1::2], strict=True):
            yield NODE + left.hash + word(left.sum) + right.hash + word(right.sum)


def paid_leaves(contributors: Iterable[Address], amounts: Iterable[int]) -> list[tuple[bytes, int]]:
    """Leaves of a post's tree: one per contributor in index order; one that is left out has none."""
    return [(address_word(who), amount) for who, amount in zip(contributors, amounts, strict=False)]


def _nodes(layers: Sequence[Sequence[Hash32]]) -> Iterator[bytes]:
    for layer in layers[:-1]:
        for left, right in zip(layer[::2], layer[1::2], strict=True):
            yield NODE + left + right
