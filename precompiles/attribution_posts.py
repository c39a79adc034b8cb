"""Posting the payout of settled batches, and making it final: Attribution's way without a dispute.

Covered: who may post what and when, the stake that answers for it, finalizing; a pool that pays nobody rolls
over to the model's next posts, and after the policy's number of times in a row goes to the treasury. What
waits is taken little by little, so that nobody steers it by an answer bought from itself.
Not covered: challenges (`attribution_challenges`), claims (`attribution_claims`).
Source: protocol, section 3 "Attribution".
"""

from dataclasses import replace

from genesis.addresses import ATTRIBUTION, TREASURY
from genesis.commitments import KIND_AMOUNTS, sum_tree_id
from genesis.shares import carry_taken
from genesis.types import ZERO_ADDRESS, Hash32
from precompiles import gas
from precompiles.attribution_exposure import exposure_of, note_final
from precompiles.attribution_interface import (
    ALREADY_ATTRIBUTED,
    AMOUNT_ABOVE_POOL,
    ATTRIBUTION_POSTED,
    CARRY_CHANGED,
    FEATURE_INDEX_NOT_USABLE,
    LIABILITY_ABOVE_STAKE,
    MAXIMUM_BATCHES,
    NOT_DUE_YET,
    PENDING_CHALLENGE,
    POOL_RELEASED,
    POST_FINALIZED,
    SIGNER_NOT_STAKED,
    WINDOW_OPEN,
    WRONG_STATUS,
    Batches,
    batches_hash,
    existing_post,
)
from precompiles.checks import require, require_text
from precompiles.host import Host
from precompiles.scores import MAXIMUM_SCORE_SUM
from precompiles.slots import add_to_slot, hash_word, store_struct, update_struct
from precompiles.views import attribution as view
from precompiles.views import disputes, juries, l1_block, metering, models, policy, staking
from precompiles.views.attribution import BatchClaim, Case, Post
from precompiles.views.metering import Settlement


def post(  # noqa: PLR0917 - the method's arguments
    host: Host,
    feature_index: int,
    batches: Batches,
    carry_in_wei: int,
    amounts_root: Hash32,
    amount_sum_wei: int,
    uri: bytes,
) -> int:
    """Post the payout of settled batches of one feature index, against the caller's provider stake.

    `carry_in_wei` is what the amounts assume of the model's carry: of what earlier posts left over and
    adapters passed as much as the poster knew of, up to a part of the first batch's pool. The part is small,
    since who paid for that batch chose the queries that steer it.
    """
    gas.charge(host, gas.ATTRIBUTION["post"], len(batches), gas.words(uri))
    if not models.is_index_usable(host, feature_index):
        raise FEATURE_INDEX_NOT_USABLE(feature_index)
    require(0 < len(batches) <= MAXIMUM_BATCHES, "batches")
    require_text(uri, "uri")
    version = policy.current_version(host)
    stake_wei = _provider_stake(host, version)
    model_id = models.feature_index(host, feature_index).model_id
    pools_wei = _settled_pools(host, feature_index, batches)
    _take_carry(host, model_id, carry_in_wei, pools_wei[0])
    pool_wei = carry_in_wei + sum(pools_wei)
    if amount_sum_wei > pool_wei:
        raise AMOUNT_ABOVE_POOL(amount_sum_wei, pool_wei)
    exposure_wei = exposure_of(host, host.caller) + pool_wei
    if exposure_wei > stake_wei // 2:
        raise LIABILITY_ABOVE_STAKE(exposure_wei, stake_wei // 2)
    contestable_until_s = host.timestamp_s + policy.parameter(host, version, "post_window_s")
    posted = Post(
        model_id,
        feature_index,
        host.caller,
        batches_hash(batches),
        amounts_root,
        amount_sum_wei,
        pool_wei,
        carry_in_wei,
        contestable_until_s,
        view.PENDING,
        ZERO_ADDRESS,
    )
    post_id = _store_post(host, posted, version, batches)
    add_to_slot(host, ATTRIBUTION, view.account_slot(view.LIABILITY_SLOT, host.caller), pool_wei)
    ATTRIBUTION_POSTED.emit(
        host,
        post_id,
        model_id,
        host.caller,
        feature_index,
        amounts_root,
        amount_sum_wei,
        pool_wei,
        contestable_until_s,
        batches,
        uri,
    )
    return post_id


def _store_post(host: Host, posted: Post, version: int, batches: Batches) -> int:
    """Note a post, what its challenges need to know, and whose pools it pays from; returns its id."""
    post_id = host.load(ATTRIBUTION, view.POST_COUNT_SLOT) + 1
    host.store(view.POST_COUNT_SLOT, post_id)
    store_struct(host, view.post_slot(post_id), view.POST, posted)
    host.store(juries.post_origin_slot(post_id), l1_block.origin(host))
    tree_id = _amounts_tree_id(host, posted.feature_index, batches)
    store_struct(host, view.case_slot(post_id), view.CASE, Case(version, tree_id, 0, 0, 0, 0, 0, 0))
    for batch in batches:
        host.store(view.post_of_settlement_slot(batch.settlement_id), post_id)
    return post_id


def finalize(host: Host, post_id: int) -> None:
    """Make the amounts of an unchallenged post claimable; what they leave over goes to the next pool."""
    gas.charge(host, gas.ATTRIBUTION["finalize"])
    posted = existing_post(host, post_id)
    if posted.status != view.PENDING:
        raise WRONG_STATUS(posted.status)
    contestable_until_s = max(posted.contestable_until_s, disputes.extension(host, post_id))
    if host.timestamp_s <= contestable_until_s:
        raise WINDOW_OPEN(contestable_until_s)
    before = view.case(host, post_id)
    if host.timestamp_s <= before.reveals_until_s or view.open_disputes(host, post_id) != 0:
        raise PENDING_CHALLENGE(post_id)
    final = replace(posted, status=view.FINAL)
    update_struct(host, view.post_slot(post_id), view.POST, posted, final)
    update_struct(host, view.case_slot(post_id), view.CASE, before, replace(before, bonds_wei=0))
    carry_out_wei = posted.pool_wei - posted.amount_sum_wei + before.bonds_wei
    liability_slot = view.account_slot(view.LIABILITY_SLOT, posted.signer)
    add_to_slot(host, ATTRIBUTION, liability_slot, -posted.pool_wei)
    note_final(host, posted)
    POST_FINALIZED.emit(host, post_id, posted.model_id, posted.amount_sum_wei, carry_out_wei)
    limit = policy.parameter(host, before.policy_version, "rollover_limit")
    _roll_over(host, posted, carry_out_wei, limit)


def _take_carry(host: Host, model_id: int, carry_in_wei: int, first_pool_wei: int) -> None:
    """Take a post's carry, what is left over first; revert if its first batch may not take so much."""
    kept_wei = view.kept(host, model_id)
    most_wei = carry_taken(kept_wei + view.passed(host, model_id), first_pool_wei)
    if carry_in_wei > most_wei:
        raise CARRY_CHANGED(carry_in_wei, most_wei)
    of_kept_wei = min(carry_in_wei, kept_wei)
    host.store(view.carry_slot(model_id), kept_wei - of_kept_wei)
    add_to_slot(host, ATTRIBUTION, view.taken_slot(model_id), carry_in_wei - of_kept_wei)


def _roll_over(host: Host, posted: Post, carry_out_wei: int, limit: int) -> None:
    """Keep what is left for the model's next posts; from the `limit`th in a row that paid nobody on, what
    such a post had is the treasury's, if as many times as much waits: posts of dust let nothing else go."""
    rollovers_slot = view.rollovers_slot(posted.model_id)
    rollovers = host.load(ATTRIBUTION, rollovers_slot) + 1 if posted.amount_sum_wei == 0 else 0
    host.store(rollovers_slot, rollovers)
    kept_wei = view.kept(host, posted.model_id)
    if rollovers < limit or kept_wei < limit * carry_out_wei:
        host.store(view.carry_slot(posted.model_id), kept_wei + carry_out_wei)
        return
    if carry_out_wei > 0:
        host.transfer(TREASURY, carry_out_wei)
    POOL_RELEASED.emit(host, posted.model_id, carry_out_wei)


def _provider_stake(host: Host, version: int) -> int:
    """What the caller's provider stake counts for, which must reach the minimum."""
    stake_wei = staking.answering_stake(host, host.caller, version)
    if stake_wei < policy.parameter(host, version, "minimum_provider_stake_wei"):
        raise SIGNER_NOT_STAKED(host.caller)
    return stake_wei


def _settled_pools(host: Host, feature_index: int, batches: Batches) -> list[int]:
    """The batches' pools, after checking that the caller may attribute each of them now."""
    pools_wei = []
    previous_id = 0
    for batch in batches:
        _check_claim(host, batch, previous_id)
        settlement = metering.settlement(host, batch.settlement_id)
        require(settlement.feature_index == feature_index, "featureIndex")
        _check_due(host, settlement)
        pools_wei.append(settlement.pool_wei)
        previous_id = batch.settlement_id
    return pools_wei


def _check_claim(host: Host, batch: BatchClaim, previous_id: int) -> None:
    """The settlement exists, comes after the one before and has no live post; sums keep their width."""
    require(metering.settlement_exists(host, batch.settlement_id), "settlementId")
    require(batch.settlement_id > previous_id, "order")
    require(batch.score_sum <= MAXIMUM_SCORE_SUM, "scoreSum")
    require(batch.debt_sum <= MAXIMUM_SCORE_SUM, "debtSum")
    if view.post_of_settlement(host, batch.settlement_id) != 0:
        raise ALREADY_ATTRIBUTED(batch.settlement_id)


def _check_due(host: Host, settlement: Settlement) -> None:
    """The first while after a settlement belongs to its provider."""
    earliest_s = settlement.settled_at_s + policy.parameter(host, settlement.policy_version, "post_delay_s")
    is_provider = metering.provider_of(host, settlement.channel_id) == host.caller
    if host.timestamp_s < earliest_s and not is_provider:
        raise NOT_DUE_YET(earliest_s)


def _amounts_tree_id(host: Host, feature_index: int, batches: Batches) -> Hash32:
    first_id = batches[0].settlement_id
    signer = hash_word(host.caller)
    return sum_tree_id(KIND_AMOUNTS, host.chain_id, ATTRIBUTION, feature_index, first_id, signer)
