"""Payment channels: opening, funding, closing, and what is left.

Source: protocol, section 3 "Channels".
"""

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import address_word, word
from genesis.keccak import keccak256
from genesis.types import ZERO_ADDRESS, Address, Hash32
from precompiles import gas
from precompiles.abi import TWO_256
from precompiles.checks import MAXIMUM_WEI, require
from precompiles.host import Host
from precompiles.metering_access import (
    existing_channel,
    own_channel,
    pay,
    require_staked,
    servable_model,
    store_field,
)
from precompiles.metering_interface import (
    CHANNEL_OPENED,
    CHANNEL_TOPPED_UP,
    CHANNEL_WITHDRAWN,
    CLOSE_REQUESTED,
    TOO_EARLY,
)
from precompiles.slots import store_struct
from precompiles.views import metering as view
from precompiles.views import policy
from precompiles.views.metering import Channel

CLOSED = TWO_256 - 1
"""`closableAt` of a channel whose rest was withdrawn: it cannot close again, nor settle, nor be topped up."""


def open_channel(host: Host, provider: Address, model_id: int, voucher_key: Address) -> Hash32:
    """Open and fund a channel at the model's price and the current policy."""
    gas.charge(host, gas.INFERENCE_METERING["openChannel"])
    model = servable_model(host, model_id)
    version = policy.current_version(host)
    require_staked(host, provider, version)
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
    channel = existing_channel(host, channel_id)
    require(channel.closable_at_s == 0, "channel")
    deposit = channel.deposit_wei + host.value_wei
    require(host.value_wei > 0 and deposit <= MAXIMUM_WEI, "value")
    store_field(host, channel_id, view.DEPOSIT_FIELD, deposit)
    CHANNEL_TOPPED_UP.emit(host, channel_id, host.value_wei, deposit)


def request_close(host: Host, channel_id: Hash32) -> None:
    """Start the delay after which the payer gets back what was not spent."""
    gas.charge(host, gas.INFERENCE_METERING["requestClose"])
    channel = own_channel(host, channel_id)
    require(channel.closable_at_s == 0, "channel")
    delay_s = policy.parameter(host, channel.policy_version, "close_delay_s")
    closable_at_s = host.timestamp_s + delay_s
    store_field(host, channel_id, view.CLOSABLE_AT_FIELD, closable_at_s)
    CLOSE_REQUESTED.emit(host, channel_id, closable_at_s)


def withdraw(host: Host, channel_id: Hash32) -> None:
    """Return what was not spent and end the channel."""
    gas.charge(host, gas.INFERENCE_METERING["withdraw"])
    channel = own_channel(host, channel_id)
    require(channel.closable_at_s not in (0, CLOSED), "channel")
    if host.timestamp_s < channel.closable_at_s:
        raise TOO_EARLY(channel.closable_at_s)
    amount = channel.deposit_wei - channel.settled_fee_wei
    store_field(host, channel_id, view.DEPOSIT_FIELD, channel.settled_fee_wei)
    store_field(host, channel_id, view.CLOSABLE_AT_FIELD, CLOSED)
    pay(host, host.caller, amount)
    CHANNEL_WITHDRAWN.emit(host, channel_id, amount)


def _channel_id(host: Host, provider: Address, model_id: int, nonce: int) -> Hash32:
    return keccak256(
        word(host.chain_id)
        + address_word(INFERENCE_METERING)
        + address_word(host.caller)
        + address_word(provider)
        + word(model_id)
        + word(nonce)
    )
