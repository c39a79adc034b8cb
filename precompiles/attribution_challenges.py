"""Challenges of a post: one wrong score, debt, amount or sum proved in one transaction.

A challenge names the leaf that was posted for one contributor in one of two ways: opened (key and amount), or
bare (the leaf's hash as key, and its sum), which needs no cooperation of the poster; key 0 with amount 0 is
thereby the absent leaf. It succeeds iff that leaf is not the one that ought to be there: wrong key, wrong
amount, left out, or anything at all beyond the last contributor. An inner node is wrong if the sums under it
are not its sum: no leaf below it could be proved or challenged. What follows is `attribution_verdict`. Bonds
of challenges that were never proved go to the model's next pool.

Covered: the above. Not covered: challenges of the index and the batch queries; hidden tree nodes; models of
more than 4,096 dimensions.
Source: protocol, section 3 "Challenges".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from genesis.addresses import ATTRIBUTION
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    EMPTY_SUM_NODE,
    KIND_DEBTS,
    KIND_SCORES,
    SumNode,
    address_word,
    sum_leaf,
    sum_node,
    tree_depth,
)
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles import gas
from precompiles.attribution_evidence import (
    amount_of,
    batch_policy,
    batch_tree,
    challenged_post,
    check_opened_score,
    check_query,
    check_sum,
    posted_node,
)
from precompiles.attribution_interface import (
    BOND_RETURNED,
    CHALLENGE_COMMITTED,
    CHALLENGE_FAILED,
    COMMITMENT_NOT_FOUND,
    INVALID_PROOF,
    MAXIMUM_BATCHES,
    WINDOW_CLOSED,
    WINDOW_OPEN,
    WRONG_BOND,
    WRONG_STATUS,
    Batches,
    SumTree,
    amounts_tree,
    existing_post,
)
from precompiles.attribution_verdict import convict, credit_reward
from precompiles.checks import require
from precompiles.host import Host
from precompiles.scores import ScoreInputs, negative_score, positive_score
from precompiles.slots import add_to_slot, store_struct, update_struct
from precompiles.views import attribution as view
from precompiles.views import disputes, models, policy
from precompiles.views.attribution import Commitment, NodeEvidence, Post, SumEvidence, SumLeaf


def commit_challenge(host: Host, post_id: int, commitment: Hash32) -> None:
    """Reserve a place among the challengers of a post, against the policy's bond; one per account."""
    gas.charge(host, gas.ATTRIBUTION["commitChallenge"])
    posted = existing_post(host, post_id)
    if posted.status != view.PENDING:
        raise WRONG_STATUS(posted.status)
    contestable_until_s = max(posted.contestable_until_s, disputes.extension(host, post_id))
    if host.timestamp_s > contestable_until_s:
        raise WINDOW_CLOSED(contestable_until_s)
    require(commitment != ZERO_HASH, "commitment")
    require(view.commitment(host, post_id, host.caller).hash == ZERO_HASH, "challenger")
    before = view.case(host, post_id)
    bond_wei = policy.parameter(host, before.policy_version, "challenge_bond_wei")
    if host.value_wei != bond_wei:
        raise WRONG_BOND(bond_wei, host.value_wei)
    reveal_until_s = host.timestamp_s + policy.parameter(host, before.policy_version, "challenge_reveal_s")
    number = before.commitments + 1
    committed = Commitment(commitment, bond_wei, reveal_until_s, number, 0)
    store_struct(host, view.commitment_slot(post_id, host.caller), view.COMMITMENT, committed)
    after = replace(
        before,
        commitments=number,
        reveals_until_s=reveal_until_s,
        bonds_wei=before.bonds_wei + bond_wei,
    )
    update_struct(host, view.case_slot(post_id), view.CASE, before, after)
    CHALLENGE_COMMITTED.emit(host, post_id, host.caller, commitment)


def challenge_score(  # noqa: PLR0917 - the method's arguments
    host: Host,
    post_id: int,
    salt: Hash32,
    batches: Batches,
    batch: int,
    contributor_index: int,
    contributor: Address,
    evidence: SumEvidence,
    query: bytes,
    score: SumLeaf,
) -> None:
    """Prove that a batch's posted score of one contributor is not the positive part of `v_c · Q_b`."""
    _charge_score(host, "challengeScore", batches, evidence, query, score)
    challenged = _Challenged(post_id, salt, batches, batch, contributor_index, contributor)
    _challenge_product(host, challenged, evidence, query, score, KIND_SCORES)


def challenge_debt(  # noqa: PLR0917 - the method's arguments
    host: Host,
    post_id: int,
    salt: Hash32,
    batches: Batches,
    batch: int,
    contributor_index: int,
    contributor: Address,
    evidence: SumEvidence,
    query: bytes,
    debt: SumLeaf,
) -> None:
    """Prove that a batch's posted debt of one contributor is not the negative part of `v_c · Q_b`."""
    _charge_score(host, "challengeDebt", batches, evidence, query, debt)
    challenged = _Challenged(post_id, salt, batches, batch, contributor_index, contributor)
    _challenge_product(host, challenged, evidence, query, debt, KIND_DEBTS)


def challenge_amount(  # noqa: PLR0917 - the method's arguments
    host: Host,
    post_id: int,
    salt: Hash32,
    batches: Batches,
    contributor_index: int,
    contributor: Address,
    scores: Sequence[SumLeaf],
    amount: SumLeaf,
) -> None:
    """Prove that one contributor's posted amount is not what the posted scores give."""
    require(len(scores) <= MAXIMUM_BATCHES, "scores")
    scores = tuple(scores)
    hashes = sum(len(leaf.siblings) for leaf in scores) + 2 * len(amount.siblings)
    gas.charge(host, gas.ATTRIBUTION["challengeAmount"], len(batches), len(scores), hashes)
    posted = challenged_post(host, post_id, salt, batches)
    index = models.feature_index(host, posted.feature_index)
    tree = amounts_tree(host, post_id, posted, index)
    node = posted_node(tree, contributor_index, amount, "amount")
    computed = 0
    expected = EMPTY_SUM_NODE
    if contributor_index < index.contributors:
        require(len(scores) == len(batches), "scores")
        for claimed, leaf in zip(batches, scores, strict=True):
            scores_tree = batch_tree(host, posted, index, claimed)
            check_opened_score(scores_tree, contributor_index, contributor, leaf)
        computed = amount_of(host, posted, batches, scores)
        expected = sum_leaf(tree.id, contributor_index, address_word(contributor), computed)
    if node == expected:
        raise CHALLENGE_FAILED(node.sum, computed)
    convict(host, post_id, posted)


def challenge_node(host: Host, post_id: int, salt: Hash32, batches: Batches, evidence: NodeEvidence) -> None:
    """Prove that an inner node of a posted tree does not sum to what stands under it."""
    gas.charge(host, gas.ATTRIBUTION["challengeNode"], len(batches), len(evidence.siblings))
    posted = challenged_post(host, post_id, salt, batches)
    tree = _tree_of(host, post_id, posted, batches, evidence.tree)
    depth = tree_depth(tree.leaves)
    require(0 < evidence.level <= depth, "level")
    require(evidence.position < 1 << depth - evidence.level, "position")
    under = sum_node(SumNode(evidence.left, evidence.left_sum), SumNode(evidence.right, evidence.right_sum))
    named = SumNode(under.hash, evidence.sum)
    subtree = SumTree(tree.id, 1 << depth - evidence.level, tree.root)
    is_root = evidence.level == depth
    siblings, sums = evidence.siblings, evidence.sibling_sums
    is_posted = (
        named == tree.root and not siblings and not sums
        if is_root
        else subtree.contains(named, evidence.position, siblings, sums)
    )
    if not is_posted:
        raise INVALID_PROOF(b"node")
    if under.sum == evidence.sum:
        raise CHALLENGE_FAILED(evidence.sum, under.sum)
    convict(host, post_id, posted)


def withdraw_bond(host: Host, post_id: int) -> None:
    """Return the bond of a proved challenge when all reveal windows are over, and settle the case."""
    gas.charge(host, gas.ATTRIBUTION["withdrawBond"])
    posted = existing_post(host, post_id)
    if posted.status == view.PENDING:
        raise WRONG_STATUS(posted.status)
    own = view.commitment(host, post_id, host.caller)
    if own.used == 0 or own.bond_wei == 0:
        raise COMMITMENT_NOT_FOUND()
    before = view.case(host, post_id)
    if host.timestamp_s <= before.reveals_until_s:
        raise WINDOW_OPEN(before.reveals_until_s)
    slot = view.commitment_slot(post_id, host.caller)
    update_struct(host, slot, view.COMMITMENT, own, replace(own, bond_wei=0))
    reward_wei = before.reward_wei if host.caller == posted.challenger else 0
    credit_reward(host, host.caller, reward_wei)
    add_to_slot(host, ATTRIBUTION, view.carry_slot(posted.model_id), before.bonds_wei)
    after = replace(before, bonds_wei=0, reward_wei=before.reward_wei - reward_wei)
    update_struct(host, view.case_slot(post_id), view.CASE, before, after)
    host.transfer(host.caller, own.bond_wei)
    BOND_RETURNED.emit(host, post_id, host.caller, own.bond_wei)


# --- Shared -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Challenged:
    """What a challenge of one contributor's score or debt is about."""

    post_id: int
    salt: Hash32
    batches: Batches
    batch: int
    contributor_index: int
    contributor: Address


def _charge_score(  # noqa: PLR0917 - what is counted
    host: Host, method: str, batches: Batches, evidence: SumEvidence, query: bytes, leaf: SumLeaf
) -> None:
    hashes = len(evidence.proof) + 2 * len(leaf.siblings)
    gas.charge(host, gas.ATTRIBUTION[method], len(batches), len(query) // BATCH_QUERY_BYTES, hashes)


def _challenge_product(  # noqa: PLR0917 - the evidence
    host: Host, about: _Challenged, evidence: SumEvidence, query: bytes, leaf: SumLeaf, kind: int
) -> None:
    posted = challenged_post(host, about.post_id, about.salt, about.batches)
    require(about.batch < len(about.batches), "batch")
    claimed = about.batches[about.batch]
    index = models.feature_index(host, posted.feature_index)
    tree = batch_tree(host, posted, index, claimed, kind)
    place = about.contributor_index
    node = posted_node(tree, place, leaf, "score")
    computed: int | None = 0
    expected = EMPTY_SUM_NODE
    if place < index.contributors:
        check_sum(index, place, about.contributor, evidence)
        check_query(index, query, claimed)
        inputs = ScoreInputs(evidence.vector, evidence.norm_squared, query)
        z_squared_ppm = batch_policy(host, claimed, "significance_ppm")
        part = positive_score if kind == KIND_SCORES else negative_score
        computed = part(inputs, index.dimensions, z_squared_ppm)
        expected = sum_leaf(tree.id, place, address_word(about.contributor), computed or 0)
    if computed is not None and node == expected:
        raise CHALLENGE_FAILED(node.sum, computed)
    convict(host, about.post_id, posted)


def _tree_of(host: Host, post_id: int, posted: Post, batches: Batches, number: int) -> SumTree:
    """A posted tree by its number in `NodeEvidence`."""
    index = models.feature_index(host, posted.feature_index)
    if number == 0:
        return amounts_tree(host, post_id, posted, index)
    batch, is_debts = divmod(number - 1, 2)
    require(batch < len(batches), "tree")
    return batch_tree(host, posted, index, batches[batch], KIND_DEBTS if is_debts else KIND_SCORES)
