"""How a verdict on a post becomes a call of `IAttribution`: the method's name and its arguments."""

from dataclasses import asdict
from typing import Any

from genesis.commitments import QUERY_BYTES, pack_vector
from openledger_node.validator.query_games import query_evidence
from openledger_node.validator.records import LongQuery, PostInputs, WrongAmount, WrongScore
from precompiles.views.attribution import SumLeaf


def challenge_of(
    inputs: PostInputs, salt: bytes, batches: Any, verdict: WrongScore | WrongAmount | LongQuery
) -> tuple[str, tuple[Any, ...]]:
    """The challenge that proves a verdict in one transaction."""
    case = (inputs.post_id, salt, batches)
    if isinstance(verdict, LongQuery):
        batch = inputs.batches[verdict.batch]
        leaf = tuple(asdict(query_evidence(batch, verdict.place)).values())
        query = pack_vector(batch.queries[verdict.place].vector, QUERY_BYTES)
        return "challengeQuery", (*case, verdict.batch, leaf, query)
    who = (verdict.contributor_index, verdict.contributor)
    if isinstance(verdict, WrongAmount):
        scores = [_leaf(score) for score in verdict.scores]
        return "challengeAmount", (*case, *who, scores, _leaf(verdict.leaf))
    evidence = verdict.sum
    packed = (evidence.records, evidence.norm_squared, evidence.vector, list(evidence.proof))
    method = "challengeDebt" if verdict.is_debt else "challengeScore"
    return method, (*case, verdict.batch, *who, packed, verdict.query, _leaf(verdict.leaf))


def _leaf(leaf: SumLeaf) -> tuple[bytes, int, list[bytes], list[int]]:
    return leaf.key, leaf.amount, list(leaf.siblings), list(leaf.sibling_sums)
