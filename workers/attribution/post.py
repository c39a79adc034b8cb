"""What an attribution post says: scores per batch, amounts per contributor, and every proof about them.

A `Post` is the published document; roots, claims and proofs follow from it. It keeps whatever scores it was
given: `workers.jobs.attribution` computes the right ones, and comparing the two is how a false post is found.
Torch-free. Covered: document, trees, proofs, comparison. Not covered: sending it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genesis.commitments import BATCH_QUERY_BYTES, pack_vector, unpack_vector, vector_root
from genesis.shares import pool_amounts
from genesis.types import Address
from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.attribution.commit import (
    SumLeafEvidence,
    SumTree,
    amounts_tree_id,
    debts_tree_id,
    scores_tree_id,
)
from workers.errors import InvalidInputError
from workers.protocol import BatchClaim, BigInt

FORMAT = "openledger-attribution-post/1"


@dataclass(frozen=True, slots=True)
class PostBatch:
    """One settlement: pool in wei, queries artefact, batch query Q, the contributors' signed scores."""

    settlement_id: int
    pool_wei: int
    queries: ArtifactId
    query: tuple[int, ...]
    scores: tuple[int, ...]

    def packed_query(self) -> bytes:
        """Q as big-endian int128 coordinates."""
        return pack_vector(self.query, BATCH_QUERY_BYTES)


@dataclass(frozen=True, slots=True)
class Post:
    """Batches of one feature index, attributed by one poster; contributors in index order."""

    index: ArtifactId
    chain_id: int
    feature_index_id: int
    poster: Address
    maximum_share_ppm: int
    contributors: tuple[Address, ...]
    batches: tuple[PostBatch, ...]

    def scores_tree(self, batch: int) -> SumTree:
        """Positive scores of batch number `batch`."""
        one = self.batches[batch]
        tree = scores_tree_id(self.chain_id, self.feature_index_id, one.settlement_id, self.poster)
        return SumTree(tree, self.contributors, tuple(max(0, score) for score in one.scores))

    def debts_tree(self, batch: int) -> SumTree:
        """Magnitudes of the negative scores of batch number `batch`."""
        one = self.batches[batch]
        tree = debts_tree_id(self.chain_id, self.feature_index_id, one.settlement_id, self.poster)
        return SumTree(tree, self.contributors, tuple(max(0, -score) for score in one.scores))

    def amounts(self) -> tuple[int, ...]:
        """Wei per contributor: `Σ_b floor(pool_b · max(0, score) / S_b)`, capped per batch."""
        per_batch = [
            pool_amounts(batch.pool_wei, batch.scores, self.maximum_share_ppm) for batch in self.batches
        ]
        return tuple(sum(amounts) for amounts in zip(*per_batch, strict=True))

    def amounts_tree(self) -> SumTree:
        """The tree contributors claim from."""
        first = self.batches[0].settlement_id
        tree = amounts_tree_id(self.chain_id, self.feature_index_id, first, self.poster)
        return SumTree(tree, self.contributors, self.amounts())

    def claims(self) -> tuple[BatchClaim, ...]:
        """The batches as `IAttribution.post` takes them."""
        return tuple(self._claim(number) for number in range(len(self.batches)))

    def _claim(self, number: int) -> BatchClaim:
        batch = self.batches[number]
        scores, debts = self.scores_tree(number).root(), self.debts_tree(number).root()
        return BatchClaim(
            settlement_id=batch.settlement_id,
            query_root=vector_root(batch.packed_query(), BATCH_QUERY_BYTES),
            scores_root=scores.hash,
            score_sum=BigInt(scores.sum),
            debts_root=debts.hash,
            debt_sum=BigInt(debts.sum),
        )

    def score_evidence(self, batch: int, contributor: int) -> SumLeafEvidence:
        """The posted score's leaf with its proof, for `challengeScore`."""
        return self.scores_tree(batch).evidence(contributor)

    def amount_evidence(self, contributor: int) -> SumLeafEvidence:
        """The posted amount's leaf with its proof, for `claim` and `challengeAmount`."""
        return self.amounts_tree().evidence(contributor)


def differences(posted: Post, honest: Post) -> list[tuple[int, int]]:
    """(batch, contributor) pairs whose scores differ; raises InvalidInputError for posts of other things."""
    for name in ("index", "chain_id", "feature_index_id", "contributors"):
        if getattr(posted, name) != getattr(honest, name):
            raise InvalidInputError(f"the posts differ in {name}: they are not about the same thing")
    if [batch.settlement_id for batch in posted.batches] != [batch.settlement_id for batch in honest.batches]:
        raise InvalidInputError("the posts cover different settlements")
    return [
        (number, contributor)
        for number, (one, other) in enumerate(zip(posted.batches, honest.batches, strict=True))
        for contributor in range(len(honest.contributors))
        if one.scores[contributor] != other.scores[contributor]
    ]


def encode_post(post: Post) -> bytes:
    """The published document."""
    return canonical_json.encode(
        {
            "format": FORMAT,
            "index": post.index,
            "chain_id": post.chain_id,
            "feature_index_id": post.feature_index_id,
            "poster": "0x" + post.poster.hex(),
            "maximum_share_ppm": post.maximum_share_ppm,
            "contributors": ["0x" + contributor.hex() for contributor in post.contributors],
            "amounts_wei": [str(amount) for amount in post.amounts()],
            "batches": [
                {
                    "settlement_id": batch.settlement_id,
                    "pool_wei": str(batch.pool_wei),
                    "queries": batch.queries,
                    "query": "0x" + batch.packed_query().hex(),
                    "scores": [str(score) for score in batch.scores],
                }
                for batch in post.batches
            ],
        }
    )


def read_post(store: ArtifactStore, name: str) -> Post:
    """A published document; raises InvalidInputError when malformed, ArtifactError when missing."""
    document = canonical_json.decode(store.get(name))
    try:
        post = _parse(document)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(f"{name} is not an attribution post: {error!r}") from error
    if not post.batches or any(len(batch.scores) != len(post.contributors) for batch in post.batches):
        raise InvalidInputError(f"attribution post {name}: one score per contributor and batch is needed")
    return post


def _parse(document: Any) -> Post:
    if document["format"] != FORMAT:
        raise InvalidInputError(f"attribution post format {document['format']!r} is not {FORMAT!r}")
    return Post(
        index=ArtifactId(document["index"]),
        chain_id=document["chain_id"],
        feature_index_id=document["feature_index_id"],
        poster=Address(bytes.fromhex(document["poster"][2:])),
        maximum_share_ppm=document["maximum_share_ppm"],
        contributors=tuple(Address(bytes.fromhex(text[2:])) for text in document["contributors"]),
        batches=tuple(_parse_batch(batch) for batch in document["batches"]),
    )


def _parse_batch(batch: Any) -> PostBatch:
    return PostBatch(
        settlement_id=batch["settlement_id"],
        pool_wei=int(batch["pool_wei"]),
        queries=ArtifactId(batch["queries"]),
        query=tuple(unpack_vector(bytes.fromhex(batch["query"][2:]), BATCH_QUERY_BYTES)),
        scores=_integers(batch["scores"]),
    )


def _integers(texts: Sequence[str]) -> tuple[int, ...]:
    return tuple(int(text) for text in texts)
