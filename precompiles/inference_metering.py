"""InferenceMetering (04): inference paid by channels and by single requests; who provides it.

Covered: channels with pinned price, split and policy version; settlement by a signed voucher and the exact
sum of all receipts; the fee split; what retrieved records get of it; single requests with callback;
providers' directory; statistics; earnings.
What an account earned waits here, a provider's until its settlement is final; the contributors' pool goes to
Attribution and the stakers' part to Staking when they are settled. The methods are in the `metering_…`
modules; here are readings and the table.
Not covered: challenges of single receipts (a voucher's signer has acknowledged them).
Source: protocol, section 3 "Channels", "On-chain requests" and "Fee split".
"""

from typing import Any

from genesis.addresses import INFERENCE_METERING
from genesis.types import Address, Hash32
from precompiles import gas
from precompiles import metering_interface as interface
from precompiles.abi import Struct
from precompiles.checks import INVALID_ARGUMENT
from precompiles.contract import Contract, Method
from precompiles.host import Host
from precompiles.metering_access import existing_channel
from precompiles.metering_channels import open_channel, request_close, top_up, withdraw
from precompiles.metering_earnings import (
    audits_total,
    earnings_of,
    held_in,
    held_of,
    release_earnings,
    withdraw_earnings,
)
from precompiles.metering_interface import SETTLEMENT_NOT_FOUND
from precompiles.metering_providers import (
    announce_provider,
    get_provider,
    is_offered,
    model_provider_at,
    model_provider_count,
    provider_at,
    provider_count,
    set_offer,
    statistics_of,
)
from precompiles.metering_requests import (
    dispute_request,
    fulfil,
    get_request,
    mark_delivered,
    refund_request,
    request_inference,
    settle_request,
)
from precompiles.metering_retrieval import claim_retrieval, get_retrieval, is_retrieval_claimed
from precompiles.metering_settlement import settle, settle_with_retrieval
from precompiles.views import metering as view
from precompiles.views.metering import Channel, Settlement


def get_channel(host: Host, channel_id: Hash32) -> Channel:
    """One channel, closed ones too."""
    gas.charge(host, gas.INFERENCE_METERING["getChannel"])
    return existing_channel(host, channel_id)


def get_settlement(host: Host, settlement_id: int) -> Settlement:
    """One settlement."""
    gas.charge(host, gas.INFERENCE_METERING["getSettlement"])
    if not view.settlement_exists(host, settlement_id):
        raise SETTLEMENT_NOT_FOUND(settlement_id)
    return view.settlement(host, settlement_id)


def stakers_total(host: Host) -> int:
    """All stakers' parts ever settled."""
    gas.charge(host, gas.INFERENCE_METERING["stakersTotal"])
    return view.stakers_total(host)


def stakers_total_in(host: Host, epoch: int) -> int:
    """`stakersTotal` at the end of an epoch; 0 when nothing was settled in it."""
    gas.charge(host, gas.INFERENCE_METERING["stakersTotalIn"])
    return view.stakers_total_in(host, epoch)


def channel_nonce(host: Host, payer: Address) -> int:
    """How many channels a payer has opened."""
    gas.charge(host, gas.INFERENCE_METERING["channelNonce"])
    return host.load(INFERENCE_METERING, view.nonce_slot(payer))


def passed_to(host: Host, model_id: int) -> int:
    """What adapters' settlements passed to a model's pool, ever."""
    gas.charge(host, gas.INFERENCE_METERING["passedTo"])
    return view.passed_to(host, model_id)


_RETRIEVAL_STRUCTS: dict[str, Struct[Any]] = {
    "SettleOrder": view.SETTLE_ORDER,
    "RetrievalShare": view.RETRIEVAL_SHARE,
    "Membership": view.MEMBERSHIP,
    "Retrieval": view.RETRIEVAL,
}
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
        Method(
            "function settleWithRetrieval(SettleOrder order, RetrievalShare[] shares, bytes signature) "
            "returns (uint256 settlementId)",
            settle_with_retrieval,
            _RETRIEVAL_STRUCTS,
        ),
        Method(
            "function claimRetrieval(uint256 retrievalId, uint256 contributorIndex, address contributor, "
            "uint256 amount, bytes32[] siblings, uint256[] siblingSums, Membership membership)",
            claim_retrieval,
            _RETRIEVAL_STRUCTS,
        ),
        Method(
            "function getRetrieval(uint256 retrievalId) view returns (Retrieval)",
            get_retrieval,
            _RETRIEVAL_STRUCTS,
        ),
        Method(
            "function isRetrievalClaimed(uint256 retrievalId, uint256 contributorIndex) view returns (bool)",
            is_retrieval_claimed,
        ),
        Method("function requestClose(bytes32 channelId)", request_close),
        Method("function withdraw(bytes32 channelId)", withdraw),
        Method(
            "function requestInference(uint256 modelId, address provider, bytes32 promptHash, "
            "uint256 lifetime, uint256 callbackGas, uint256 callbackTip, string uri) payable "
            "returns (uint256 requestId)",
            request_inference,
        ),
        Method(
            "function fulfil(uint256 requestId, bytes32 outputHash, uint256 tokensIn, uint256 tokensOut, "
            "bytes32 queriesRoot, string uri)",
            fulfil,
        ),
        Method("function settleRequest(uint256 requestId) returns (uint256 settlementId)", settle_request),
        Method("function disputeRequest(uint256 requestId)", dispute_request),
        Method("function refundRequest(uint256 requestId)", refund_request),
        Method("function markDelivered(uint256 requestId, address deliverer)", mark_delivered),
        Method("function announceProvider(string endpoint, bytes32 documentHash)", announce_provider),
        Method("function setOffer(uint256 modelId, bool offered)", set_offer),
        Method(
            "function getRequest(uint256 requestId) view returns (Request)",
            get_request,
            {"Request": view.REQUEST},
        ),
        Method(
            "function getProvider(address provider) view returns (Provider)",
            get_provider,
            {"Provider": view.PROVIDER},
        ),
        Method("function providerCount() view returns (uint256)", provider_count),
        Method("function providerAt(uint256 position) view returns (address)", provider_at),
        Method("function isOffered(address provider, uint256 modelId) view returns (bool)", is_offered),
        Method("function modelProviderCount(uint256 modelId) view returns (uint256)", model_provider_count),
        Method(
            "function modelProviderAt(uint256 modelId, uint256 position) view returns (address)",
            model_provider_at,
        ),
        Method(
            "function statisticsOf(address account) view returns (Statistics)",
            statistics_of,
            {"Statistics": view.STATISTICS},
        ),
        Method("function passedTo(uint256 modelId) view returns (uint256)", passed_to),
        Method(
            "function releaseEarnings(uint256[] settlementIds) returns (uint256 amount)", release_earnings
        ),
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
        Method("function heldOf(address provider) view returns (uint256)", held_of),
        Method("function heldIn(uint256 settlementId) view returns (uint256)", held_in),
        Method("function stakersTotal() view returns (uint256)", stakers_total),
        Method("function auditsTotal() view returns (uint256)", audits_total),
        Method("function stakersTotalIn(uint256 epoch) view returns (uint256)", stakers_total_in),
        Method("function channelNonce(address payer) view returns (uint256)", channel_nonce),
    ),
    events=(
        interface.CHANNEL_OPENED,
        interface.CHANNEL_TOPPED_UP,
        interface.SETTLED,
        interface.CLOSE_REQUESTED,
        interface.CHANNEL_WITHDRAWN,
        interface.EARNINGS_RELEASED,
        interface.EARNINGS_WITHDRAWN,
        interface.POOL_PASSED,
        interface.RETRIEVAL_SETTLED,
        interface.RETRIEVAL_CLAIMED,
        interface.PROVIDER_ANNOUNCED,
        interface.OFFER_SET,
        interface.INFERENCE_REQUESTED,
        interface.REQUEST_FULFILLED,
        interface.REQUEST_PAID,
        interface.REQUEST_DISPUTED,
        interface.REQUEST_REFUNDED,
        interface.CALLBACK_DELIVERED,
    ),
    errors=(
        interface.CHANNEL_NOT_FOUND,
        interface.SETTLEMENT_NOT_FOUND,
        interface.SETTLEMENT_NOT_FINAL,
        interface.NOT_PAYER,
        interface.NOT_PROVIDER,
        INVALID_ARGUMENT,
        interface.MODEL_NOT_SERVABLE,
        interface.PROVIDER_NOT_STAKED,
        interface.INVALID_SIGNATURE,
        interface.STALE_VOUCHER,
        interface.WRONG_RECEIPTS_ROOT,
        interface.FEE_ABOVE_VOUCHER,
        interface.FEE_ABOVE_DEPOSIT,
        interface.RETRIEVAL_NOT_FOUND,
        interface.RETRIEVAL_NOT_ALLOWED,
        interface.RETRIEVAL_ABOVE_LIMIT,
        interface.INVALID_PROOF,
        interface.ALREADY_CLAIMED,
        interface.TOO_EARLY,
        interface.NOTHING_TO_WITHDRAW,
        interface.REQUEST_NOT_FOUND,
        interface.WRONG_STATUS,
        interface.DEADLINE_PASSED,
        interface.NOT_CALLBACK_CALLER,
    ),
)
