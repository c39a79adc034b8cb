"""Challenges of a post: one wrong score or amount proved in one transaction, and the verdict.

A challenge names the leaf that was posted for one contributor in one of two ways: opened (key and amount), or
bare (the leaf's hash as key, and its sum), which needs no cooperation of the poster; key 0 with amount 0 is
thereby the absent leaf. It succeeds iff that leaf is not the one that ought to be there: wrong key, wrong
amount, left out, or anything at all beyond the last contributor.

The first successful challenge voids the post, frees its settlements and slashes its signer. Whoever committed
earlier and proves it within its reveal window takes the challenger's place; the reward is credited at once to
the first who committed, else through `withdrawBond` when all windows are over. Bonds of challenges that were
never proved go to the model's next pool.

Covered: the above. Not covered: challenges of the index, the batch queries and the debts; hidden tree nodes;
models of more than 4,096 dimensions.
Source: protocol, section 3 "Challenges".
"""

from collections.abc import Sequence
from dataclasses import replace

from genesis.addresses import ATTRIBUTION, TREASURY
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    EMPTY_SUM_NODE,
    KIND_SCORES,
    SUM_BYTES,
    SumNode,
    address_word,
    contributor_sum_leaf,
    merkle_root_from_proof,
    sum_leaf,
    sum_tree_id,
    tree_depth,
    vector_root,
    word,
)
from genesis.keccak import keccak256
from genesis.shares import PPM, pool_amount
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles import gas
from precompiles.attribution_interface import (
    BOND_RETURNED,
    CHALLENGE_COMMITTED,
    CHALLENGE_FAILED,
    CHALLENGE_PROVED,
    COMMITMENT_NOT_FOUND,
    INVALID_PROOF,
    MAXIMUM_BATCHES,
    POST_VOIDED,
    WINDOW_CLOSED,
    WINDOW_OPEN,
    WRONG_BOND,
    WRONG_STATUS,
    Batches,
    SumTree,
    amounts_tree,
    batches_hash,
    existing_post,
    mark_settlements,
)
from precompiles.checks import require
from precompiles.host import Host
from precompiles.scores import MAXIMUM_DIMENSIONS_ON_CHAIN, ScoreInputs, positive_score
from precompiles.slots import add_to_slot, hash_word, store_struct, update_struct
from precompiles.views import attribution as view
from precompiles.views import metering, models, policy, staking
from precompiles.views.attribution import BatchClaim, Case, Commitment, Post, SumEvidence, SumLeaf
from precompiles.views.models import FeatureIndex


def commit_challenge(host: Host, post_id: int, commitment: Hash32) -> None:
    """Reserve a place among the challengers of a post, against the policy's bond; one per account."""
    gas.charge(host, gas.ATTRIBUTION["commitChallenge"])
    posted = existing_post(host, post_id)
    if posted.status != view.PENDING:
        raise WRONG_STATUS(posted.status)
    if host.timestamp_s > posted.contestable_until_s:
        raise WINDOW_CLOSED(posted.contestable_until_s)
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
    """Prove that a batch's posted score of one contributor is not `v_c · Q_b`."""
    hashes = len(evidence.proof) + 2 * len(score.siblings)
    gas.charge(host, gas.ATTRIBUTION["challengeScore"], len(batches), len(query) // BATCH_QUERY_BYTES, hashes)
    posted = _challenged_post(host, post_id, salt, batches)
    require(batch < len(batches), "batch")
    claimed = batches[batch]
    index = models.feature_index(host, posted.feature_index)
    tree = _scores_tree(host, posted, index, claimed)
    node = _posted_node(tree, contributor_index, score, "score")
    computed: int | None = 0
    expected = EMPTY_SUM_NODE
    if contributor_index < index.contributors:
        _check_sum(index, contributor_index, contributor, evidence)
        _check_query(index, query, claimed)
        inputs = ScoreInputs(evidence.vector, evidence.norm_squared, query)
        z_squared_ppm = _batch_policy(host, claimed, "significance_ppm")
        computed = positive_score(inputs, index.dimensions, z_squared_ppm)
        expected = sum_leaf(tree.id, contributor_index, address_word(contributor), computed or 0)
    if computed is not None and node == expected:
        raise CHALLENGE_FAILED(node.sum, computed)
    _convict(host, post_id, posted, batches)


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
    posted = _challenged_post(host, post_id, salt, batches)
    index = models.feature_index(host, posted.feature_index)
    tree = amounts_tree(host, post_id, posted, index)
    node = _posted_node(tree, contributor_index, amount, "amount")
    computed = 0
    expected = EMPTY_SUM_NODE
    if contributor_index < index.contributors:
        require(len(scores) == len(batches), "scores")
        for claimed, leaf in zip(batches, scores, strict=True):
            scores_tree = _scores_tree(host, posted, index, claimed)
            _check_opened_score(scores_tree, contributor_index, contributor, leaf)
        computed = _amount(host, posted, batches, scores)
        expected = sum_leaf(tree.id, contributor_index, address_word(contributor), computed)
    if node == expected:
        raise CHALLENGE_FAILED(node.sum, computed)
    _convict(host, post_id, posted, batches)


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
    _credit_reward(host, host.caller, reward_wei)
    add_to_slot(host, ATTRIBUTION, view.carry_slot(posted.model_id), before.bonds_wei)
    after = replace(before, bonds_wei=0, reward_wei=before.reward_wei - reward_wei)
    update_struct(host, view.case_slot(post_id), view.CASE, before, after)
    host.transfer(host.caller, own.bond_wei)
    BOND_RETURNED.emit(host, post_id, host.caller, own.bond_wei)


# --- Evidence ---------------------------------------------------------------------------------------------


def _challenged_post(host: Host, post_id: int, salt: Hash32, batches: Batches) -> Post:
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


def _posted_node(tree: SumTree, position: int, leaf: SumLeaf, what: str) -> SumNode:
    """The node posted at `position`, given opened or bare; reverts unless it leads to the tree's root."""
    require(position < 1 << tree_depth(tree.leaves), "contributorIndex")
    for node in (sum_leaf(tree.id, position, leaf.key, leaf.amount), SumNode(leaf.key, leaf.amount)):
        if tree.contains(node, position, leaf.siblings, leaf.sibling_sums):
            return node
    raise INVALID_PROOF(what.encode())


def _check_sum(index: FeatureIndex, position: int, contributor: Address, evidence: SumEvidence) -> None:
    """The contributor's sum has the index's dimensions and is the committed one."""
    require(index.dimensions <= MAXIMUM_DIMENSIONS_ON_CHAIN, "dimensions")
    require(len(evidence.vector) == index.dimensions * SUM_BYTES, "vector")
    leaf = contributor_sum_leaf(
        index=position,
        contributor=contributor,
        records=evidence.records,
        norm_squared=evidence.norm_squared,
        vector_root=vector_root(evidence.vector, SUM_BYTES),
    )
    is_whole_path = len(evidence.proof) == tree_depth(index.contributors)
    if not is_whole_path or merkle_root_from_proof(leaf, position, evidence.proof) != index.sums_root:
        raise INVALID_PROOF(b"sum")


def _check_query(index: FeatureIndex, query: bytes, claimed: BatchClaim) -> None:
    """The batch query has the index's dimensions and is the committed one."""
    require(len(query) == index.dimensions * BATCH_QUERY_BYTES, "query")
    if vector_root(query, BATCH_QUERY_BYTES) != claimed.query_root:
        raise INVALID_PROOF(b"query")


def _check_opened_score(tree: SumTree, position: int, contributor: Address, leaf: SumLeaf) -> None:
    """The batch's posted score leaf at `position` is the contributor's and has this amount."""
    key = address_word(contributor)
    opened = sum_leaf(tree.id, position, key, leaf.amount)
    is_posted = tree.contains(opened, position, leaf.siblings, leaf.sibling_sums)
    if leaf.key != key or not is_posted:
        raise INVALID_PROOF(b"score")


def _amount(host: Host, posted: Post, batches: Batches, scores: Sequence[SumLeaf]) -> int:
    """`Σ_b floor(pool_b · score_b / S_b)`, each at most its capped share; the carry is in the first pool."""
    total_wei = 0
    extra_wei = posted.carry_in_wei
    for claimed, leaf in zip(batches, scores, strict=True):
        pool_wei = metering.settlement(host, claimed.settlement_id).pool_wei + extra_wei
        maximum_share_ppm = _batch_policy(host, claimed, "maximum_share_ppm")
        total_wei += pool_amount(pool_wei, leaf.amount, claimed.score_sum, maximum_share_ppm)
        extra_wei = 0
    return total_wei


def _batch_policy(host: Host, claimed: BatchClaim, name: str) -> int:
    """A parameter of the policy that the batch's channel pinned."""
    version = metering.settlement(host, claimed.settlement_id).policy_version
    return policy.parameter(host, version, name)


def _scores_tree(host: Host, posted: Post, index: FeatureIndex, claimed: BatchClaim) -> SumTree:
    """The batch's posted tree of positive scores."""
    parts = (posted.feature_index, claimed.settlement_id, hash_word(posted.signer))
    tree_id = sum_tree_id(KIND_SCORES, host.chain_id, ATTRIBUTION, *parts)
    return SumTree(tree_id, index.contributors, SumNode(claimed.scores_root, claimed.score_sum))


# --- Verdict ----------------------------------------------------------------------------------------------


def _convict(host: Host, post_id: int, posted: Post, batches: Batches) -> None:
    """Use the caller's commitment; void the post if it stands, and settle who its challenger is."""
    slot = view.commitment_slot(post_id, host.caller)
    own = view.commitment(host, post_id, host.caller)
    update_struct(host, slot, view.COMMITMENT, own, replace(own, used=1))
    before = view.case(host, post_id)
    is_first = posted.status == view.PENDING
    leads = is_first or own.number < before.challenger_number
    reward_wei = _void(host, post_id, posted, batches, before) if is_first else before.reward_wei
    challenger = host.caller if leads else posted.challenger
    voided = replace(posted, status=view.VOID, challenger=challenger)
    update_struct(host, view.post_slot(post_id), view.POST, posted, voided)
    credited_wei = reward_wei if own.number == 1 else 0
    _credit_reward(host, host.caller, credited_wei)
    after = replace(
        before,
        bonds_wei=before.bonds_wei - own.bond_wei,
        challenger_number=own.number if leads else before.challenger_number,
        reward_wei=reward_wei - credited_wei,
    )
    update_struct(host, view.case_slot(post_id), view.CASE, before, after)
    CHALLENGE_PROVED.emit(host, post_id, host.caller, challenger)


def _void(host: Host, post_id: int, posted: Post, batches: Batches, case: Case) -> int:
    """Slash the signer, free the settlements, give back the carry; returns the challenger's reward."""
    slash_amount = policy.parameter(host, case.policy_version, "slash_amount_wei")
    slashed_wei = min(slash_amount, staking.slashable(host, posted.signer))
    challenger_ppm = policy.parameter(host, case.policy_version, "challenger_ppm")
    reward_wei = slashed_wei * challenger_ppm // PPM
    signer_slot = view.account_slot(view.SLASHED_SLOT, posted.signer)
    add_to_slot(host, ATTRIBUTION, signer_slot, slashed_wei)
    _credit_reward(host, TREASURY, slashed_wei - reward_wei)
    liability_slot = view.account_slot(view.LIABILITY_SLOT, posted.signer)
    add_to_slot(host, ATTRIBUTION, liability_slot, -posted.pool_wei)
    add_to_slot(host, ATTRIBUTION, view.carry_slot(posted.model_id), posted.carry_in_wei)
    mark_settlements(host, batches, 0)
    POST_VOIDED.emit(host, post_id, host.caller, posted.signer, slashed_wei, reward_wei)
    return reward_wei


def _credit_reward(host: Host, account: Address, reward_wei: int) -> None:
    add_to_slot(host, ATTRIBUTION, view.account_slot(view.REWARD_SLOT, account), reward_wei)
