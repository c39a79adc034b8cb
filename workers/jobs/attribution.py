"""Job `attribution`: settled batches to scores, amounts, trees and a post document. Exact integers, no torch.

A validator calls it with a post's own parameters and compares (`workers.attribution.post.differences`).
"""

from workers.artifacts.store import ArtifactStore
from workers.attribution.index import FeatureIndex, read_index
from workers.attribution.post import Post, PostBatch, encode_post
from workers.attribution.queries import read_queries
from workers.attribution.scoring import batch_scores
from workers.errors import InvalidInputError
from workers.progress import Progress, silent
from workers.protocol import (
    AttributionRequest,
    AttributionResult,
    BigInt,
    ContributorPayout,
    SettledBatch,
)


def attribution(
    store: ArtifactStore, request: AttributionRequest, progress: Progress = silent
) -> AttributionResult:
    """Score every contributor on every batch and split the pools."""
    index = read_index(store, request.index)
    post = compute_post(store, index, request, progress)
    return result_of(post, index, store)


def compute_post(
    store: ArtifactStore, index: FeatureIndex, request: AttributionRequest, progress: Progress = silent
) -> Post:
    """The right post for a request; raises InvalidInputError, ArtifactError."""
    if not request.batches:
        raise InvalidInputError("a post covers at least one settlement")
    batches = []
    for number, batch in enumerate(request.batches):
        batches.append(_score_batch(store, index, batch, request.significance_ppm))
        progress((number + 1) / len(request.batches), f"settlement {batch.settlement_id} scored")
    return Post(
        index=request.index,
        chain_id=request.chain_id,
        feature_index_id=request.feature_index_id,
        poster=request.poster,
        maximum_share_ppm=request.maximum_share_ppm,
        contributors=index.sums.contributors,
        batches=tuple(batches),
    )


def _score_batch(
    store: ArtifactStore, index: FeatureIndex, batch: SettledBatch, significance_ppm: int
) -> PostBatch:
    query = read_queries(store, batch.queries).batch_query()
    return PostBatch(
        settlement_id=batch.settlement_id,
        pool_wei=batch.pool_wei,
        queries=batch.queries,
        query=tuple(query),
        scores=tuple(batch_scores(index, query, significance_ppm)),
    )


def result_of(post: Post, index: FeatureIndex, store: ArtifactStore) -> AttributionResult:
    """Keep the document and sum up a post, right or wrong."""
    amounts = post.amounts()
    root = post.amounts_tree().root()
    return AttributionResult(
        post=store.put(encode_post(post)),
        batches=post.claims(),
        amounts_root=root.hash,
        amount_sum=BigInt(root.sum),
        contributors=tuple(
            ContributorPayout(
                index=position,
                contributor=contributor,
                records=index.sums.records[position],
                canonical_records=index.sums.canonical_records[position],
                score=BigInt(sum(batch.scores[position] for batch in post.batches)),
                amount_wei=BigInt(amounts[position]),
            )
            for position, contributor in enumerate(post.contributors)
        ),
    )
