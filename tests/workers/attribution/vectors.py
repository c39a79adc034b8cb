"""Which vectors pin the formats; `python -m tests.workers.attribution.vectors` writes them again.

A small index: 4 contributors, 12 records (two of them duplicates), k = 16; two settlements; one post that is
right and one with a single score off by one. Bytes are 0x-hex, integers decimal strings.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from genesis.addresses import ATTRIBUTION
from genesis.commitments import BATCH_QUERY_BYTES, vector_root
from genesis.types import Address
from workers.artifacts.store import ArtifactId
from workers.attribution.commit import SumLeafEvidence, SumTree, pack_query, query_leaves
from workers.attribution.index import FeatureIndex, Rows, Sums, sums_of
from workers.attribution.numerics import exact_dots
from workers.attribution.post import Post, PostBatch
from workers.attribution.queries import Queries
from workers.attribution.scoring import batch_scores
from workers.integers import quantize_rows

PATH = Path(__file__).parents[2] / "vectors" / "attribution.json"
CHAIN_ID = 31338
FEATURE_INDEX_ID = 1
POSTER = Address(bytes.fromhex("16" * 20))
CONTRIBUTORS = tuple(Address(bytes([0xC0 + i]) * 20) for i in range(4))
SIGNIFICANCE_PPM = 1_000_000
MAXIMUM_SHARE_PPM = 600_000
DIMENSIONS = 16
NO_NAME = ArtifactId("00" * 32)


def make_rows() -> Rows:
    """Contributors 0 and 1 lean towards the query, 2 against it, 3 holds only duplicates of 0's records."""
    random = np.random.default_rng(1612)
    lean = np.repeat([1.0, 0.5, -1.0, 1.0], [4, 4, 2, 2])[:, None]
    rows = random.normal(size=(12, DIMENSIONS)) + 0.7 * lean
    rows *= 0.5 ** np.arange(12)[:, None] / np.linalg.norm(rows, axis=1, keepdims=True) / 1.5
    rows[4:8] *= 16.0
    rows[8:10] *= 64.0
    mantissas, exponents = quantize_rows(rows)
    canonical = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 2])
    return Rows(mantissas, exponents, canonical, np.repeat([0, 1, 2, 3], [4, 4, 2, 2]), np.ones(12))


def make_queries(settlement: int) -> Queries:
    """Three receipts of a settlement."""
    random = np.random.default_rng([1616, settlement])
    vectors = np.rint(random.normal(1_200.0, 1_800.0, size=(3, DIMENSIONS))).astype(np.int16)
    first = 3 * (settlement - 1)
    return Queries(vectors, tuple(range(first, first + 3)), (10**12 + settlement, 2**40 + 7, 0))


def make_post(sums: Sums) -> Post:
    """The right post over both settlements."""
    index = FeatureIndex(NO_NAME, NO_NAME, NO_NAME, NO_NAME, make_rows().root(), sums.root(), 12, sums)
    batches = []
    for settlement, pool_wei in ((1, 10**18 + 1), (2, 3)):
        query = make_queries(settlement).batch_query()
        scores = batch_scores(index, query, SIGNIFICANCE_PPM)
        batches.append(PostBatch(settlement, pool_wei, NO_NAME, tuple(query), tuple(scores)))
    return Post(NO_NAME, CHAIN_ID, FEATURE_INDEX_ID, POSTER, MAXIMUM_SHARE_PPM, CONTRIBUTORS, tuple(batches))


def falsify(post: Post) -> Post:
    """Contributor 1's score in the first batch is one too high."""
    first = post.batches[0]
    scores = tuple(score + (1 if index == 1 else 0) for index, score in enumerate(first.scores))
    return replace(post, batches=(replace(first, scores=scores), *post.batches[1:]))


def hexed(data: bytes) -> str:
    """0x-hex."""
    return "0x" + data.hex()


def describe_leaf(evidence: SumLeafEvidence) -> dict[str, Any]:
    """A leaf and its proof."""
    return {
        "key": hexed(evidence.key),
        "amount": str(evidence.amount),
        "siblings": [hexed(sibling) for sibling in evidence.siblings],
        "sibling_sums": [str(value) for value in evidence.sibling_sums],
    }


def describe_tree(tree: SumTree) -> dict[str, Any]:
    """Root, total and every leaf with its proof."""
    root = tree.root()
    return {
        "tree_id": hexed(tree.tree_id),
        "root": hexed(root.hash),
        "sum": str(root.sum),
        "leaves": [describe_leaf(tree.evidence(index)) for index in range(len(tree.contributors))],
    }


def describe_post(post: Post) -> dict[str, Any]:
    """Trees and claims of a post."""
    return {
        "amounts": describe_tree(post.amounts_tree()),
        "batches": [
            {
                "settlement_id": batch.settlement_id,
                "pool_wei": str(batch.pool_wei),
                "query": hexed(batch.packed_query()),
                "query_root": hexed(vector_root(batch.packed_query(), BATCH_QUERY_BYTES)),
                "query_norm_squared": str(sum(value * value for value in batch.query)),
                "signed_scores": [str(score) for score in batch.scores],
                "scores": describe_tree(post.scores_tree(number)),
                "debts": describe_tree(post.debts_tree(number)),
            }
            for number, batch in enumerate(post.batches)
        ],
    }


def describe_settlement(settlement: int) -> dict[str, Any]:
    """Queries of a settlement and their root."""
    queries = make_queries(settlement)
    leaves = query_leaves(queries.numbers, queries.weights, queries.vectors)
    return {
        "settlement_id": settlement,
        "queries_root": hexed(queries.root()),
        "queries": [
            {
                "number": number,
                "weight": str(queries.weights[position]),
                "vector": hexed(pack_query(queries.vectors[position])),
                "leaf": hexed(leaves[position]),
            }
            for position, number in enumerate(queries.numbers)
        ],
    }


def describe_sums(sums: Sums, query: tuple[int, ...]) -> list[dict[str, Any]]:
    """Every contributor's committed sum with its proof, and its unclipped product with the first Q."""
    leaves, raw = sums.leaves(), exact_dots(sums.vectors, query)
    described = []
    for index, contributor in enumerate(sums.contributors):
        evidence = sums.evidence(index)
        described.append(
            {
                "index": index,
                "contributor": hexed(contributor),
                "records": evidence.records,
                "norm_squared": str(evidence.norm_squared),
                "vector": hexed(evidence.vector),
                "leaf": hexed(leaves[index]),
                "proof": [hexed(sibling) for sibling in evidence.proof],
                "raw_score_of_first_batch": str(raw[index]),
            }
        )
    return described


def build() -> dict[str, Any]:
    """The whole document."""
    rows = make_rows()
    sums = sums_of(rows, CONTRIBUTORS)
    post = make_post(sums)
    return {
        "format": "attribution-vectors/1",
        "chain_id": CHAIN_ID,
        "attribution": hexed(ATTRIBUTION),
        "feature_index_id": FEATURE_INDEX_ID,
        "poster": hexed(POSTER),
        "dimensions": DIMENSIONS,
        "significance_ppm": SIGNIFICANCE_PPM,
        "maximum_share_ppm": MAXIMUM_SHARE_PPM,
        "rows_root": hexed(rows.root()),
        "rows": [
            {
                "index": index,
                "canonical_index": int(rows.canonical[index]),
                "contributor_index": int(rows.owners[index]),
                "exponent": int(rows.exponents[index]),
                "mantissas": hexed(rows.mantissas[index].tobytes()),
            }
            for index in range(len(rows.mantissas))
        ],
        "sums_root": hexed(sums.root()),
        "contributors": describe_sums(sums, post.batches[0].query),
        "settlements": [describe_settlement(settlement) for settlement in (1, 2)],
        "post": describe_post(post),
        "false_post": describe_post(falsify(post)),
    }


def main() -> None:
    """Write the file."""
    PATH.write_text(json.dumps(build(), indent=1) + "\n")


if __name__ == "__main__":
    main()
