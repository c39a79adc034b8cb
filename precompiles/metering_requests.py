"""Inference asked for by a transaction: escrow, answer, window, payment or refund, callback.

The named provider answers before the deadline and the fee waits for the policy's window. Undisputed it is
then settled like a channel's receipt, under a root of one leaf. A requester that disputes gets nothing back:
the fee goes to the treasury, so a dispute costs both sides and pays neither. A deadline that passes refunds
everything: a timeout never pays the unverified party.
The callback is made by the `CallbackCaller` predeploy, which holds nothing and whose only right is to mark a
callback as delivered; whoever sends it gets the tip.
Source: protocol, section 3 "On-chain requests".
"""

from dataclasses import replace

from genesis.addresses import CALLBACK_CALLER, INFERENCE_METERING, TREASURY
from genesis.commitments import (
    EMPTY_SUM_NODE,
    KIND_RECEIPTS,
    address_word,
    receipt_hash,
    sum_leaf,
    sum_node,
    sum_tree_id,
    word,
)
from genesis.keccak import keccak256
from genesis.shares import receipt_fee
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles import gas
from precompiles.checks import MAXIMUM_COUNT, MAXIMUM_WEI, require, require_recipient, require_text
from precompiles.host import Host
from precompiles.metering_access import credit, pay, require_staked, servable_model
from precompiles.metering_channels import CLOSED
from precompiles.metering_interface import (
    CALLBACK_DELIVERED,
    DEADLINE_PASSED,
    FEE_ABOVE_DEPOSIT,
    INFERENCE_REQUESTED,
    NOT_CALLBACK_CALLER,
    NOT_PAYER,
    NOT_PROVIDER,
    REQUEST_DISPUTED,
    REQUEST_FULFILLED,
    REQUEST_NOT_FOUND,
    REQUEST_PAID,
    REQUEST_REFUNDED,
    TOO_EARLY,
    WRONG_STATUS,
)
from precompiles.metering_settlement import Batch, record_settlement
from precompiles.slots import add_to_slot, field_slot, hash_word, store_struct, update_struct
from precompiles.views import metering as view
from precompiles.views import policy
from precompiles.views.metering import Channel, Request

MAXIMUM_LIFETIME_S = 2_592_000
MAXIMUM_CALLBACK_GAS = 1_000_000
DISPUTES_FIELD = 4


def request_inference(  # noqa: PLR0917 - the method's arguments
    host: Host,
    model_id: int,
    provider: Address,
    prompt_hash: Hash32,
    lifetime_s: int,
    callback_gas: int,
    callback_tip_wei: int,
    uri: bytes,
) -> int:
    """Ask a provider for one inference, with what it may cost at most and the callback's tip as value."""
    gas.charge(host, gas.INFERENCE_METERING["requestInference"], gas.words(uri))
    model = servable_model(host, model_id)
    version = policy.current_version(host)
    require_staked(host, provider, version)
    require(prompt_hash != ZERO_HASH, "promptHash")
    require(0 < lifetime_s <= MAXIMUM_LIFETIME_S, "lifetime")
    require(callback_gas <= MAXIMUM_CALLBACK_GAS, "callbackGas")
    require(callback_tip_wei == 0 or callback_gas > 0, "callbackTip")
    require(callback_tip_wei < host.value_wei <= MAXIMUM_WEI, "value")
    require_text(uri, "uri")
    request = Request(
        host.caller,
        provider,
        model_id,
        model.feature_index,
        version,
        model.input_price_wei,
        model.output_price_wei,
        prompt_hash,
        host.value_wei - callback_tip_wei,
        host.timestamp_s + lifetime_s,
        callback_gas,
        callback_tip_wei,
        int(callback_gas > 0),
        view.OPEN,
        ZERO_HASH,
        ZERO_HASH,
        0,
        0,
        0,
    )
    request_id = host.load(INFERENCE_METERING, view.REQUEST_COUNT_SLOT) + 1
    host.store(view.REQUEST_COUNT_SLOT, request_id)
    store_struct(host, view.request_slot(request_id), view.REQUEST, request)
    INFERENCE_REQUESTED.emit(
        host,
        request_id,
        model_id,
        provider,
        host.caller,
        prompt_hash,
        request.escrow_wei,
        request.deadline_s,
        uri,
    )
    return request_id


def fulfil(  # noqa: PLR0917 - the method's arguments
    host: Host,
    request_id: int,
    output_hash: Hash32,
    tokens_in: int,
    tokens_out: int,
    queries_root: Hash32,
    uri: bytes,
) -> None:
    """Answer a request; what it may have cost beyond its fee goes back at once."""
    gas.charge(host, gas.INFERENCE_METERING["fulfil"], gas.words(uri))
    request = _existing(host, request_id)
    if request.provider != host.caller:
        raise NOT_PROVIDER(host.caller)
    _check_status(request, view.OPEN)
    if host.timestamp_s > request.deadline_s:
        raise DEADLINE_PASSED(request.deadline_s)
    require(output_hash != ZERO_HASH, "outputHash")
    require(tokens_in <= MAXIMUM_COUNT, "tokensIn")
    require(tokens_out <= MAXIMUM_COUNT, "tokensOut")
    require(queries_root != ZERO_HASH, "queriesRoot")
    require_text(uri, "uri")
    fee_wei = receipt_fee(tokens_in, tokens_out, request.input_price_wei, request.output_price_wei)
    require(fee_wei > 0, "fee")
    if fee_wei > request.escrow_wei:
        raise FEE_ABOVE_DEPOSIT(fee_wei, request.escrow_wei)
    window_s = policy.parameter(host, request.policy_version, "request_window_s")
    fulfilled = replace(
        request,
        escrow_wei=fee_wei,
        status=view.FULFILLED,
        output_hash=output_hash,
        queries_root=queries_root,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        payable_at_s=host.timestamp_s + window_s,
    )
    _update(host, request_id, request, fulfilled)
    pay(host, request.requester, request.escrow_wei - fee_wei)
    REQUEST_FULFILLED.emit(host, request_id, output_hash, fee_wei, fulfilled.payable_at_s, uri)


def settle_request(host: Host, request_id: int) -> int:
    """Split the fee of an answer that nobody disputed in its window; by anybody. Returns the settlement."""
    gas.charge(host, gas.INFERENCE_METERING["settleRequest"])
    request = _existing(host, request_id)
    _check_status(request, view.FULFILLED)
    if host.timestamp_s < request.payable_at_s:
        raise TOO_EARLY(request.payable_at_s)
    _update(host, request_id, request, replace(request, escrow_wei=0, status=view.PAID))
    channel_id = _channel_id(host, request_id)
    fee_wei = request.escrow_wei
    channel = Channel(
        request.requester,
        request.provider,
        request.requester,
        request.model_id,
        request.feature_index,
        request.policy_version,
        request.input_price_wei,
        request.output_price_wei,
        fee_wei,
        fee_wei,
        1,
        CLOSED,
    )
    store_struct(host, view.channel_slot(channel_id), view.CHANNEL, channel)
    batch = Batch(_receipts_root(host, channel_id, request), request.queries_root, 1, fee_wei)
    settlement_id = record_settlement(host, channel_id, replace(channel, settled_receipts=0), batch, b"")
    REQUEST_PAID.emit(host, request_id, settlement_id)
    return settlement_id


def dispute_request(host: Host, request_id: int) -> None:
    """Refuse an answer within its window: the fee goes to the treasury, to neither side."""
    gas.charge(host, gas.INFERENCE_METERING["disputeRequest"])
    request = _existing(host, request_id)
    if request.requester != host.caller:
        raise NOT_PAYER(host.caller)
    _check_status(request, view.FULFILLED)
    if host.timestamp_s >= request.payable_at_s:
        raise DEADLINE_PASSED(request.payable_at_s)
    _update(host, request_id, request, replace(request, escrow_wei=0, status=view.DISPUTED))
    credit(host, TREASURY, request.escrow_wei)
    disputes_slot = field_slot(view.statistics_slot(request.provider), DISPUTES_FIELD)
    add_to_slot(host, INFERENCE_METERING, disputes_slot, 1)
    REQUEST_DISPUTED.emit(host, request_id, request.escrow_wei)


def refund_request(host: Host, request_id: int) -> None:
    """Give everything back when the deadline passed without an answer; by anybody."""
    gas.charge(host, gas.INFERENCE_METERING["refundRequest"])
    request = _existing(host, request_id)
    _check_status(request, view.OPEN)
    if host.timestamp_s <= request.deadline_s:
        raise TOO_EARLY(request.deadline_s + 1)
    refunded = replace(request, escrow_wei=0, callback_tip_wei=0, undelivered=0, status=view.REFUNDED)
    _update(host, request_id, request, refunded)
    amount_wei = request.escrow_wei + request.callback_tip_wei
    host.transfer(request.requester, amount_wei)
    REQUEST_REFUNDED.emit(host, request_id, request.requester, amount_wei)


def mark_delivered(host: Host, request_id: int, deliverer: Address) -> None:
    """Note that the callback is being made, once, and pay its tip; by the callback caller only."""
    gas.charge(host, gas.INFERENCE_METERING["markDelivered"])
    if host.caller != CALLBACK_CALLER:
        raise NOT_CALLBACK_CALLER(host.caller)
    request = _existing(host, request_id)
    if request.status in (view.OPEN, view.REFUNDED) or request.undelivered == 0:
        raise WRONG_STATUS(request.status)
    require_recipient(deliverer)
    _update(host, request_id, request, replace(request, callback_tip_wei=0, undelivered=0))
    pay(host, deliverer, request.callback_tip_wei)
    CALLBACK_DELIVERED.emit(host, request_id, deliverer, request.callback_tip_wei)


def get_request(host: Host, request_id: int) -> Request:
    """One request."""
    gas.charge(host, gas.INFERENCE_METERING["getRequest"])
    return _existing(host, request_id)


def _existing(host: Host, request_id: int) -> Request:
    if not 0 < request_id <= host.load(INFERENCE_METERING, view.REQUEST_COUNT_SLOT):
        raise REQUEST_NOT_FOUND(request_id)
    return view.request(host, request_id)


def _check_status(request: Request, required: int) -> None:
    if request.status != required:
        raise WRONG_STATUS(request.status)


def _update(host: Host, request_id: int, before: Request, after: Request) -> None:
    update_struct(host, view.request_slot(request_id), view.REQUEST, before, after)


def _channel_id(host: Host, request_id: int) -> Hash32:
    """The channel that a request's receipt is settled in: one word shorter than any other's preimage."""
    return keccak256(word(host.chain_id) + address_word(INFERENCE_METERING) + word(request_id))


def _receipts_root(host: Host, channel_id: Hash32, request: Request) -> Hash32:
    """Root of the tree of the request's one receipt."""
    tree = sum_tree_id(KIND_RECEIPTS, host.chain_id, INFERENCE_METERING, hash_word(channel_id))
    receipt = receipt_hash(
        channel_id=channel_id,
        number=0,
        prompt_hash=request.prompt_hash,
        output_hash=request.output_hash,
        tokens_in=request.tokens_in,
        tokens_out=request.tokens_out,
        fee_wei=request.escrow_wei,
    )
    return sum_node(sum_leaf(tree, 0, receipt, request.escrow_wei), EMPTY_SUM_NODE).hash
