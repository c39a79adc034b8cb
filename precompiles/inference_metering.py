"""InferenceMetering (04): payment channels for inference, settled by receipts under one root.

Covered: channels with pinned price, split and policy version; settlement by a signed voucher and the exact
sum of all receipts; the fee split; earnings. What an account earned waits here; the contributors' pool goes
to Attribution and the stakers' part to Staking when they are settled.
Not covered: on-chain requests; challenges of single receipts (a voucher's signer has acknowledged them).
Source: protocol, section 3 "Channels" and "Fee split".
"""

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, STAKING, TREASURY
from genesis.commitments import SumNode, address_word, sum_node, word
from genesis.keccak import keccak256
from genesis.shares import FeeSplit, SplitRule, split_fee
from genesis.typed_data import Voucher, voucher_digest
from genesis.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from precompiles import gas
from precompiles.abi import TWO_256
from precompiles.checks import (
    INVALID_ARGUMENT,
    MAXIMUM_COUNT,
    MAXIMUM_WEI,
    require,
    require_recipient,
    require_text,
)
from precompiles.contract import Contract, Method
from precompiles.host import Host
from precompiles.metering_interface import (
    CHANNEL_NOT_FOUND,
    CHANNEL_OPENED,
    CHANNEL_TOPPED_UP,
    CHANNEL_WITHDRAWN,
    CLOSE_REQUESTED,
    EARNINGS_WITHDRAWN,
    FEE_ABOVE_DEPOSIT,
    FEE_ABOVE_VOUCHER,
    INVALID_SIGNATURE,
    MODEL_NOT_SERVABLE,
    NOT_PAYER,
    NOT_PROVIDER,
    NOTHING_TO_WITHDRAW,
    PROVIDER_NOT_STAKED,
    SETTLED,
    SETTLEMENT_NOT_FOUND,
    STALE_VOUCHER,
    TOO_EARLY,
    WRONG_RECEIPTS_ROOT,
)
from precompiles.slots import field_slot, store_struct
from precompiles.views import metering as view
from precompiles.views import models, policy, staking
from precompiles.views.metering import Channel, Settlement
from precompiles.views.models import Model

CLOSED = TWO_256 - 1
"""`closableAt` of a channel whose rest was withdrawn: it cannot close again, nor settle, nor be topped up."""


def open_channel(host: Host, provider: Address, model_id: int, voucher_key: Address) -> Hash32:
    """Open and fund a channel at the model's price and the current policy."""
    gas.charge(host, gas.INFERENCE_METERING["openChannel"])
    model = _servable_model(host, model_id)
    version = policy.current_version(host)
    minimum = policy.parameter(host, version, "minimum_provider_stake_wei")
    if staking.net_stake(host, provider, staking.PROVIDER).active_wei < minimum:
        raise PROVIDER_NOT_STAKED(provider)
    require(voucher_key != ZERO_ADDRESS, "voucherKey")
    require(0 < host.value_wei <= MAXIMUM_WEI, "value")
    nonce = host.load(INFERENCE_METERING, view.nonce_slot(host.caller))
    channel_id = _channel_id(host, provider, model_id, nonce)
    host.store(view.nonce_slot(host.caller), nonce + 1)
    channel = Channel(
        host.caller,
        provider,
        voucher_key,
        model_id,
        model.feature_index,
        version,
        model.input_price_wei,
        model.output_price_wei,
        host.value_wei,
        0,
        0,
        0,
    )
    store_struct(host, view.channel_slot(channel_id), view.CHANNEL, channel)
    CHANNEL_OPENED.emit(host, channel_id, host.caller, provider, model_id, voucher_key, host.value_wei)
    return channel_id


def top_up(host: Host, channel_id: Hash32) -> None:
    """Add to a channel's deposit, by anybody, while no close is requested."""
    gas.charge(host, gas.INFERENCE_METERING["topUp"])
    channel = _channel(host, channel_id)
    require(channel.closable_at_s == 0, "channel")
    deposit = channel.deposit_wei + host.value_wei
    require(host.value_wei > 0 and deposit <= MAXIMUM_WEI, "value")
    _store_field(host, channel_id, view.DEPOSIT_FIELD, deposit)
    CHANNEL_TOPPED_UP.emit(host, channel_id, host.value_wei, deposit)


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
    channel = _channel(host, channel_id)
    if channel.provider != host.caller:
        raise NOT_PROVIDER(host.caller)
    require(channel.closable_at_s == 0 or host.timestamp_s < channel.closable_at_s, "channel")
    if receipt_count <= channel.settled_receipts:
        raise STALE_VOUCHER(channel.settled_receipts)
    require(receipt_count <= MAXIMUM_COUNT, "receiptCount")
    require(queries_root != ZERO_HASH, "queriesRoot")
    require_text(uri, "uri")
    voucher = Voucher(channel_id, receipt_count, cumulative_fee_wei, receipts_root)
    if host.recover(voucher_digest(voucher, host.chain_id), signature) != channel.voucher_key:
        raise INVALID_SIGNATURE()
    root = sum_node(SumNode(left, left_sum_wei), SumNode(right, right_sum_wei))
    if root.hash != receipts_root or root.sum >= TWO_256:
        raise WRONG_RECEIPTS_ROOT()
    gross = _gross_fee(channel, root.sum, cumulative_fee_wei)
    split = split_fee(gross, _split_rule(host, channel.policy_version))
    _store_field(host, channel_id, view.SETTLED_FEE_FIELD, root.sum)
    _store_field(host, channel_id, view.SETTLED_RECEIPTS_FIELD, receipt_count)
    settlement_id = host.load(INFERENCE_METERING, view.SETTLEMENT_COUNT_SLOT) + 1
    host.store(view.SETTLEMENT_COUNT_SLOT, settlement_id)
    settlement = Settlement(
        channel_id,
        channel.model_id,
        channel.feature_index,
        channel.policy_version,
        queries_root,
        receipts_root,
        channel.settled_receipts,
        receipt_count - channel.settled_receipts,
        gross,
        split.contributors_wei,
        host.timestamp_s,
    )
    store_struct(host, view.settlement_slot(settlement_id), view.SETTLEMENT, settlement)
    _distribute(host, channel, split)
    SETTLED.emit(
        host,
        channel_id,
        settlement_id,
        channel.model_id,
        settlement.receipts,
        gross,
        split.platform_wei,
        split.provider_wei,
        split.owner_wei,
        split.stakers_wei,
        split.contributors_wei,
        receipts_root,
        queries_root,
        uri,
    )
    return settlement_id


def request_close(host: Host, channel_id: Hash32) -> None:
    """Start the delay after which the payer gets back what was not spent."""
    gas.charge(host, gas.INFERENCE_METERING["requestClose"])
    channel = _own_channel(host, channel_id)
    require(channel.closable_at_s == 0, "channel")
    delay_s = policy.parameter(host, channel.policy_version, "close_delay_s")
    closable_at_s = host.timestamp_s + delay_s
    _store_field(host, channel_id, view.CLOSABLE_AT_FIELD, closable_at_s)
    CLOSE_REQUESTED.emit(host, channel_id, closable_at_s)


def withdraw(host: Host, channel_id: Hash32) -> None:
    """Return what was not spent and end the channel."""
    gas.charge(host, gas.INFERENCE_METERING["withdraw"])
    channel = _own_channel(host, channel_id)
    require(channel.closable_at_s not in (0, CLOSED), "channel")
    if host.timestamp_s < channel.closable_at_s:
        raise TOO_EARLY(channel.closable_at_s)
    amount = channel.deposit_wei - channel.settled_fee_wei
    _store_field(host, channel_id, view.DEPOSIT_FIELD, channel.settled_fee_wei)
    _store_field(host, channel_id, view.CLOSABLE_AT_FIELD, CLOSED)
    _pay(host, host.caller, amount)
    CHANNEL_WITHDRAWN.emit(host, channel_id, amount)


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


def get_channel(host: Host, channel_id: Hash32) -> Channel:
    """One channel, closed ones too."""
    gas.charge(host, gas.INFERENCE_METERING["getChannel"])
    return _channel(host, channel_id)


def get_settlement(host: Host, settlement_id: int) -> Settlement:
    """One settlement."""
    gas.charge(host, gas.INFERENCE_METERING["getSettlement"])
    if not view.settlement_exists(host, settlement_id):
        raise SETTLEMENT_NOT_FOUND(settlement_id)
    return view.settlement(host, settlement_id)


def earnings_of(host: Host, account: Address) -> int:
    """What an account earned and did not withdraw."""
    gas.charge(host, gas.INFERENCE_METERING["earningsOf"])
    return host.load(INFERENCE_METERING, view.earnings_slot(account))


def stakers_total(host: Host) -> int:
    """All stakers' parts ever settled."""
    gas.charge(host, gas.INFERENCE_METERING["stakersTotal"])
    return view.stakers_total(host)


def channel_nonce(host: Host, payer: Address) -> int:
    """How many channels a payer has opened."""
    gas.charge(host, gas.INFERENCE_METERING["channelNonce"])
    return host.load(INFERENCE_METERING, view.nonce_slot(payer))


def _channel_id(host: Host, provider: Address, model_id: int, nonce: int) -> Hash32:
    return keccak256(
        word(host.chain_id)
        + address_word(INFERENCE_METERING)
        + address_word(host.caller)
        + address_word(provider)
        + word(model_id)
        + word(nonce)
    )


def _servable_model(host: Host, model_id: int) -> Model:
    """A model with a price and a usable feature index."""
    if not models.model_exists(host, model_id):
        raise MODEL_NOT_SERVABLE(model_id)
    model = models.model(host, model_id)
    has_price = model.input_price_wei > 0 or model.output_price_wei > 0
    if (
        not has_price
        or models.is_deprecated(host, model_id)
        or not models.is_index_usable(host, model.feature_index)
    ):
        raise MODEL_NOT_SERVABLE(model_id)
    return model


def _channel(host: Host, channel_id: Hash32) -> Channel:
    channel = view.channel(host, channel_id)
    if channel.payer == ZERO_ADDRESS:
        raise CHANNEL_NOT_FOUND(channel_id)
    return channel


def _own_channel(host: Host, channel_id: Hash32) -> Channel:
    channel = _channel(host, channel_id)
    if channel.payer != host.caller:
        raise NOT_PAYER(host.caller)
    return channel


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


def _distribute(host: Host, channel: Channel, split: FeeSplit) -> None:
    """Credit who withdraws here; send the stakers' part and the contributors' pool where they are paid."""
    _credit(host, TREASURY, split.platform_wei)
    _credit(host, channel.provider, split.provider_wei)
    _credit(host, models.model(host, channel.model_id).revenue_recipient, split.owner_wei)
    host.store(view.STAKERS_TOTAL_SLOT, view.stakers_total(host) + split.stakers_wei)
    _pay(host, STAKING, split.stakers_wei)
    _pay(host, ATTRIBUTION, split.contributors_wei)


def _credit(host: Host, account: Address, amount_wei: int) -> None:
    slot = view.earnings_slot(account)
    host.store(slot, host.load(INFERENCE_METERING, slot) + amount_wei)


def _pay(host: Host, recipient: Address, amount_wei: int) -> None:
    if amount_wei > 0:
        host.transfer(recipient, amount_wei)


def _store_field(host: Host, channel_id: Hash32, field: int, value: int) -> None:
    host.store(field_slot(view.channel_slot(channel_id), field), value)


CONTRACT = Contract(
    name="InferenceMetering",
    address=INFERENCE_METERING,
    prices=gas.INFERENCE_METERING,
    methods=(
        Method(
            "function openChannel(address provider, uint256 modelId, address voucherKey) payable "
            "returns (bytes32 channelId)",
            open_channel,
        ),
        Method("function topUp(bytes32 channelId) payable", top_up),
        Method(
            "function settle(bytes32 channelId, uint256 receiptCount, uint256 cumulativeFee, "
            "bytes32 receiptsRoot, bytes signature, bytes32 left, uint256 leftSum, bytes32 right, "
            "uint256 rightSum, bytes32 queriesRoot, string uri) returns (uint256 settlementId)",
            settle,
        ),
        Method("function requestClose(bytes32 channelId)", request_close),
        Method("function withdraw(bytes32 channelId)", withdraw),
        Method("function withdrawEarnings(address recipient) returns (uint256 amount)", withdraw_earnings),
        Method(
            "function getChannel(bytes32 channelId) view returns (Channel)",
            get_channel,
            {"Channel": view.CHANNEL},
        ),
        Method(
            "function getSettlement(uint256 settlementId) view returns (Settlement)",
            get_settlement,
            {"Settlement": view.SETTLEMENT},
        ),
        Method("function earningsOf(address account) view returns (uint256)", earnings_of),
        Method("function stakersTotal() view returns (uint256)", stakers_total),
        Method("function channelNonce(address payer) view returns (uint256)", channel_nonce),
    ),
    events=(
        CHANNEL_OPENED,
        CHANNEL_TOPPED_UP,
        SETTLED,
        CLOSE_REQUESTED,
        CHANNEL_WITHDRAWN,
        EARNINGS_WITHDRAWN,
    ),
    errors=(
        CHANNEL_NOT_FOUND,
        SETTLEMENT_NOT_FOUND,
        NOT_PAYER,
        NOT_PROVIDER,
        INVALID_ARGUMENT,
        MODEL_NOT_SERVABLE,
        PROVIDER_NOT_STAKED,
        INVALID_SIGNATURE,
        STALE_VOUCHER,
        WRONG_RECEIPTS_ROOT,
        FEE_ABOVE_VOUCHER,
        FEE_ABOVE_DEPOSIT,
        TOO_EARLY,
        NOTHING_TO_WITHDRAW,
    ),
)
