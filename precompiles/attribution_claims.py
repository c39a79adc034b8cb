"""Paying out final posts: every contributor's amount once, to the contributor or where it says.

An amount below the policy's minimum is not sent but held; what is held is sent when it reaches the minimum,
or whenever its owner asks, so that dust costs nobody a transfer and is never lost.
Covered: claims by anybody for a contributor, elsewhere by the contributor or by its signature, held dust,
previews. Not covered: where the amounts come from (`attribution_posts`).
Source: protocol, section 3 "Attribution".
"""

from collections.abc import Sequence

from genesis.addresses import ATTRIBUTION
from genesis.commitments import address_word, sum_leaf
from genesis.shares import pool_amount
from genesis.typed_data import claim_digest
from genesis.types import ZERO_ADDRESS, Address, Hash32
from precompiles import gas
from precompiles.attribution_interface import (
    ALREADY_CLAIMED,
    CLAIMED,
    DUST_HELD,
    DUST_PAID,
    INVALID_PROOF,
    INVALID_SIGNATURE,
    NOTHING_TO_CLAIM,
    ORDER_EXPIRED,
    WRONG_STATUS,
    amounts_tree,
    existing_post,
)
from precompiles.checks import MAXIMUM_WEI, require, require_recipient
from precompiles.host import Host
from precompiles.scores import MAXIMUM_SCORE_SUM
from precompiles.slots import add_to_slot
from precompiles.views import attribution as view
from precompiles.views import models, policy
from precompiles.views.attribution import ClaimOrder, Post
from precompiles.views.models import FeatureIndex


def claim(  # noqa: PLR0917 - the method's arguments
    host: Host,
    post_id: int,
    contributor_index: int,
    contributor: Address,
    amount_wei: int,
    siblings: Sequence[Hash32],
    sibling_sums: Sequence[int],
    recipient: Address,
) -> None:
    """Pay a contributor's amount; only the contributor itself may have it sent elsewhere."""
    gas.charge(host, gas.ATTRIBUTION["claim"], len(siblings))
    require_recipient(recipient)
    require(contributor in (host.caller, recipient), "recipient")
    order = ClaimOrder(post_id, contributor_index, contributor, recipient, 0)
    _pay(host, order, amount_wei, siblings, sibling_sums)


def claim_for(  # noqa: PLR0917 - the method's arguments
    host: Host,
    order: ClaimOrder,
    amount_wei: int,
    siblings: Sequence[Hash32],
    sibling_sums: Sequence[int],
    signature: bytes,
) -> None:
    """Pay a contributor's amount where its signature says; anybody may send it until the order's deadline."""
    gas.charge(host, gas.ATTRIBUTION["claimFor"], len(siblings))
    require_recipient(order.recipient)
    if host.timestamp_s > order.deadline_s:
        raise ORDER_EXPIRED(order.deadline_s)
    digest = claim_digest(
        order.post_id,
        order.contributor_index,
        order.contributor,
        order.recipient,
        order.deadline_s,
        host.chain_id,
    )
    if host.recover(digest, signature) != order.contributor:
        raise INVALID_SIGNATURE()
    _pay(host, order, amount_wei, siblings, sibling_sums)


def withdraw_dust(host: Host, recipient: Address) -> int:
    """Pay what is held of the caller's small amounts, however little."""
    gas.charge(host, gas.ATTRIBUTION["withdrawDust"])
    require_recipient(recipient)
    held_wei = host.load(ATTRIBUTION, view.account_slot(view.DUST_SLOT, host.caller))
    if held_wei == 0:
        raise NOTHING_TO_CLAIM()
    _pay_dust(host, host.caller, recipient, held_wei)
    return held_wei


def dust_of(host: Host, contributor: Address) -> int:
    """What is held of a contributor's small amounts."""
    gas.charge(host, gas.ATTRIBUTION["dustOf"])
    return host.load(ATTRIBUTION, view.account_slot(view.DUST_SLOT, contributor))


def claimable(  # noqa: PLR0917 - the method's arguments
    host: Host,
    post_id: int,
    contributor_index: int,
    contributor: Address,
    amount_wei: int,
    siblings: Sequence[Hash32],
    sibling_sums: Sequence[int],
) -> int:
    """The amount, if the proof holds and a claim would pay it now; 0 otherwise."""
    gas.charge(host, gas.ATTRIBUTION["claimable"], len(siblings))
    posted = existing_post(host, post_id)
    order = ClaimOrder(post_id, contributor_index, contributor, contributor, 0)
    if posted.status != view.FINAL or _is_claimed(host, order):
        return 0
    index = models.feature_index(host, posted.feature_index)
    return amount_wei if _is_proved(host, posted, index, order, amount_wei, siblings, sibling_sums) else 0


def preview(host: Host, pool_wei: int, score: int, score_sum: int, policy_version: int) -> int:
    """What a score gets of a batch's pool under a policy version: `floor(pool · score / S)`, capped."""
    gas.charge(host, gas.ATTRIBUTION["preview"])
    require(pool_wei <= MAXIMUM_WEI, "pool")
    require(score <= score_sum <= MAXIMUM_SCORE_SUM, "score")
    require(0 < policy_version <= policy.current_version(host), "policyVersion")
    return pool_amount(
        pool_wei, score, score_sum, policy.parameter(host, policy_version, "maximum_share_ppm")
    )


def _pay(
    host: Host,
    order: ClaimOrder,
    amount_wei: int,
    siblings: Sequence[Hash32],
    sibling_sums: Sequence[int],
) -> None:
    posted = existing_post(host, order.post_id)
    if posted.status != view.FINAL:
        raise WRONG_STATUS(posted.status)
    index = models.feature_index(host, posted.feature_index)
    require(order.contributor_index < index.contributors, "contributorIndex")
    if _is_claimed(host, order):
        raise ALREADY_CLAIMED(order.post_id, order.contributor_index)
    if not _is_proved(host, posted, index, order, amount_wei, siblings, sibling_sums):
        raise INVALID_PROOF(b"amount")
    host.store(view.claimed_slot(order.post_id, order.contributor_index), 1)
    add_to_slot(host, ATTRIBUTION, view.account_slot(view.EARNINGS_SLOT, order.contributor), amount_wei)
    version = view.case(host, order.post_id).policy_version
    minimum_wei = policy.parameter(host, version, "minimum_claim_wei")
    if amount_wei >= minimum_wei and amount_wei > 0:
        host.transfer(order.recipient, amount_wei)
    CLAIMED.emit(host, order.post_id, order.contributor_index, order.contributor, order.recipient, amount_wei)
    if 0 < amount_wei < minimum_wei:
        _hold(host, order.contributor, amount_wei, minimum_wei)


def _is_claimed(host: Host, order: ClaimOrder) -> bool:
    return host.load(ATTRIBUTION, view.claimed_slot(order.post_id, order.contributor_index)) != 0


def _is_proved(  # noqa: PLR0917 - a leaf and its proof
    host: Host,
    posted: Post,
    index: FeatureIndex,
    order: ClaimOrder,
    amount_wei: int,
    siblings: Sequence[Hash32],
    sibling_sums: Sequence[int],
) -> bool:
    """True iff the amount is the contributor's leaf of the post's tree."""
    if order.contributor_index >= index.contributors:
        return False
    tree = amounts_tree(host, order.post_id, posted, index)
    leaf = sum_leaf(tree.id, order.contributor_index, address_word(order.contributor), amount_wei)
    return tree.contains(leaf, order.contributor_index, siblings, sibling_sums)


def _hold(host: Host, contributor: Address, amount_wei: int, minimum_wei: int) -> None:
    """Add a small amount to what is held, and pay that to the contributor when it has become enough."""
    slot = view.account_slot(view.DUST_SLOT, contributor)
    held_wei = host.load(ATTRIBUTION, slot) + amount_wei
    host.store(slot, held_wei)
    DUST_HELD.emit(host, contributor, amount_wei, held_wei)
    if held_wei >= minimum_wei and contributor != ZERO_ADDRESS:
        _pay_dust(host, contributor, contributor, held_wei)


def _pay_dust(host: Host, contributor: Address, recipient: Address, held_wei: int) -> None:
    host.store(view.account_slot(view.DUST_SLOT, contributor), 0)
    host.transfer(recipient, held_wei)
    DUST_PAID.emit(host, contributor, recipient, held_wei)
