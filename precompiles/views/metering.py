"""Where InferenceMetering keeps channels, settlements and earnings, and how others read them."""

from collections.abc import Sequence
from dataclasses import dataclass

from genesis.addresses import INFERENCE_METERING
from genesis.typed_data import RetrievalShare
from genesis.types import Address, Hash32
from precompiles.abi import Struct
from precompiles.host import Host
from precompiles.slots import field_slot, load_address, load_struct, mapping_slot
from precompiles.views import policy

SETTLEMENT_COUNT_SLOT = 0
STAKERS_TOTAL_SLOT = 1
CHANNELS_SLOT = 2
SETTLEMENTS_SLOT = 3
EARNINGS_SLOT = 4
NONCES_SLOT = 5
PASSED_SLOT = 6
STATISTICS_SLOT = 7
PROVIDER_COUNT_SLOT = 8
PROVIDER_LIST_SLOT = 9
PROVIDERS_SLOT = 10
OFFERS_SLOT = 11
MODEL_PROVIDER_COUNT_SLOT = 12
MODEL_PROVIDERS_SLOT = 13
REQUEST_COUNT_SLOT = 14
REQUESTS_SLOT = 15
STAKERS_TOTAL_IN_SLOT = 16
HELD_IN_SLOT = 17
HELD_SLOT = 18
RETRIEVAL_COUNT_SLOT = 19
RETRIEVALS_SLOT = 20
RETRIEVAL_CLAIMED_SLOT = 21
AUDITS_TOTAL_SLOT = 22

EPOCHS_OF_UNBONDING = 14

OPEN = 1
FULFILLED = 2
PAID = 3
DISPUTED = 4
REFUNDED = 5

DEPOSIT_FIELD = 8
SETTLED_FEE_FIELD = 9
SETTLED_RECEIPTS_FIELD = 10
CLOSABLE_AT_FIELD = 11
PROVIDER_FIELD = 1
CLAIMED_FIELD = 6


@dataclass(frozen=True, slots=True)
class Channel:
    """One payment channel; prices are wei per 1,000 tokens, all of it pinned at opening but the last four."""

    payer: Address
    provider: Address
    voucher_key: Address
    model_id: int
    feature_index: int
    policy_version: int
    input_price_wei: int
    output_price_wei: int
    deposit_wei: int
    settled_fee_wei: int
    settled_receipts: int
    closable_at_s: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """One settled batch of receipts; `pool_wei` is the contributors' part of `gross_wei`."""

    channel_id: Hash32
    model_id: int
    feature_index: int
    policy_version: int
    queries_root: Hash32
    receipts_root: Hash32
    first_receipt: int
    receipts: int
    gross_wei: int
    pool_wei: int
    settled_at_s: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What an account bought and served, ever: receipts and wei; and requests of its that were disputed."""

    receipts_bought: int
    spent_wei: int
    receipts_served: int
    served_wei: int
    disputes: int


@dataclass(frozen=True, slots=True)
class Provider:
    """An announced provider; `number` is its place in the list, counted from 1, 0 when it is not in it."""

    number: int
    document_hash: Hash32
    announced_at_s: int


@dataclass(frozen=True, slots=True)
class Request:
    """One inference asked for on chain. `escrow_wei` is what is still held for it: at most what it may cost,
    then its fee, then nothing; `undelivered` is 1 while a callback is owed."""

    requester: Address
    provider: Address
    model_id: int
    feature_index: int
    policy_version: int
    input_price_wei: int
    output_price_wei: int
    prompt_hash: Hash32
    escrow_wei: int
    deadline_s: int
    callback_gas: int
    callback_tip_wei: int
    undelivered: int
    status: int
    output_hash: Hash32
    queries_root: Hash32
    tokens_in: int
    tokens_out: int
    payable_at_s: int


@dataclass(frozen=True, slots=True)
class SettleOrder:
    """What `settle` takes, as one record."""

    channel_id: Hash32
    receipt_count: int
    cumulative_fee_wei: int
    receipts_root: Hash32
    signature: bytes
    left: Hash32
    left_sum_wei: int
    right: Hash32
    right_sum_wei: int
    queries_root: Hash32
    uri: bytes


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What a settlement left the retrieved records of one Datanet version, and how much of it was claimed."""

    settlement_id: int
    datanet_id: int
    version: int
    contributors: int
    root: Hash32
    amount_wei: int
    claimed_wei: int


@dataclass(frozen=True, slots=True)
class Membership:
    """Where a contribution stands in a published version: the path of its leaf."""

    position: int
    contribution_id: int
    first_record: int
    proof: Sequence[Hash32]


STATISTICS = Struct(
    "Statistics",
    Statistics,
    "uint256 receiptsBought, uint256 spent, uint256 receiptsServed, uint256 served, uint256 disputes",
)
PROVIDER = Struct("Provider", Provider, "uint256 number, bytes32 documentHash, uint256 announcedAt")
REQUEST = Struct(
    "Request",
    Request,
    "address requester, address provider, uint256 modelId, uint256 featureIndex, uint256 policyVersion, "
    "uint256 inputPrice, uint256 outputPrice, bytes32 promptHash, uint256 escrow, uint256 deadline, "
    "uint256 callbackGas, uint256 callbackTip, uint256 undelivered, uint256 status, bytes32 outputHash, "
    "bytes32 queriesRoot, uint256 tokensIn, uint256 tokensOut, uint256 payableAt",
)
CHANNEL = Struct(
    "Channel",
    Channel,
    "address payer, address provider, address voucherKey, uint256 modelId, uint256 featureIndex, "
    "uint256 policyVersion, uint256 inputPrice, uint256 outputPrice, uint256 deposit, uint256 settledFee, "
    "uint256 settledReceipts, uint256 closableAt",
)
SETTLEMENT = Struct(
    "Settlement",
    Settlement,
    "bytes32 channelId, uint256 modelId, uint256 featureIndex, uint256 policyVersion, bytes32 queriesRoot, "
    "bytes32 receiptsRoot, uint256 firstReceipt, uint256 receipts, uint256 gross, uint256 pool, "
    "uint256 settledAt",
)

SETTLE_ORDER = Struct(
    "SettleOrder",
    SettleOrder,
    "bytes32 channelId, uint256 receiptCount, uint256 cumulativeFee, bytes32 receiptsRoot, bytes signature, "
    "bytes32 left, uint256 leftSum, bytes32 right, uint256 rightSum, bytes32 queriesRoot, string uri",
)
RETRIEVAL_SHARE = Struct(
    "RetrievalShare",
    RetrievalShare,
    "uint256 datanetId, uint256 version, uint256 contributors, bytes32 root, uint256 amount",
)
RETRIEVAL = Struct(
    "Retrieval",
    Retrieval,
    "uint256 settlementId, uint256 datanetId, uint256 version, uint256 contributors, bytes32 root, "
    "uint256 amount, uint256 claimed",
)
MEMBERSHIP = Struct(
    "Membership",
    Membership,
    "uint256 position, uint256 contributionId, uint256 firstRecord, bytes32[] proof",
)


def channel_slot(channel_id: Hash32) -> int:
    """Base slot of a channel."""
    return mapping_slot(CHANNELS_SLOT, channel_id)


def settlement_slot(settlement_id: int) -> int:
    """Base slot of a settlement."""
    return mapping_slot(SETTLEMENTS_SLOT, settlement_id)


def earnings_slot(account: Address) -> int:
    """Slot of what an account earned and did not withdraw."""
    return mapping_slot(EARNINGS_SLOT, account)


def held_in_slot(settlement_id: int) -> int:
    """Slot of what is held of a settlement's provider's part."""
    return mapping_slot(HELD_IN_SLOT, settlement_id)


def held_in(host: Host, settlement_id: int) -> int:
    """Wei held of a settlement's provider's part."""
    return host.load(INFERENCE_METERING, held_in_slot(settlement_id))


def held_slot(provider: Address) -> int:
    """Slot of what is held for a provider in all."""
    return mapping_slot(HELD_SLOT, provider)


def nonce_slot(payer: Address) -> int:
    """Slot of how many channels a payer has opened."""
    return mapping_slot(NONCES_SLOT, payer)


def channel(host: Host, channel_id: Hash32) -> Channel:
    """A channel; zeros when it was never opened."""
    return load_struct(host, INFERENCE_METERING, channel_slot(channel_id), CHANNEL)


def provider_of(host: Host, channel_id: Hash32) -> Address:
    """The channel's provider."""
    return load_address(host, INFERENCE_METERING, field_slot(channel_slot(channel_id), PROVIDER_FIELD))


def settlement_exists(host: Host, settlement_id: int) -> bool:
    """Ids count from 1."""
    return 0 < settlement_id <= host.load(INFERENCE_METERING, SETTLEMENT_COUNT_SLOT)


def settlement(host: Host, settlement_id: int) -> Settlement:
    """A settlement; zeros when it does not exist."""
    return load_struct(host, INFERENCE_METERING, settlement_slot(settlement_id), SETTLEMENT)


def retrieval_slot(retrieval_id: int) -> int:
    """Base slot of a retrieval."""
    return mapping_slot(RETRIEVALS_SLOT, retrieval_id)


def retrieval_claimed_slot(retrieval_id: int, contributor_index: int) -> int:
    """Slot of whether a leaf of a retrieval's tree was paid."""
    return mapping_slot(RETRIEVAL_CLAIMED_SLOT, retrieval_id, contributor_index)


def retrieval_exists(host: Host, retrieval_id: int) -> bool:
    """Ids count from 1."""
    return 0 < retrieval_id <= host.load(INFERENCE_METERING, RETRIEVAL_COUNT_SLOT)


def retrieval(host: Host, retrieval_id: int) -> Retrieval:
    """A retrieval; zeros when it does not exist."""
    return load_struct(host, INFERENCE_METERING, retrieval_slot(retrieval_id), RETRIEVAL)


def stakers_total(host: Host) -> int:
    """All stakers' parts ever settled, in wei."""
    return host.load(INFERENCE_METERING, STAKERS_TOTAL_SLOT)


def audits_total(host: Host) -> int:
    """What audits got of the platform's parts, ever, in wei; it is at Attribution."""
    return host.load(INFERENCE_METERING, AUDITS_TOTAL_SLOT)


def epoch_seconds(host: Host) -> int:
    """How long a stakers' epoch lasts: a fourteenth of the unbonding time of the first policy, for ever."""
    return max(1, policy.parameter(host, 1, "unbonding_s") // EPOCHS_OF_UNBONDING)


def epoch(host: Host) -> int:
    """The epoch of this block."""
    return host.timestamp_s // epoch_seconds(host)


def stakers_total_in(host: Host, number: int) -> int:
    """`stakers_total` at the end of an epoch in which something was settled, else 0."""
    return host.load(INFERENCE_METERING, stakers_total_in_slot(number))


def stakers_total_in_slot(number: int) -> int:
    """Slot of all stakers' parts settled until the end of an epoch."""
    return mapping_slot(STAKERS_TOTAL_IN_SLOT, number)


def passed_slot(model_id: int) -> int:
    """Slot of what adapters' settlements passed to a model's pool."""
    return mapping_slot(PASSED_SLOT, model_id)


def passed_to(host: Host, model_id: int) -> int:
    """Wei that adapters' settlements passed to a model's pool, ever."""
    return host.load(INFERENCE_METERING, passed_slot(model_id))


def statistics_slot(account: Address) -> int:
    """Base slot of an account's statistics."""
    return mapping_slot(STATISTICS_SLOT, account)


def provider_slot(account: Address) -> int:
    """Base slot of a provider."""
    return mapping_slot(PROVIDERS_SLOT, account)


def request_slot(request_id: int) -> int:
    """Base slot of a request."""
    return mapping_slot(REQUESTS_SLOT, request_id)


def request(host: Host, request_id: int) -> Request:
    """A request; zeros when it does not exist."""
    return load_struct(host, INFERENCE_METERING, request_slot(request_id), REQUEST)
