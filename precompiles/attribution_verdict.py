"""The verdict on a post: who challenged it first, what its signer loses, who gets it.

The first successful challenge voids the post, frees its settlements and slashes its signer. Whoever committed
earlier and proves it within its reveal window takes the challenger's place. The challenger's share of the
slash grows from a quarter of the policy's at the moment of the post to all of it at the end of the window, by
the time of its commitment: a poster that commits first to a challenge of its own post, to be its own
challenger if it is caught, gets back a quarter for it, and must renew that with a bond per reveal window. The
rest is the treasury's. The reward is credited at once to the first who committed, else through `withdrawBond`
when all windows are over.
Source: protocol, section 3 "Challenges"; `docs/decisions/0005`.
"""

from dataclasses import dataclass, replace

from genesis.addresses import ATTRIBUTION, TREASURY
from genesis.shares import PPM
from genesis.types import Address
from precompiles.attribution_interface import CHALLENGE_PROVED, POST_VOIDED
from precompiles.host import Host
from precompiles.slots import add_to_slot, update_struct
from precompiles.views import attribution as view
from precompiles.views import metering, policy, staking
from precompiles.views.attribution import Case, Commitment, Post

EARLY_PARTS = 4
"""A challenger that commits with the post gets one part in so many of the policy's share."""


@dataclass(frozen=True, slots=True)
class Award:
    """What a challenger that won gets of the slash: what it paid for a jury, and its share of the rest."""

    share_ppm: int
    cost_wei: int


NUMBER_OF_GAMES = 2**200
"""In place of a commitment's number for who won a game or a demand: later than any commitment."""


def convict(host: Host, post_id: int, posted: Post, settlement_id: int = 0) -> None:
    """Use the caller's commitment; void the post if it stands, and settle who its challenger is.

    With a `settlement_id` it is that settlement's receipts or queries that were proved wrong, so its provider
    is slashed and not the post's signer, and it is never attributed.
    """
    slot = view.commitment_slot(post_id, host.caller)
    own = view.commitment(host, post_id, host.caller)
    update_struct(host, slot, view.COMMITMENT, own, replace(own, used=1))
    before = view.case(host, post_id)
    is_first = posted.status == view.PENDING
    leads = is_first or own.number < before.challenger_number
    share_ppm = post_challenger_ppm(host, posted, before, own)
    reward_wei = before.reward_wei
    slashed_wei = before.slashed_wei
    if is_first:
        guilty = guilty_of(host, posted, settlement_id)
        slashed_wei = slash(host, guilty, before.policy_version)
        reward_wei = slashed_wei * share_ppm // PPM
        credit_reward(host, TREASURY, slashed_wei - reward_wei)
        _void(host, posted, settlement_id)
        POST_VOIDED.emit(host, post_id, host.caller, guilty, slashed_wei, reward_wei)
    elif leads:
        reward_wei = share_of_earlier(host, reward_wei, slashed_wei, share_ppm)
    challenger = host.caller if leads else posted.challenger
    voided = replace(posted, status=view.VOID, challenger=challenger)
    update_struct(host, view.post_slot(post_id), view.POST, posted, voided)
    after = replace(before, reward_wei=reward_wei, slashed_wei=slashed_wei)
    settle_case(host, post_id, before, after, own, leads=leads)
    CHALLENGE_PROVED.emit(host, post_id, host.caller, challenger)


def void_by_default(
    host: Host, post_id: int, challenger: Address, settlement_id: int = 0, award: Award | None = None
) -> None:
    """Void a post that stands because its signer, or with a `settlement_id` that one's provider, lost a game
    or before a jury, or did not show what was demanded; the challenger has its share at once."""
    posted = view.post(host, post_id)
    if posted.status != view.PENDING:
        return
    guilty = guilty_of(host, posted, settlement_id)
    before = view.case(host, post_id)
    slashed_wei = slash(host, guilty, before.policy_version)
    reward_wei = credit_default(host, challenger, slashed_wei, before.policy_version, award)
    _void(host, posted, settlement_id)
    voided = replace(posted, status=view.VOID, challenger=challenger)
    update_struct(host, view.post_slot(post_id), view.POST, posted, voided)
    after = replace(before, challenger_number=NUMBER_OF_GAMES)
    update_struct(host, view.case_slot(post_id), view.CASE, before, after)
    POST_VOIDED.emit(host, post_id, challenger, guilty, slashed_wei, reward_wei)


def void_without_blame(host: Host, post_id: int, challenger: Address) -> None:
    """Void a post that stands on an index that an audit found wrong; its signer loses nothing."""
    posted = view.post(host, post_id)
    if posted.status != view.PENDING:
        return
    _void(host, posted, 0)
    voided = replace(posted, status=view.VOID, challenger=challenger)
    update_struct(host, view.post_slot(post_id), view.POST, posted, voided)
    before = view.case(host, post_id)
    after = replace(before, challenger_number=NUMBER_OF_GAMES)
    update_struct(host, view.case_slot(post_id), view.CASE, before, after)
    POST_VOIDED.emit(host, post_id, challenger, posted.signer, 0, 0)


def guilty_of(host: Host, posted: Post, settlement_id: int) -> Address:
    """Who answers for a post, or with a `settlement_id` for what that settlement committed."""
    if settlement_id == 0:
        return posted.signer
    return metering.provider_of(host, metering.settlement(host, settlement_id).channel_id)


def credit_default(
    host: Host, challenger: Address, slashed_wei: int, version: int, award: Award | None = None
) -> int:
    """Share a slash between the challenger, whose whole share is credited at once, and the treasury."""
    due = award or Award(policy.parameter(host, version, "challenger_ppm"), 0)
    cost_wei = min(due.cost_wei, slashed_wei)
    reward_wei = cost_wei + (slashed_wei - cost_wei) * due.share_ppm // PPM
    credit_reward(host, TREASURY, slashed_wei - reward_wei)
    credit_reward(host, challenger, reward_wei)
    return reward_wei


def share_of_earlier(host: Host, reward_wei: int, slashed_wei: int, share_ppm: int) -> int:
    """What a challenger gets that takes the place of one whose reward is kept; the treasury has the rest."""
    earlier_wei = slashed_wei * share_ppm // PPM
    credit_reward(host, TREASURY, reward_wei - earlier_wei)
    return earlier_wei


def settle_case(host: Host, key: int, before: Case, after: Case, own: Commitment, *, leads: bool) -> None:
    """Credit the reward at once if nobody can have committed earlier, let go of the bond, write the case."""
    credited_wei = after.reward_wei if own.number == 1 else 0
    credit_reward(host, host.caller, credited_wei)
    settled = replace(
        after,
        bonds_wei=before.bonds_wei - own.bond_wei,
        challenger_number=own.number if leads else before.challenger_number,
        reward_wei=after.reward_wei - credited_wei,
    )
    update_struct(host, view.case_slot(key), view.CASE, before, settled)


def credit_reward(host: Host, account: Address, reward_wei: int) -> None:
    """Note what Staking owes an account from slashed stake."""
    add_to_slot(host, ATTRIBUTION, view.account_slot(view.REWARD_SLOT, account), reward_wei)


def post_challenger_ppm(host: Host, posted: Post, case: Case, own: Commitment) -> int:
    """The challenger's share of the slash, by how long after the post it committed."""
    window_s = policy.parameter(host, case.policy_version, "post_window_s")
    return challenger_ppm(host, case.policy_version, own, posted.contestable_until_s, window_s)


def challenger_ppm(host: Host, version: int, own: Commitment, window_end_s: int, window_s: int) -> int:
    """The share of the slash for a commitment made within the `window_s` seconds before `window_end_s`."""
    reveal_s = policy.parameter(host, version, "challenge_reveal_s")
    full_ppm = policy.parameter(host, version, "challenger_ppm")
    elapsed_s = min(own.reveal_until_s - reveal_s - (window_end_s - window_s), window_s)
    return (full_ppm * window_s + full_ppm * (EARLY_PARTS - 1) * elapsed_s) // (EARLY_PARTS * window_s)


def slash(host: Host, signer: Address, version: int) -> int:
    """Take the policy's amount from a signer's stake, or what there is; returns it."""
    slash_amount_wei = policy.parameter(host, version, "slash_amount_wei")
    slashed_wei = min(slash_amount_wei, staking.slashable(host, signer))
    add_to_slot(host, ATTRIBUTION, view.account_slot(view.SLASHED_SLOT, signer), slashed_wei)
    return slashed_wei


def _void(host: Host, posted: Post, settlement_id: int) -> None:
    """Free the signer's stake, give back the carry, and pass on the pool of a settlement that is wrong."""
    liability_slot = view.account_slot(view.LIABILITY_SLOT, posted.signer)
    add_to_slot(host, ATTRIBUTION, liability_slot, -posted.pool_wei)
    released_wei = posted.carry_in_wei
    if settlement_id:
        released_wei += metering.settlement(host, settlement_id).pool_wei
        host.store(view.post_of_settlement_slot(settlement_id), view.VOID_SETTLEMENT)
    add_to_slot(host, ATTRIBUTION, view.carry_slot(posted.model_id), released_wei)
