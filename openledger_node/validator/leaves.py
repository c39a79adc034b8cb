"""Which leaves a post has and ought to have, and the proofs that challenges take."""

from collections.abc import Sequence

from genesis.addresses import ATTRIBUTION
from genesis.commitments import (
    EMPTY_SUM_NODE,
    KIND_AMOUNTS,
    KIND_DEBTS,
    KIND_SCORES,
    SUM_BYTES,
    SumNode,
    address_word,
    contributor_sum_leaf,
    merkle_layers,
    merkle_proof,
    sum_leaf,
    sum_proof,
    sum_tree_id,
    sum_tree_layers,
    tree_depth,
    vector_root,
)
from genesis.types import ZERO_HASH, Address, Hash32
from openledger_node.validator.records import ContributorSum, PostInputs
from precompiles.views.attribution import SumEvidence, SumLeaf
from precompiles.views.disputes import WideSum

NOBODY = Address(bytes(20))
"""Stands for no contributor: the place of an absent leaf."""


def expected_leaf(tree: Hash32, place: int, contributor: Address, amount: int) -> SumNode:
    """The leaf that a tree ought to have at a place; the empty node for `NOBODY`."""
    if contributor == NOBODY:
        return EMPTY_SUM_NODE
    return sum_leaf(tree, place, address_word(contributor), amount)


def score_leaves(inputs: PostInputs, number: int) -> list[SumNode]:
    """The posted leaves of batch `number`'s scores: what is above 0."""
    batch = inputs.batches[number]
    tree = tree_id(inputs, KIND_SCORES, batch.claim.settlement_id)
    positive = [max(0, score) for score in batch.scores]
    return leaves_of(tree, inputs.posted_contributors, positive, inputs.index.contributors)


def debt_leaves(inputs: PostInputs, number: int) -> list[SumNode]:
    """The posted leaves of batch `number`'s debts: what is below 0, as a positive amount."""
    batch = inputs.batches[number]
    tree = tree_id(inputs, KIND_DEBTS, batch.claim.settlement_id)
    negative = [max(0, -score) for score in batch.scores]
    return leaves_of(tree, inputs.posted_contributors, negative, inputs.index.contributors)


def amount_leaves(inputs: PostInputs) -> list[SumNode]:
    """The posted leaves of what each contributor is paid, in wei."""
    tree = tree_id(inputs, KIND_AMOUNTS, inputs.batches[0].claim.settlement_id)
    return leaves_of(tree, inputs.posted_contributors, inputs.posted_amounts, inputs.index.contributors)


def leaves_of(
    tree: Hash32, contributors: Sequence[Address], amounts: Sequence[int], count: int
) -> list[SumNode]:
    """Leaves in the posted order, padded to the committed count; one too few amounts leaves one out."""
    leaves = [
        sum_leaf(tree, place, address_word(contributor), amount)
        for place, (contributor, amount) in enumerate(zip(contributors, amounts, strict=False))
    ]
    return [*leaves, *[EMPTY_SUM_NODE] * (count - len(leaves))]


def padded(leaves: Sequence[SumNode], count: int) -> list[SumNode]:
    """Leaves up to the next power of two of `count`, filled with empty nodes."""
    return [*leaves, *[EMPTY_SUM_NODE] * ((1 << tree_depth(count)) - len(leaves))]


def root_of(leaves: Sequence[SumNode]) -> SumNode:
    """Hash and sum at the top of these leaves."""
    return sum_tree_layers(leaves)[-1][0]


def tree_id(inputs: PostInputs, kind: int, settlement_id: int) -> Hash32:
    """The id that a tree's leaves carry (`genesis.commitments`): no leaf fits another tree."""
    signer = int.from_bytes(inputs.post.signer, "big")
    return sum_tree_id(kind, inputs.chain_id, ATTRIBUTION, inputs.post.feature_index, settlement_id, signer)


def leaf_evidence(inputs: PostInputs, leaves: Sequence[SumNode], place: int, amount: int) -> SumLeaf:
    """The posted leaf, opened when the poster published its key, absent otherwise."""
    siblings = sum_proof(sum_tree_layers(leaves), place)
    absent = leaves[place] == EMPTY_SUM_NODE
    return SumLeaf(
        key=ZERO_HASH if absent else Hash32(address_word(inputs.posted_contributors[place])),
        amount=0 if absent else amount,
        siblings=tuple(sibling.hash for sibling in siblings),
        sibling_sums=tuple(sibling.sum for sibling in siblings),
    )


def score_evidence(inputs: PostInputs, place: int) -> tuple[SumLeaf, ...]:
    """For every batch the posted score leaf at a place, with its path."""
    found = []
    for number, batch in enumerate(inputs.batches):
        leaves = padded(score_leaves(inputs, number), inputs.index.contributors)
        found.append(leaf_evidence(inputs, leaves, place, max(0, value_at(batch.scores, place))))
    return tuple(found)


def sum_leaves(sums: Sequence[ContributorSum]) -> list[Hash32]:
    """The leaves under an index's `sums_root`, one for each contributor."""
    return [
        contributor_sum_leaf(
            index=place,
            contributor=each.contributor,
            records=each.records,
            norm_squared=each.norm_squared,
            vector_root=vector_root(each.vector, SUM_BYTES),
        )
        for place, each in enumerate(sums)
    ]


def sum_evidence(sums: Sequence[ContributorSum], place: int) -> SumEvidence:
    """A contributor's committed sum with its path."""
    each = sums[place]
    proof = merkle_proof(merkle_layers(sum_leaves(sums)), place)
    return SumEvidence(each.records, each.norm_squared, each.vector, tuple(proof))


def wide_sum(sums: Sequence[ContributorSum], place: int) -> WideSum:
    """A contributor's sum by the root of its vector."""
    found = sum_evidence(sums, place)
    return WideSum(found.records, found.norm_squared, vector_root(found.vector, SUM_BYTES), found.proof)


def value_at(values: Sequence[int], place: int) -> int:
    """The value at a place; 0 beyond the end."""
    return values[place] if place < len(values) else 0
