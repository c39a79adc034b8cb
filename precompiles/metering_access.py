"""What metering's methods share: channels that exist, models that can be served, payments, credits."""

from genesis.addresses import INFERENCE_METERING
from genesis.types import ZERO_ADDRESS, Address, Hash32
from precompiles.host import Host
from precompiles.metering_interface import (
    CHANNEL_NOT_FOUND,
    MODEL_NOT_SERVABLE,
    NOT_PAYER,
    PROVIDER_NOT_STAKED,
)
from precompiles.slots import add_to_slot, field_slot
from precompiles.views import metering as view
from precompiles.views import models, policy, staking
from precompiles.views.metering import Channel
from precompiles.views.models import Model


def require_staked(host: Host, provider: Address, version: int) -> None:
    """Revert unless the provider's stake reaches a policy version's minimum."""
    minimum_wei = policy.parameter(host, version, "minimum_provider_stake_wei")
    if staking.active_stake(host, provider, staking.PROVIDER) < minimum_wei:
        raise PROVIDER_NOT_STAKED(provider)


def servable_model(host: Host, model_id: int) -> Model:
    """A model with a price and a usable feature index that is not deprecated; or a revert."""
    if not models.model_exists(host, model_id):
        raise MODEL_NOT_SERVABLE(model_id)
    model = models.model(host, model_id)
    has_price = model.input_price_wei > 0 or model.output_price_wei > 0
    if (
        not has_price
        or models.is_deprecated(host, model_id)
        or not models.is_index_open(host, model.feature_index)
    ):
        raise MODEL_NOT_SERVABLE(model_id)
    return model


def existing_channel(host: Host, channel_id: Hash32) -> Channel:
    """The channel, or a revert."""
    channel = view.channel(host, channel_id)
    if channel.payer == ZERO_ADDRESS:
        raise CHANNEL_NOT_FOUND(channel_id)
    return channel


def own_channel(host: Host, channel_id: Hash32) -> Channel:
    """The channel, if the caller pays for it."""
    channel = existing_channel(host, channel_id)
    if channel.payer != host.caller:
        raise NOT_PAYER(host.caller)
    return channel


def credit(host: Host, account: Address, amount_wei: int) -> None:
    """Add to what an account may withdraw."""
    add_to_slot(host, INFERENCE_METERING, view.earnings_slot(account), amount_wei)


def pay(host: Host, recipient: Address, amount_wei: int) -> None:
    """Send what is not nothing."""
    if amount_wei > 0:
        host.transfer(recipient, amount_wei)


def store_field(host: Host, channel_id: Hash32, field: int, value: int) -> None:
    """Write one field of a channel."""
    host.store(field_slot(view.channel_slot(channel_id), field), value)
