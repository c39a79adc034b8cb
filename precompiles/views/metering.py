"""Where InferenceMetering keeps channels, settlements and earnings, and how others read them."""

from dataclasses import dataclass

from genesis.addresses import INFERENCE_METERING
from genesis.types import Address, Hash32
from precompiles.abi import Struct
from precompiles.host import Host
from precompiles.slots import field_slot, load_address, load_struct, mapping_slot

SETTLEMENT_COUNT_SLOT = 0
STAKERS_TOTAL_SLOT = 1
CHANNELS_SLOT = 2
SETTLEMENTS_SLOT = 3
EARNINGS_SLOT = 4
NONCES_SLOT = 5

DEPOSIT_FIELD = 8
SETTLED_FEE_FIELD = 9
SETTLED_RECEIPTS_FIELD = 10
CLOSABLE_AT_FIELD = 11
PROVIDER_FIELD = 1


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


def channel_slot(channel_id: Hash32) -> int:
    """Base slot of a channel."""
    return mapping_slot(CHANNELS_SLOT, channel_id)


def settlement_slot(settlement_id: int) -> int:
    """Base slot of a settlement."""
    return mapping_slot(SETTLEMENTS_SLOT, settlement_id)


def earnings_slot(account: Address) -> int:
    """Slot of what an account earned and did not withdraw."""
    return mapping_slot(EARNINGS_SLOT, account)


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


def stakers_total(host: Host) -> int:
    """All stakers' parts ever settled, in wei."""
    return host.load(INFERENCE_METERING, STAKERS_TOTAL_SLOT)
