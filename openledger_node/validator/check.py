"""Whether an attribution post is right: everything published held against the chain, then recomputed.

Pure: no I/O, no torch, no floats; scores by the law's own function over plain integers.

Order: (1) what is published must hash to what is committed: contributor sums, queries, receipts, the posted
leaves; (2) every amount follows from the posted scores; (3) every score; (4) weights and the batch query
follow from receipts and queries. The first wrong amount, else the first wrong score, else the first wrong
debt is the verdict: one is enough to void a post, and an amount costs least to prove, however wide the index.

Covered: wrong, left-out, misplaced and surplus leaves of scores, debts and amounts; wrong batch queries and
queries beyond their norm. Not covered, and said by
the verdict `Unprovable`: withheld or misfitting documents; wrong weights, which only who has the receipt's
contents can prove.
"""

from collections.abc import Sequence

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    KIND_AMOUNTS,
    KIND_DEBTS,
    KIND_RECEIPTS,
    KIND_SCORES,
    MAX_NORM_SQUARED,
    QUERY_BYTES,
    SUM_BYTES,
    SumNode,
    merkle_root,
    pack_vector,
    query_leaf,
    sum_leaf,
    sum_tree_id,
    vector_root,
)
from genesis.shares import pool_amount, query_weight
from genesis.types import Hash32
from openledger_node.validator.leaves import (
    NOBODY,
    amount_leaves,
    debt_leaves,
    expected_leaf,
    leaf_evidence,
    padded,
    root_of,
    score_evidence,
    score_leaves,
    sum_evidence,
    sum_leaves,
    tree_id,
    value_at,
)
from openledger_node.validator.records import (
    Batch,
    ContributorSum,
    LongQuery,
    PostInputs,
    Right,
    Unprovable,
    Verdict,
    WrongAmount,
    WrongQuery,
    WrongScore,
)
from precompiles.scores import ScoreInputs, negative_score, positive_score
from precompiles.views.attribution import SumEvidence


def check_post(inputs: PostInputs) -> Verdict:
    """The verdict on one post."""
    reason = _misfit(inputs)
    if reason:
        return Unprovable(reason)
    wrong_amount = _first_wrong_amount(inputs)
    if wrong_amount is not None:
        return wrong_amount
    for is_debt in (False, True):
        for number in range(len(inputs.batches)):
            wrong_score = _first_wrong_score(inputs, number, is_debt=is_debt)
            if wrong_score is not None:
                return wrong_score
    return _wrong_batch(inputs) or Right()


# --- (1) What is published fits what is committed ---------------------------------------------------------


def _misfit(inputs: PostInputs) -> str:
    """Why nothing can be proved, or "" when everything needed for a proof is at hand."""
    index = inputs.index
    if len(inputs.sums) != index.contributors:
        return "the index document lists another number of contributors"
    if merkle_root(sum_leaves(inputs.sums)) != index.sums_root:
        return "the published contributor sums are not the committed ones"
    if any(len(each.vector) != index.dimensions * SUM_BYTES for each in inputs.sums):
        return "a contributor's sum has another dimension than the index"
    for number, batch in enumerate(inputs.batches):
        packed = pack_vector(batch.posted_query, BATCH_QUERY_BYTES)
        if len(batch.posted_query) != index.dimensions:
            return f"the published query of batch {number} has another dimension than the index"
        if vector_root(packed, BATCH_QUERY_BYTES) != batch.claim.query_root:
            return f"the published query of batch {number} is not the posted one"
        if root_of(score_leaves(inputs, number)) != SumNode(batch.claim.scores_root, batch.claim.score_sum):
            return f"the published scores of batch {number} are not the posted ones"
        if root_of(debt_leaves(inputs, number)) != SumNode(batch.claim.debts_root, batch.claim.debt_sum):
            return f"the published debts of batch {number} are not the posted ones"
    if root_of(amount_leaves(inputs)) != SumNode(inputs.post.amounts_root, inputs.post.amount_sum_wei):
        return "the published amounts are not the posted ones"
    return ""


def _wrong_batch(inputs: PostInputs) -> WrongQuery | LongQuery | Unprovable | None:
    """What is wrong besides scores, debts and amounts: the queries they were made from."""
    for number, batch in enumerate(inputs.batches):
        reason = _misfit_queries(batch, inputs.chain_id)
        if reason:
            return Unprovable(f"batch {number}: {reason}")
        for place, query in enumerate(batch.queries):
            if sum(value * value for value in query.vector) > MAX_NORM_SQUARED:
                return LongQuery(number, place)
        computed = batch_query([q.vector for q in batch.queries], [q.weight for q in batch.queries])
        for coordinate, (posted, right) in enumerate(zip(batch.posted_query, computed, strict=True)):
            if posted != right:
                return WrongQuery(number, coordinate, posted, right)
        if not _are_weights_right(batch):
            return Unprovable(f"batch {number}: a query has another number or weight than its receipt")
    return None


def _misfit_queries(batch: Batch, chain_id: int) -> str:
    leaves = [
        query_leaf(
            number=query.number,
            weight=query.weight,
            query_root=vector_root(pack_vector(query.vector, QUERY_BYTES), QUERY_BYTES),
        )
        for query in batch.queries
    ]
    if not leaves or merkle_root(leaves) != batch.settlement.queries_root:
        return "the published queries are not the committed ones"
    if any(len(query.vector) != len(batch.posted_query) for query in batch.queries):
        return "a query has another dimension than the index"
    if _receipts_root(batch, chain_id) != batch.settlement.receipts_root:
        return "the published receipts are not the settled ones"
    return ""


def _are_weights_right(batch: Batch) -> bool:
    settlement = batch.settlement
    numbers = range(settlement.first_receipt, settlement.first_receipt + settlement.receipts)
    fees = [receipt.fee_wei for receipt in batch.receipts[numbers.start : numbers.stop]]
    weights = [query_weight(fee, batch.policy.platform_ppm) for fee in fees]
    return [(q.number, q.weight) for q in batch.queries] == list(zip(numbers, weights, strict=True))


def _receipts_root(batch: Batch, chain_id: int) -> Hash32:
    channel = int.from_bytes(batch.settlement.channel_id, "big")
    tree = sum_tree_id(KIND_RECEIPTS, chain_id, INFERENCE_METERING, channel)
    leaves = [sum_leaf(tree, i, r.receipt_hash, r.fee_wei) for i, r in enumerate(batch.receipts)]
    return root_of(leaves).hash


# --- (2) to (4): recomputing ------------------------------------------------------------------------------


def batch_query(vectors: Sequence[Sequence[int]], weights: Sequence[int]) -> tuple[int, ...]:
    """`Q = Σ w·q`, exact."""
    return tuple(
        sum(weight * value for weight, value in zip(weights, coordinate, strict=True))
        for coordinate in zip(*vectors, strict=True)
    )


def true_scores(inputs: PostInputs, number: int) -> list[int]:
    """Significant signed scores of one batch in index order, from the posted query."""
    query = pack_vector(inputs.batches[number].posted_query, BATCH_QUERY_BYTES)
    return [
        (_part(each, query, inputs, number) or 0) - (_part(each, query, inputs, number, is_debt=True) or 0)
        for each in inputs.sums
    ]


def _part(
    each: ContributorSum, query: bytes, inputs: PostInputs, number: int, *, is_debt: bool = False
) -> int | None:
    """The law's own score or debt; None when the query is beyond its width."""
    part = negative_score if is_debt else positive_score
    scored = ScoreInputs(each.vector, each.norm_squared, query)
    return part(scored, inputs.index.dimensions, inputs.batches[number].policy.significance_ppm)


def _first_wrong_score(inputs: PostInputs, number: int, *, is_debt: bool) -> WrongScore | None:
    """The first wrong leaf of a batch's scores, or of its debts."""
    batch = inputs.batches[number]
    query = pack_vector(batch.posted_query, BATCH_QUERY_BYTES)
    tree = tree_id(inputs, KIND_DEBTS if is_debt else KIND_SCORES, batch.claim.settlement_id)
    leaves = debt_leaves(inputs, number) if is_debt else score_leaves(inputs, number)
    posted = padded(leaves, inputs.index.contributors)
    for place, node in enumerate(posted):
        known = place < len(inputs.sums)
        computed = _part(inputs.sums[place], query, inputs, number, is_debt=is_debt) if known else 0
        contributor = inputs.sums[place].contributor if known else NOBODY
        if computed is not None and node == expected_leaf(tree, place, contributor, computed):
            continue
        score = value_at(batch.scores, place)
        return WrongScore(
            batch=number,
            contributor_index=place,
            contributor=contributor,
            posted=node.sum,
            computed=computed or 0,
            sum=sum_evidence(inputs.sums, place) if known else SumEvidence(0, 0, b"", ()),
            query=query,
            leaf=leaf_evidence(inputs, posted, place, max(0, -score if is_debt else score)),
            is_debt=is_debt,
        )
    return None


def _first_wrong_amount(inputs: PostInputs) -> WrongAmount | None:
    """The first amount that does not follow from the posted scores, where those can be shown."""
    tree = tree_id(inputs, KIND_AMOUNTS, inputs.batches[0].claim.settlement_id)
    posted = padded(amount_leaves(inputs), inputs.index.contributors)
    for place, node in enumerate(posted):
        known = place < len(inputs.sums)
        if known and not _has_scores(inputs, place):
            continue
        computed = true_amount(inputs, place) if known else 0
        contributor = inputs.sums[place].contributor if known else NOBODY
        if node == expected_leaf(tree, place, contributor, computed):
            continue
        return WrongAmount(
            contributor_index=place,
            contributor=contributor,
            posted=node.sum,
            computed=computed,
            scores=score_evidence(inputs, place) if known else (),
            leaf=leaf_evidence(inputs, posted, place, value_at(inputs.posted_amounts, place)),
        )
    return None


def _has_scores(inputs: PostInputs, place: int) -> bool:
    """Whether a contributor's posted scores have its name: an amount is proved wrong by showing them."""
    who = inputs.posted_contributors
    is_named = place < len(who) and who[place] == inputs.sums[place].contributor
    return is_named and all(place < len(batch.scores) for batch in inputs.batches)


def true_amount(inputs: PostInputs, place: int) -> int:
    """`Σ_b floor(pool_b · score_b / S_b)` from the posted scores; carry in the first."""
    total_wei, extra_wei = 0, inputs.post.carry_in_wei
    for batch in inputs.batches:
        pool_wei = batch.settlement.pool_wei + extra_wei
        score = max(0, batch.scores[place])
        total_wei += pool_amount(pool_wei, score, batch.claim.score_sum, batch.policy.maximum_share_ppm)
        extra_wei = 0
    return total_wei
