"""What providers and model owners have earned: held, released, withdrawn.

A provider's part of a settlement is held until its receipts can no longer be contested, which is when the
post that attributes them is final. Where they are proved wrong it goes to the treasury, beside the provider's
slash: the customer acknowledged the receipts, and may be the provider's own. A settlement that nobody
attributes within the policy's unbonding time is released too (validators may post it from the policy's delay
on), and so is one whose feature index turned out void, which is the index's signer's fault. Where somebody
else posted, a tenth of the provider's part is that poster's: the late fee.
Covered: release, withdrawal. Not covered: the owner's, stakers' and contributors' parts: they are not held.
Source: protocol, section 3 "Channels" (settle, challenge period, close); `docs/decisions/0012`.
"""

from collections.abc import Sequence

from genesis.addresses import INFERENCE_METERING, TREASURY
from genesis.shares import PPM
from genesis.types import Address
from precompiles import gas
from precompiles.checks import require_recipient
from precompiles.host import Host
from precompiles.metering_access import credit
from precompiles.metering_interface import (
    EARNINGS_RELEASED,
    EARNINGS_WITHDRAWN,
    NOTHING_TO_WITHDRAW,
    SETTLEMENT_NOT_FINAL,
    SETTLEMENT_NOT_FOUND,
)
from precompiles.slots import add_to_slot
from precompiles.views import attribution, policy
from precompiles.views import metering as view
from precompiles.views.metering import Settlement

LATE_POST_PPM = 100_000
"""What a poster who is not the settlement's provider gets of the provider's part."""


def hold(host: Host, settlement_id: int, provider: Address, amount_wei: int) -> None:
    """Keep a provider's part until its settlement is final."""
    host.store(view.held_in_slot(settlement_id), amount_wei)
    add_to_slot(host, INFERENCE_METERING, view.held_slot(provider), amount_wei)


def release_earnings(host: Host, settlement_ids: Sequence[int]) -> int:
    """Let go of what was held for settlements that are final; by anybody. Returns how much."""
    gas.charge(host, gas.INFERENCE_METERING["releaseEarnings"], len(settlement_ids))
    released_wei = sum(_release(host, settlement_id) for settlement_id in settlement_ids)
    if released_wei == 0:
        raise NOTHING_TO_WITHDRAW()
    return released_wei


def withdraw_earnings(host: Host, recipient: Address) -> int:
    """Pay the caller's earnings; with the treasury as recipient, the treasury's own, sent by anybody."""
    gas.charge(host, gas.INFERENCE_METERING["withdrawEarnings"])
    require_recipient(recipient)
    account = TREASURY if recipient == TREASURY else host.caller
    amount = host.load(INFERENCE_METERING, view.earnings_slot(account))
    if amount == 0:
        raise NOTHING_TO_WITHDRAW()
    host.store(view.earnings_slot(account), 0)
    host.transfer(recipient, amount)
    EARNINGS_WITHDRAWN.emit(host, account, recipient, amount)
    return amount


def earnings_of(host: Host, account: Address) -> int:
    """What an account earned and may withdraw."""
    gas.charge(host, gas.INFERENCE_METERING["earningsOf"])
    return host.load(INFERENCE_METERING, view.earnings_slot(account))


def held_of(host: Host, provider: Address) -> int:
    """What a provider earned in settlements that are not final."""
    gas.charge(host, gas.INFERENCE_METERING["heldOf"])
    return host.load(INFERENCE_METERING, view.held_slot(provider))


def held_in(host: Host, settlement_id: int) -> int:
    """What is held of one settlement; 0 once it was released."""
    gas.charge(host, gas.INFERENCE_METERING["heldIn"])
    return view.held_in(host, settlement_id)


def audits_total(host: Host) -> int:
    """What Attribution's audits got of the platform's parts, ever."""
    gas.charge(host, gas.INFERENCE_METERING["auditsTotal"])
    return view.audits_total(host)


def _release(host: Host, settlement_id: int) -> int:
    """Credit who is due what is held of a settlement, which has to be final; returns how much."""
    if not view.settlement_exists(host, settlement_id):
        raise SETTLEMENT_NOT_FOUND(settlement_id)
    held_wei = view.held_in(host, settlement_id)
    if held_wei == 0:
        return 0
    settlement = view.settlement(host, settlement_id)
    provider = view.provider_of(host, settlement.channel_id)
    recipient = _due(host, settlement_id, settlement, provider)
    if recipient is None:
        raise SETTLEMENT_NOT_FINAL(settlement_id)
    host.store(view.held_in_slot(settlement_id), 0)
    add_to_slot(host, INFERENCE_METERING, view.held_slot(provider), -held_wei)
    poster = _poster(host, settlement_id, provider)
    late_wei = held_wei * LATE_POST_PPM // PPM if poster != provider else 0
    if late_wei > 0:
        _credit(host, settlement_id, poster, late_wei)
    _credit(host, settlement_id, recipient, held_wei - late_wei)
    return held_wei


def _credit(host: Host, settlement_id: int, recipient: Address, amount_wei: int) -> None:
    credit(host, recipient, amount_wei)
    EARNINGS_RELEASED.emit(host, settlement_id, recipient, amount_wei)


def _poster(host: Host, settlement_id: int, provider: Address) -> Address:
    """Who made the post that attributes a settlement; the provider where none does."""
    post_id = attribution.post_of_settlement(host, settlement_id)
    if post_id in (0, attribution.VOID_SETTLEMENT):
        return provider
    return attribution.post_signer(host, post_id)


def _due(host: Host, settlement_id: int, settlement: Settlement, provider: Address) -> Address | None:
    """Who is due the provider's part of a settlement; None while that is open."""
    post_id = attribution.post_of_settlement(host, settlement_id)
    if post_id == attribution.VOID_SETTLEMENT:
        index_status = attribution.index_status(host, settlement.feature_index)
        return provider if index_status == attribution.INDEX_VOID else TREASURY
    if post_id != 0:
        return provider if attribution.post_status(host, post_id) == attribution.FINAL else None
    unbonding_s = policy.parameter(host, settlement.policy_version, "unbonding_s")
    return provider if host.timestamp_s >= settlement.settled_at_s + unbonding_s else None
