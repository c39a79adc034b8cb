"""How a verdict on a post or an index becomes a call of `IAttribution`: the method and its arguments.

Vectors of more than 4,096 coordinates fit no transaction: what is wrong with them is proved by a tally of
their chunks (`tallies`), or of a sum by the chunk that holds one coordinate.
"""

from dataclasses import asdict
from typing import Any

from genesis.commitments import QUERY_BYTES, SUM_BYTES, pack_vector, vector_root
from openledger_node.client.disputes import vector_chunk
from openledger_node.validator.index_check import BrokenRow, WrongCount, WrongNorm, WrongSum
from openledger_node.validator.query_games import query_evidence
from openledger_node.validator.record_check import WrongDuplicate, WrongOwner, WrongSketch
from openledger_node.validator.records import LongQuery, PostInputs, WrongAmount, WrongScore
from precompiles.scores import MAXIMUM_DIMENSIONS_ON_CHAIN
from precompiles.views.attribution import SumEvidence, SumLeaf
from precompiles.views.disputes import WideSum

OneTransaction = WrongCount | BrokenRow | WrongNorm | WrongOwner | WrongSketch | WrongDuplicate
"""Faults of an index that one transaction after a commitment proves."""
ONE_TRANSACTION = (WrongCount, BrokenRow, WrongNorm, WrongOwner, WrongSketch, WrongDuplicate)


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
        scores = [packed_leaf(score) for score in verdict.scores]
        return "challengeAmount", (*case, *who, scores, packed_leaf(verdict.leaf))
    leaf = packed_leaf(verdict.leaf)
    if is_wide(verdict.sum):
        by_root = packed_wide_sum(verdict.sum)
        return "challengeWideScore", (*case, verdict.batch, *who, by_root, leaf, verdict.is_debt)
    method = "challengeDebt" if verdict.is_debt else "challengeScore"
    return method, (*case, verdict.batch, *who, packed_sum(verdict.sum), verdict.query, leaf)


def index_challenge(verdict: OneTransaction) -> tuple[str, tuple[Any, ...]]:
    """The challenge that proves a verdict on an index, without the index's id and the salt."""
    match verdict:
        case WrongCount():
            return "challengeCount", ()
        case BrokenRow(row):
            return "challengeRow", (_values(row),)
        case WrongNorm(number, contributor, evidence):
            if is_wide(evidence):
                return "challengeWideNorm", (number, contributor, packed_wide_sum(evidence))
            return "challengeNorm", (number, contributor, packed_sum(evidence))
        case WrongOwner(record, parents, parent, credited, wide):
            shown = (_values(record), list(parents), _values(parent))
            return "challengeOwner", (*shown, credited, _values(wide))
        case WrongSketch(record, content):
            return "challengeSketch", (_values(record), content)
        case WrongDuplicate(record, other):
            return "challengeDuplicate", (_values(record), _values(other))


def sum_game(verdict: WrongSum) -> tuple[str, tuple[Any, ...]]:
    """The method that opens a game over a contributor's sum, and its arguments without the index's id."""
    place = (verdict.contributor_index, verdict.contributor, verdict.coordinate)
    if not is_wide(verdict.sum):
        return "openSumGame", (*place, packed_sum(verdict.sum))
    chunk = vector_chunk(verdict.sum.vector, SUM_BYTES, verdict.coordinate)
    return "openWideSumGame", (*place, packed_wide_sum(verdict.sum), _values(chunk))


def is_wide(evidence: SumEvidence) -> bool:
    """Whether a sum has more coordinates than one transaction judges."""
    return len(evidence.vector) > MAXIMUM_DIMENSIONS_ON_CHAIN * SUM_BYTES


def packed_wide_sum(evidence: SumEvidence) -> tuple[Any, ...]:
    """A sum as `IAttribution.WideSum`, by its vector's root."""
    root = vector_root(evidence.vector, SUM_BYTES)
    return _values(WideSum(evidence.records, evidence.norm_squared, root, evidence.proof))


def packed_sum(evidence: SumEvidence) -> tuple[int, int, bytes, list[bytes]]:
    """A sum as `IAttribution.SumEvidence`."""
    return evidence.records, evidence.norm_squared, evidence.vector, list(evidence.proof)


def _values(evidence: Any) -> tuple[Any, ...]:
    """A struct's fields in order."""
    return tuple(asdict(evidence).values())


def packed_leaf(leaf: SumLeaf) -> tuple[bytes, int, list[bytes], list[int]]:
    """A leaf as `IAttribution.SumLeaf`."""
    return leaf.key, leaf.amount, list(leaf.siblings), list(leaf.sibling_sums)
