"""What a challenge must show before it is judged: its commitment, the posted leaf, the committed vectors.

Source: protocol, section 3 "Challenges"; formats: `genesis.commitments`.
"""

from collections.abc import Sequence

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    CHUNK_COORDINATES,
    KIND_DEBTS,
    KIND_RECEIPTS,
    KIND_SCORES,
    SUM_BYTES,
    SumNode,
    address_word,
    contributor_sum_leaf,
    leaf_hash,
    merkle_root,
    merkle_root_from_proof,
    query_leaf,
    receipt_hash,
    sum_leaf,
    sum_tree_id,
    tree_depth,
    vector_root,
    word,
)
from genesis.keccak import keccak256
from genesis.shares import pool_amount
from genesis.types import Address, Hash32
from precompiles.attribution_interface import (
    COMMITMENT_NOT_FOUND,
    INVALID_PROOF,
    WINDOW_CLOSED,
    WRONG_STATUS,
    Batches,
    SumTree,
    batches_hash,
    existing_post,
    sum_root,
)
from precompiles.checks import require
from precompiles.host import Host
from precompiles.scores import MAXIMUM_DIMENSIONS_ON_CHAIN
from precompiles.slots import hash_word
from precompiles.views import attribution as view
from precompiles.views import metering, policy
from precompiles.views.attribution import BatchClaim, Post, SumEvidence, SumLeaf
from precompiles.views.disputes import QueryLeaf, ReceiptEvidence, VectorChunk, WideSum
from precompiles.views.metering import Settlement
from precompiles.views.models import FeatureIndex


def challenged_post(host: Host, post_id: int, salt: Hash32, batches: Batches) -> Post:
    """The post, if the caller has an open commitment on it and `batches` are what it claimed."""
    posted = existing_post(host, post_id)
    if posted.status == view.FINAL:
        raise WRONG_STATUS(posted.status)
    own = view.commitment(host, post_id, host.caller)
    opened = keccak256(word(post_id) + address_word(host.caller) + salt)
    if own.hash != opened or own.used != 0:
        raise COMMITMENT_NOT_FOUND()
    if host.timestamp_s > own.reveal_until_s:
        raise WINDOW_CLOSED(own.reveal_until_s)
    if batches_hash(batches) != posted.batches_hash:
        raise INVALID_PROOF(b"batches")
    return posted


def posted_node(tree: SumTree, position: int, leaf: SumLeaf, what: str) -> SumNode:
    """The node posted at `position`, given opened or bare; reverts unless it leads to the tree's root."""
    require(position < 1 << tree_depth(tree.leaves), "contributorIndex")
    for node in (sum_leaf(tree.id, position, leaf.key, leaf.amount), SumNode(leaf.key, leaf.amount)):
        if tree.contains(node, position, leaf.siblings, leaf.sibling_sums):
            return node
    raise INVALID_PROOF(what.encode())


def check_sum(index: FeatureIndex, position: int, contributor: Address, evidence: SumEvidence) -> None:
    """The contributor's sum has the index's dimensions and is the committed one."""
    require(index.dimensions <= MAXIMUM_DIMENSIONS_ON_CHAIN, "dimensions")
    require(len(evidence.vector) == index.dimensions * SUM_BYTES, "vector")
    root = vector_root(evidence.vector, SUM_BYTES)
    wide = WideSum(evidence.records, evidence.norm_squared, root, evidence.proof)
    check_wide_sum(index, position, contributor, wide)


def check_query(index: FeatureIndex, query: bytes, claimed: BatchClaim) -> None:
    """The batch query has the index's dimensions and is the committed one."""
    require(len(query) == index.dimensions * BATCH_QUERY_BYTES, "query")
    if vector_root(query, BATCH_QUERY_BYTES) != claimed.query_root:
        raise INVALID_PROOF(b"query")


def check_opened_score(tree: SumTree, position: int, contributor: Address, leaf: SumLeaf) -> None:
    """The batch's posted score leaf at `position` is the contributor's and has this amount."""
    key = address_word(contributor)
    opened = sum_leaf(tree.id, position, key, leaf.amount)
    is_posted = tree.contains(opened, position, leaf.siblings, leaf.sibling_sums)
    if leaf.key != key or not is_posted:
        raise INVALID_PROOF(b"score")


def amount_of(host: Host, posted: Post, batches: Batches, scores: Sequence[SumLeaf]) -> int:
    """`Σ_b floor(pool_b · score_b / S_b)`, each at most its capped share; the carry is in the first pool."""
    total_wei = 0
    extra_wei = posted.carry_in_wei
    for claimed, leaf in zip(batches, scores, strict=True):
        pool_wei = metering.settlement(host, claimed.settlement_id).pool_wei + extra_wei
        maximum_share_ppm = batch_policy(host, claimed, "maximum_share_ppm")
        total_wei += pool_amount(pool_wei, leaf.amount, claimed.score_sum, maximum_share_ppm)
        extra_wei = 0
    return total_wei


def batch_policy(host: Host, claimed: BatchClaim, name: str) -> int:
    """A parameter of the policy that the batch's channel pinned."""
    version = metering.settlement(host, claimed.settlement_id).policy_version
    return policy.parameter(host, version, name)


def batch_tree(
    host: Host, posted: Post, index: FeatureIndex, claimed: BatchClaim, kind: int = KIND_SCORES
) -> SumTree:
    """The batch's posted tree of positive scores, or with `KIND_DEBTS` of negative ones' magnitudes."""
    parts = (posted.feature_index, claimed.settlement_id, hash_word(posted.signer))
    tree_id = sum_tree_id(kind, host.chain_id, ATTRIBUTION, *parts)
    if kind == KIND_DEBTS:
        return SumTree(tree_id, index.contributors, SumNode(claimed.debts_root, claimed.debt_sum))
    return SumTree(tree_id, index.contributors, SumNode(claimed.scores_root, claimed.score_sum))


# --- Wide vectors, queries, receipts ----------------------------------------------------------------------


def check_wide_sum(index: FeatureIndex, position: int, contributor: Address, evidence: WideSum) -> None:
    """The contributor's sum, by the root of its vector, is the committed one."""
    leaf = contributor_sum_leaf(
        index=position,
        contributor=contributor,
        records=evidence.records,
        norm_squared=evidence.norm_squared,
        vector_root=evidence.vector_root,
    )
    is_whole_path = len(evidence.proof) == tree_depth(index.contributors)
    if not is_whole_path or merkle_root_from_proof(leaf, position, evidence.proof) != index.sums_root:
        raise INVALID_PROOF(b"sum")


def check_chunk(
    index: FeatureIndex, root: Hash32, coordinate: int, evidence: VectorChunk, coordinate_bytes: int
) -> None:
    """The chunk holds `coordinate` of the committed vector of the index's width under `root`."""
    count = -(-index.dimensions // CHUNK_COORDINATES)
    require(len(evidence.chunks) == count, "chunks")
    place = coordinate // CHUNK_COORDINATES
    width = min(CHUNK_COORDINATES, index.dimensions - place * CHUNK_COORDINATES)
    require(len(evidence.chunk) == width * coordinate_bytes, "chunk")
    is_there = evidence.chunks[place] == leaf_hash(evidence.chunk)
    if not is_there or chunks_root(evidence.chunks) != root:
        raise INVALID_PROOF(b"chunk")


def chunks_root(chunks: Sequence[Hash32]) -> Hash32:
    """A vector's root by the hashes of its chunks; one chunk is its own root."""
    return chunks[0] if len(chunks) == 1 else merkle_root(chunks)


def check_query_leaf(settlement: Settlement, leaf: QueryLeaf) -> None:
    """The query is the one its provider committed for that receipt of the settlement."""
    require(0 <= leaf.number - settlement.first_receipt < settlement.receipts, "number")
    position = leaf.number - settlement.first_receipt
    node = query_leaf(number=leaf.number, weight=leaf.weight, query_root=leaf.query_root)
    is_whole_path = len(leaf.proof) == tree_depth(settlement.receipts)
    if not is_whole_path or merkle_root_from_proof(node, position, leaf.proof) != settlement.queries_root:
        raise INVALID_PROOF(b"query")


def check_receipt(host: Host, settlement: Settlement, receipt: ReceiptEvidence) -> None:
    """The receipt is one of those the settlement took, under its receipts' root."""
    require(0 <= receipt.number - settlement.first_receipt < settlement.receipts, "number")
    tree_id = sum_tree_id(KIND_RECEIPTS, host.chain_id, INFERENCE_METERING, hash_word(settlement.channel_id))
    key = receipt_hash(
        channel_id=settlement.channel_id,
        number=receipt.number,
        prompt_hash=receipt.prompt_hash,
        output_hash=receipt.output_hash,
        tokens_in=receipt.tokens_in,
        tokens_out=receipt.tokens_out,
        fee_wei=receipt.fee_wei,
    )
    leaf = sum_leaf(tree_id, receipt.number, key, receipt.amount_wei)
    leaves = settlement.first_receipt + settlement.receipts
    root = sum_root(leaf, receipt.number, leaves, receipt.siblings, receipt.sibling_sums)
    if root is None or root.hash != settlement.receipts_root:
        raise INVALID_PROOF(b"receipt")
