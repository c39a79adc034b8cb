"""Scores and norms of vectors that do not fit one transaction: their products are tallied chunk by chunk.

A tally is a fact about two committed vectors, whoever adds to it: `v · Q`, `‖v‖²` and `‖Q‖²` over the chunks
shown so far, in order. When it is whole, one more transaction convicts by it. Without a query it is the norm
alone. Chunks have 1,024 coordinates, and a transaction holds four of them.

Covered: scores, debts and norms of up to 65,536 coordinates.
Source: protocol, section 3 "Challenges" (a score or amount of a contributor is wrong).
"""

from collections.abc import Sequence
from operator import mul

from genesis.commitments import (
    BATCH_QUERY_BYTES,
    CHUNK_COORDINATES,
    KIND_DEBTS,
    KIND_SCORES,
    SUM_BYTES,
    address_word,
    leaf_hash,
    sum_leaf,
    unpack_vector,
)
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles import gas
from precompiles.abi import TWO_256
from precompiles.attribution_evidence import (
    batch_policy,
    batch_tree,
    challenged_post,
    check_wide_sum,
    chunks_root,
    posted_node,
)
from precompiles.attribution_indexes import challenged_index, convict_index
from precompiles.attribution_interface import CHALLENGE_FAILED, INVALID_PROOF, TALLIED, Batches
from precompiles.attribution_verdict import convict
from precompiles.checks import require
from precompiles.host import Host
from precompiles.scores import MAXIMUM_QUERY_NORM_SQUARED, Products, significant_part
from precompiles.slots import update_struct
from precompiles.views import disputes, models
from precompiles.views.attribution import SumLeaf
from precompiles.views.disputes import Tally, WideSum

MAXIMUM_CHUNKS = 64
TOO_LONG = MAXIMUM_QUERY_NORM_SQUARED + 1
Chunks = Sequence[Hash32]


def tally_products(
    host: Host, vector_chunks: Chunks, query_chunks: Chunks, vector: bytes, query: bytes
) -> None:
    """Add the next chunks of a sum and of a batch query, or of the sum alone, to their tally."""
    coordinates = len(vector) // SUM_BYTES
    gas.charge(host, gas.ATTRIBUTION["tallyProducts"], coordinates, len(vector_chunks) + len(query_chunks))
    require(0 < len(vector_chunks) <= MAXIMUM_CHUNKS, "vectorChunks")
    has_query = len(query_chunks) > 0
    require(not has_query or len(query_chunks) == len(vector_chunks), "queryChunks")
    require(len(vector) > 0 and len(vector) % SUM_BYTES == 0, "vector")
    require(len(query) == (coordinates * BATCH_QUERY_BYTES if has_query else 0), "query")
    vector_root = chunks_root(vector_chunks)
    query_root = chunks_root(query_chunks) if has_query else ZERO_HASH
    before = disputes.tally(host, vector_root, query_root)
    added = -(-coordinates // CHUNK_COORDINATES)
    end = before.chunks + added
    is_whole = coordinates % CHUNK_COORDINATES == 0
    require(end <= len(vector_chunks) and (is_whole or end == len(vector_chunks)), "chunks")
    check_pieces(vector_chunks, before.chunks, vector, SUM_BYTES, b"vector")
    if has_query:
        check_pieces(query_chunks, before.chunks, query, BATCH_QUERY_BYTES, b"query")
    after = _added(before, vector, query, added)
    slot = disputes.tally_slot(vector_root, query_root)
    update_struct(host, slot, disputes.TALLY, before, after)
    TALLIED.emit(host, vector_root, query_root, after.chunks, after.coordinates)


def challenge_wide_score(  # noqa: PLR0917 - the method's arguments
    host: Host,
    post_id: int,
    salt: Hash32,
    batches: Batches,
    batch: int,
    contributor_index: int,
    contributor: Address,
    evidence: WideSum,
    posted_leaf: SumLeaf,
    is_debt: bool,
) -> None:
    """Prove by a whole tally that a posted score, or debt, is not the positive, or negative, part of
    `v_c · Q_b`."""
    hashes = len(evidence.proof) + 2 * len(posted_leaf.siblings)
    gas.charge(host, gas.ATTRIBUTION["challengeWideScore"], len(batches), hashes)
    posted = challenged_post(host, post_id, salt, batches)
    require(batch < len(batches), "batch")
    claimed = batches[batch]
    index = models.feature_index(host, posted.feature_index)
    require(contributor_index < index.contributors, "contributorIndex")
    tree = batch_tree(host, posted, index, claimed, KIND_DEBTS if is_debt else KIND_SCORES)
    node = posted_node(tree, contributor_index, posted_leaf, "score")
    check_wide_sum(index, contributor_index, contributor, evidence)
    tally = whole_tally(host, evidence.vector_root, claimed.query_root, index.dimensions)
    products = Products(signed(tally.product), tally.query_norm_squared)
    z_squared_ppm = batch_policy(host, claimed, "significance_ppm")
    sign = -1 if is_debt else 1
    computed = significant_part(products, evidence.norm_squared, index.dimensions, z_squared_ppm, sign)
    expected = sum_leaf(tree.id, contributor_index, address_word(contributor), computed or 0)
    if computed is not None and node == expected:
        raise CHALLENGE_FAILED(node.sum, computed)
    convict(host, post_id, posted)


def challenge_wide_norm(  # noqa: PLR0917 - the method's arguments
    host: Host,
    index_id: int,
    salt: Hash32,
    contributor_index: int,
    contributor: Address,
    evidence: WideSum,
) -> None:
    """Prove by a whole tally that a contributor's committed squared norm is not that of its sum."""
    gas.charge(host, gas.ATTRIBUTION["challengeWideNorm"], len(evidence.proof))
    index = challenged_index(host, index_id, salt)
    require(contributor_index < index.contributors, "contributorIndex")
    check_wide_sum(index, contributor_index, contributor, evidence)
    computed = whole_tally(host, evidence.vector_root, ZERO_HASH, index.dimensions).vector_norm_squared
    if computed == evidence.norm_squared:
        raise CHALLENGE_FAILED(evidence.norm_squared, computed)
    convict_index(host, index_id, index)


def get_tally(host: Host, vector_root: Hash32, query_root: Hash32) -> Tally:
    """What was tallied of two vectors so far; with query root 0 of one vector's norm."""
    gas.charge(host, gas.ATTRIBUTION["getTally"])
    return disputes.tally(host, vector_root, query_root)


def whole_tally(host: Host, vector_root: Hash32, query_root: Hash32, dimensions: int) -> Tally:
    """The tally of two vectors of so many coordinates, or a revert while it is not whole."""
    found = disputes.tally(host, vector_root, query_root)
    if found.coordinates != dimensions:
        raise INVALID_PROOF(b"tally")
    return found


def signed(word: int) -> int:
    """A word as two's complement."""
    return word - TWO_256 if word >= TWO_256 // 2 else word


def check_pieces(chunks: Chunks, first: int, data: bytes, coordinate_bytes: int, what: bytes) -> None:
    """`data` is the content of consecutive chunks from `first` on."""
    size = CHUNK_COORDINATES * coordinate_bytes
    for place, start in enumerate(range(0, len(data), size), first):
        if leaf_hash(data[start : start + size]) != chunks[place]:
            raise INVALID_PROOF(what)


def _added(before: Tally, vector: bytes, query: bytes, chunks: int) -> Tally:
    values = unpack_vector(vector, SUM_BYTES)
    queries = unpack_vector(query, BATCH_QUERY_BYTES)
    norm_squared = before.query_norm_squared + sum(map(mul, queries, queries))
    is_too_long = norm_squared > MAXIMUM_QUERY_NORM_SQUARED
    product = (before.product + sum(map(mul, values, queries))) % TWO_256
    return Tally(
        before.chunks + chunks,
        before.coordinates + len(values),
        0 if is_too_long else product,
        before.vector_norm_squared + sum(map(mul, values, values)),
        TOO_LONG if is_too_long else norm_squared,
    )
