"""Settling a channel's receipts: the exact fee under a signed root, its split, what parents' pools get of it.

A policy share of an adapter's contributors' pool passes to its parent's pool, of that to the parent's
parent's, and so on for four generations; Attribution adds what was passed to a model to its next pool.
Source: protocol, section 3 "Channels" and "Fee split".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, STAKING, TREASURY
from genesis.commitments import SumNode, sum_node
from genesis.shares import PPM, FeeSplit, SplitRule, split_fee
from genesis.typed_data import RetrievalShare, Voucher, voucher_digest
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles import gas
from precompiles.abi import TWO_256
from precompiles.checks import MAXIMUM_COUNT, require, require_text
from precompiles.host import Host
from precompiles.metering_access import credit, existing_channel, pay, store_field
from precompiles.metering_earnings import hold
from precompiles.metering_interface import (
    FEE_ABOVE_DEPOSIT,
    FEE_ABOVE_VOUCHER,
    INVALID_SIGNATURE,
    NOT_PROVIDER,
    POOL_PASSED,
    SETTLED,
    STALE_VOUCHER,
    WRONG_RECEIPTS_ROOT,
)
from precompiles.metering_retrieval import check_shares, record_retrievals, shared_wei
from precompiles.slots import add_to_slot, field_slot, store_struct
from precompiles.views import metering as view
from precompiles.views import models, policy
from precompiles.views.metering import Channel, Settlement, SettleOrder

GENERATIONS = 4
RECEIPTS_BOUGHT_FIELD = 0
SPENT_FIELD = 1
RECEIPTS_SERVED_FIELD = 2
SERVED_FIELD = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """Receipts that are settled together."""

    receipts_root: Hash32
    queries_root: Hash32
    receipts: int
    gross_wei: int


def settle(  # noqa: PLR0917 - the method's arguments
    host: Host,
    channel_id: Hash32,
    receipt_count: int,
    cumulative_fee_wei: int,
    receipts_root: Hash32,
    signature: bytes,
    left: Hash32,
    left_sum_wei: int,
    right: Hash32,
    right_sum_wei: int,
    queries_root: Hash32,
    uri: bytes,
) -> int:
    """Take the receipts under a signed root that were not settled before, and split their fees."""
    gas.charge(host, gas.INFERENCE_METERING["settle"], gas.words(uri))
    order = SettleOrder(
        channel_id,
        receipt_count,
        cumulative_fee_wei,
        receipts_root,
        signature,
        left,
        left_sum_wei,
        right,
        right_sum_wei,
        queries_root,
        uri,
    )
    channel, batch = _take(host, order)
    return record_settlement(host, channel_id, channel, batch, uri)


def settle_with_retrieval(
    host: Host, order: SettleOrder, shares: Sequence[RetrievalShare], signature: bytes
) -> int:
    """Settle, and pay the records that were looked up for the answers their shares of the model's pool."""
    gas.charge(host, gas.INFERENCE_METERING["settleWithRetrieval"], gas.words(order.uri), len(shares))
    channel, batch = _take(host, order)
    check_shares(host, order, channel, shares, signature)
    return record_settlement(host, order.channel_id, channel, batch, order.uri, shares)


def _take(host: Host, order: SettleOrder) -> tuple[Channel, Batch]:
    """Check an order and charge its channel: the channel as it was before, and what is settled."""
    channel = existing_channel(host, order.channel_id)
    if channel.provider != host.caller:
        raise NOT_PROVIDER(host.caller)
    require(channel.closable_at_s == 0 or host.timestamp_s < channel.closable_at_s, "channel")
    if order.receipt_count <= channel.settled_receipts:
        raise STALE_VOUCHER(channel.settled_receipts)
    require(order.receipt_count <= MAXIMUM_COUNT, "receiptCount")
    require(order.queries_root != ZERO_HASH, "queriesRoot")
    require_text(order.uri, "uri")
    voucher = Voucher(order.channel_id, order.receipt_count, order.cumulative_fee_wei, order.receipts_root)
    if host.recover(voucher_digest(voucher, host.chain_id), order.signature) != channel.voucher_key:
        raise INVALID_SIGNATURE()
    root = sum_node(SumNode(order.left, order.left_sum_wei), SumNode(order.right, order.right_sum_wei))
    if root.hash != order.receipts_root or root.sum >= TWO_256:
        raise WRONG_RECEIPTS_ROOT()
    gross = _gross_fee(channel, root.sum, order.cumulative_fee_wei)
    store_field(host, order.channel_id, view.SETTLED_FEE_FIELD, root.sum)
    store_field(host, order.channel_id, view.SETTLED_RECEIPTS_FIELD, order.receipt_count)
    receipts = order.receipt_count - channel.settled_receipts
    return channel, Batch(order.receipts_root, order.queries_root, receipts, gross)


def record_settlement(  # noqa: PLR0917 - a settlement and what it pays
    host: Host,
    channel_id: Hash32,
    channel: Channel,
    batch: Batch,
    uri: bytes,
    shares: Sequence[RetrievalShare] = (),
) -> int:
    """Split a batch's fees and write the settlement down; `channel` is as it was before."""
    split = split_fee(batch.gross_wei, _split_rule(host, channel.policy_version))
    own_wei = split.contributors_wei - _pass_to_parents(host, channel_id, channel, split.contributors_wei)
    retrieved_wei = shared_wei(host, channel, own_wei, shares)
    pool_wei = own_wei - retrieved_wei
    settlement_id = host.load(INFERENCE_METERING, view.SETTLEMENT_COUNT_SLOT) + 1
    host.store(view.SETTLEMENT_COUNT_SLOT, settlement_id)
    settlement = Settlement(
        channel_id,
        channel.model_id,
        channel.feature_index,
        channel.policy_version,
        batch.queries_root,
        batch.receipts_root,
        channel.settled_receipts,
        batch.receipts,
        batch.gross_wei,
        pool_wei,
        host.timestamp_s,
    )
    store_struct(host, view.settlement_slot(settlement_id), view.SETTLEMENT, settlement)
    _count(host, channel, batch)
    hold(host, settlement_id, channel.provider, split.provider_wei)
    _distribute(host, channel, split, retrieved_wei)
    SETTLED.emit(
        host,
        channel_id,
        settlement_id,
        channel.model_id,
        settlement.receipts,
        settlement.gross_wei,
        split.platform_wei,
        split.provider_wei,
        split.owner_wei,
        split.stakers_wei,
        pool_wei,
        settlement.receipts_root,
        settlement.queries_root,
        uri,
    )
    record_retrievals(host, settlement_id, shares)
    return settlement_id


def _gross_fee(channel: Channel, total_wei: int, cumulative_fee_wei: int) -> int:
    """What the receipts since the last settlement cost. The tree is append-only: its total only grows."""
    if total_wei > cumulative_fee_wei:
        raise FEE_ABOVE_VOUCHER(total_wei, cumulative_fee_wei)
    if total_wei > channel.deposit_wei:
        raise FEE_ABOVE_DEPOSIT(total_wei, channel.deposit_wei)
    require(total_wei > channel.settled_fee_wei, "totalFee")
    return total_wei - channel.settled_fee_wei


def _split_rule(host: Host, version: int) -> SplitRule:
    return SplitRule(
        platform_ppm=policy.parameter(host, version, "platform_ppm"),
        provider_ppm=policy.parameter(host, version, "provider_ppm"),
        owner_ppm=policy.parameter(host, version, "owner_ppm"),
        stakers_ppm=policy.parameter(host, version, "stakers_ppm"),
    )


def _distribute(host: Host, channel: Channel, split: FeeSplit, retrieved_wei: int) -> None:
    """Credit who withdraws here; send the stakers' part, the contributors' pool and the audits' share of the
    platform's part where they are paid.

    The provider's part is held until the settlement is final; what retrieved records get is claimed here.
    """
    audits_ppm = policy.parameter(host, channel.policy_version, "audit_fund_ppm")
    audits_wei = split.platform_wei * audits_ppm // PPM
    credit(host, TREASURY, split.platform_wei - audits_wei)
    add_to_slot(host, INFERENCE_METERING, view.AUDITS_TOTAL_SLOT, audits_wei)
    credit(host, models.model(host, channel.model_id).revenue_recipient, split.owner_wei)
    stakers_wei = view.stakers_total(host) + split.stakers_wei
    host.store(view.STAKERS_TOTAL_SLOT, stakers_wei)
    host.store(view.stakers_total_in_slot(view.epoch(host)), stakers_wei)
    pay(host, STAKING, split.stakers_wei)
    pay(host, ATTRIBUTION, split.contributors_wei - retrieved_wei + audits_wei)


def _pass_to_parents(host: Host, channel_id: Hash32, channel: Channel, pool_wei: int) -> int:
    """Credit the parents' pools with their shares; returns what that takes from the model's own."""
    share_ppm = policy.parameter(host, channel.policy_version, "parent_share_ppm")
    ancestor = models.parent_of(host, channel.model_id)
    passed_wei = part_wei = pool_wei * share_ppm // PPM if ancestor else 0
    for generation in range(1, GENERATIONS + 1):
        if ancestor == 0:
            break
        parent = models.parent_of(host, ancestor) if generation < GENERATIONS else 0
        onward_wei = part_wei * share_ppm // PPM if parent else 0
        add_to_slot(host, INFERENCE_METERING, view.passed_slot(ancestor), part_wei - onward_wei)
        POOL_PASSED.emit(host, channel_id, ancestor, part_wei - onward_wei)
        ancestor, part_wei = parent, onward_wei
    return passed_wei


def _count(host: Host, channel: Channel, batch: Batch) -> None:
    """Add a batch to its payer's and its provider's statistics."""
    _add(host, channel.payer, RECEIPTS_BOUGHT_FIELD, batch.receipts)
    _add(host, channel.payer, SPENT_FIELD, batch.gross_wei)
    _add(host, channel.provider, RECEIPTS_SERVED_FIELD, batch.receipts)
    _add(host, channel.provider, SERVED_FIELD, batch.gross_wei)


def _add(host: Host, account: Address, field: int, amount: int) -> None:
    add_to_slot(host, INFERENCE_METERING, field_slot(view.statistics_slot(account), field), amount)
