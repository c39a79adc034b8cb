"""The directory of providers: where each is, what it serves, and how everybody has done so far.

An announcement is an endpoint and the hash of a document that says more; prices are the models' own and stake
is Staking's, so neither is kept here. Lists only grow; what is withdrawn is marked.
Source: protocol, section 3 "Channels" (provider directory, statistics).
"""

from genesis.addresses import INFERENCE_METERING
from genesis.types import Address, Hash32
from precompiles import gas
from precompiles.checks import require, require_text
from precompiles.host import Host
from precompiles.metering_access import require_staked
from precompiles.metering_interface import MODEL_NOT_SERVABLE, NOT_PROVIDER, OFFER_SET, PROVIDER_ANNOUNCED
from precompiles.slots import hash_word, load_address, load_struct, mapping_slot, store_struct
from precompiles.views import metering as view
from precompiles.views import models, policy
from precompiles.views.metering import Provider, Statistics

OFFERED = 1
WITHDRAWN = 2


def announce_provider(host: Host, endpoint: bytes, document_hash: Hash32) -> None:
    """Enter the directory, or change the entry; needs a provider's stake."""
    gas.charge(host, gas.INFERENCE_METERING["announceProvider"], gas.words(endpoint))
    require_staked(host, host.caller, policy.current_version(host))
    require(len(endpoint) > 0, "endpoint")
    require_text(endpoint, "endpoint")
    number = _provider(host, host.caller).number
    if number == 0:
        number = host.load(INFERENCE_METERING, view.PROVIDER_COUNT_SLOT) + 1
        host.store(view.PROVIDER_COUNT_SLOT, number)
        host.store(mapping_slot(view.PROVIDER_LIST_SLOT, number - 1), hash_word(host.caller))
    entry = Provider(number, document_hash, host.timestamp_s)
    store_struct(host, view.provider_slot(host.caller), view.PROVIDER, entry)
    PROVIDER_ANNOUNCED.emit(host, host.caller, endpoint, document_hash)


def set_offer(host: Host, model_id: int, offered: bool) -> None:
    """Say that the caller serves a model, or no longer."""
    gas.charge(host, gas.INFERENCE_METERING["setOffer"])
    if _provider(host, host.caller).number == 0:
        raise NOT_PROVIDER(host.caller)
    if not models.model_exists(host, model_id):
        raise MODEL_NOT_SERVABLE(model_id)
    offer_slot = mapping_slot(view.OFFERS_SLOT, host.caller, model_id)
    if host.load(INFERENCE_METERING, offer_slot) == 0:
        count_slot = mapping_slot(view.MODEL_PROVIDER_COUNT_SLOT, model_id)
        count = host.load(INFERENCE_METERING, count_slot)
        host.store(count_slot, count + 1)
        host.store(mapping_slot(view.MODEL_PROVIDERS_SLOT, model_id, count), hash_word(host.caller))
    host.store(offer_slot, OFFERED if offered else WITHDRAWN)
    OFFER_SET.emit(host, host.caller, model_id, offered)


def get_provider(host: Host, provider: Address) -> Provider:
    """A provider's entry; zeros when there is none."""
    gas.charge(host, gas.INFERENCE_METERING["getProvider"])
    return _provider(host, provider)


def provider_count(host: Host) -> int:
    """How many providers were ever announced."""
    gas.charge(host, gas.INFERENCE_METERING["providerCount"])
    return host.load(INFERENCE_METERING, view.PROVIDER_COUNT_SLOT)


def provider_at(host: Host, position: int) -> Address:
    """A provider by position, counted from 0 in order of announcement."""
    gas.charge(host, gas.INFERENCE_METERING["providerAt"])
    require(position < host.load(INFERENCE_METERING, view.PROVIDER_COUNT_SLOT), "position")
    return load_address(host, INFERENCE_METERING, mapping_slot(view.PROVIDER_LIST_SLOT, position))


def is_offered(host: Host, provider: Address, model_id: int) -> bool:
    """True while a provider says that it serves a model."""
    gas.charge(host, gas.INFERENCE_METERING["isOffered"])
    return host.load(INFERENCE_METERING, mapping_slot(view.OFFERS_SLOT, provider, model_id)) == OFFERED


def model_provider_count(host: Host, model_id: int) -> int:
    """How many providers ever offered a model."""
    gas.charge(host, gas.INFERENCE_METERING["modelProviderCount"])
    return host.load(INFERENCE_METERING, mapping_slot(view.MODEL_PROVIDER_COUNT_SLOT, model_id))


def model_provider_at(host: Host, model_id: int, position: int) -> Address:
    """Who offered a model, by position counted from 0; `isOffered` says whether it still does."""
    gas.charge(host, gas.INFERENCE_METERING["modelProviderAt"])
    count = host.load(INFERENCE_METERING, mapping_slot(view.MODEL_PROVIDER_COUNT_SLOT, model_id))
    require(position < count, "position")
    slot = mapping_slot(view.MODEL_PROVIDERS_SLOT, model_id, position)
    return load_address(host, INFERENCE_METERING, slot)


def statistics_of(host: Host, account: Address) -> Statistics:
    """What an account bought and served, ever."""
    gas.charge(host, gas.INFERENCE_METERING["statisticsOf"])
    return load_struct(host, INFERENCE_METERING, view.statistics_slot(account), view.STATISTICS)


def _provider(host: Host, provider: Address) -> Provider:
    return load_struct(host, INFERENCE_METERING, view.provider_slot(provider), view.PROVIDER)
