"""Datanets themselves: making them, their members, metadata, usage rule and owner.

A usage rule binds models registered from then on: who registered under an earlier one keeps its model. A
priced Datanet's price goes to its owner at once. What was bought cannot be taken back; a grant can, which
again binds only models registered later.
Source: protocol, section 3 "Datanet".
"""

from dataclasses import replace

from genesis.addresses import DATANET_REGISTRY
from genesis.types import ZERO_ADDRESS, Address, Hash32
from precompiles import gas
from precompiles.checks import MAXIMUM_WEI, require, require_text
from precompiles.datanet_access import existing_datanet, owned_datanet
from precompiles.datanet_interface import (
    CONTRIBUTOR_SET,
    CURATOR_SET,
    DATANET_CREATED,
    METADATA_SET,
    OWNER_CHANGED,
    USAGE_BOUGHT,
    USAGE_GRANTED,
    USAGE_SET,
    WRONG_PRICE,
)
from precompiles.host import Host
from precompiles.slots import mapping_slot, store_struct, update_struct
from precompiles.views import datanets as view
from precompiles.views.datanets import Datanet


def create_datanet(  # noqa: PLR0917 - the method's arguments
    host: Host,
    name: bytes,
    metadata_uri: bytes,
    metadata_hash: Hash32,
    licence: Hash32,
    admission: int,
    usage: int,
) -> int:
    """Create a Datanet owned by the caller."""
    gas.charge(host, gas.DATANET_REGISTRY["createDatanet"], gas.words(name) + gas.words(metadata_uri))
    require(len(name) > 0, "name")
    require_text(name, "name")
    require_text(metadata_uri, "metadataUri")
    require(admission <= view.ADMISSION_CURATED, "admission")
    require(usage <= view.USAGE_PRICED, "usage")
    datanet_id = host.load(DATANET_REGISTRY, view.DATANET_COUNT_SLOT) + 1
    host.store(view.DATANET_COUNT_SLOT, datanet_id)
    created = Datanet(host.caller, metadata_hash, licence, admission, usage, 0, 0, 0, 0)
    store_struct(host, view.datanet_slot(datanet_id), view.DATANET, created)
    DATANET_CREATED.emit(
        host, datanet_id, host.caller, name, metadata_uri, metadata_hash, licence, admission, usage
    )
    return datanet_id


def set_curator(host: Host, datanet_id: int, curator: Address, allowed: bool) -> None:
    """Let an account review, or no longer."""
    gas.charge(host, gas.DATANET_REGISTRY["setCurator"])
    owned_datanet(host, datanet_id)
    host.store(mapping_slot(view.CURATORS_SLOT, datanet_id, curator), int(allowed))
    CURATOR_SET.emit(host, datanet_id, curator, allowed)


def set_contributor(host: Host, datanet_id: int, contributor: Address, allowed: bool) -> None:
    """Put an account on the allow-list, or take it off."""
    gas.charge(host, gas.DATANET_REGISTRY["setContributor"])
    owned_datanet(host, datanet_id)
    host.store(mapping_slot(view.CONTRIBUTORS_SLOT, datanet_id, contributor), int(allowed))
    CONTRIBUTOR_SET.emit(host, datanet_id, contributor, allowed)


def set_metadata(host: Host, datanet_id: int, uri: bytes, metadata_hash: Hash32, licence: Hash32) -> None:
    """Replace a Datanet's description and licence; versions published before were published under the old."""
    gas.charge(host, gas.DATANET_REGISTRY["setMetadata"], gas.words(uri))
    datanet = owned_datanet(host, datanet_id)
    require_text(uri, "uri")
    changed = replace(datanet, metadata_hash=metadata_hash, licence=licence)
    update_struct(host, view.datanet_slot(datanet_id), view.DATANET, datanet, changed)
    METADATA_SET.emit(host, datanet_id, uri, metadata_hash, licence)


def set_usage(host: Host, datanet_id: int, usage: int, price_wei: int) -> None:
    """Set who may train on a Datanet from now on, and what it costs where usage is priced."""
    gas.charge(host, gas.DATANET_REGISTRY["setUsage"])
    datanet = owned_datanet(host, datanet_id)
    require(usage <= view.USAGE_PRICED, "usage")
    require(price_wei <= MAXIMUM_WEI, "price")
    changed = replace(datanet, usage=usage)
    update_struct(host, view.datanet_slot(datanet_id), view.DATANET, datanet, changed)
    host.store(mapping_slot(view.USAGE_PRICES_SLOT, datanet_id), price_wei)
    USAGE_SET.emit(host, datanet_id, usage, price_wei)


def grant_usage(host: Host, datanet_id: int, account: Address, until_s: int) -> None:
    """Let an account train on a Datanet until a time; 0 takes a grant back."""
    gas.charge(host, gas.DATANET_REGISTRY["grantUsage"])
    owned_datanet(host, datanet_id)
    host.store(mapping_slot(view.GRANTS_SLOT, datanet_id, account), until_s)
    USAGE_GRANTED.emit(host, datanet_id, account, until_s)


def buy_usage(host: Host, datanet_id: int) -> None:
    """Pay the Datanet's owner its price; the caller may then train on it for ever."""
    gas.charge(host, gas.DATANET_REGISTRY["buyUsage"])
    datanet = existing_datanet(host, datanet_id)
    require(datanet.usage == view.USAGE_PRICED, "usage")
    price_wei = host.load(DATANET_REGISTRY, mapping_slot(view.USAGE_PRICES_SLOT, datanet_id))
    require(price_wei > 0, "price")
    purchase_slot = mapping_slot(view.PURCHASES_SLOT, datanet_id, host.caller)
    if host.value_wei != price_wei:
        raise WRONG_PRICE(price_wei, host.value_wei)
    require(host.load(DATANET_REGISTRY, purchase_slot) == 0, "account")
    host.store(purchase_slot, 1)
    host.transfer(datanet.owner, price_wei)
    USAGE_BOUGHT.emit(host, datanet_id, host.caller, datanet.owner, price_wei)


def transfer_datanet(host: Host, datanet_id: int, owner: Address) -> None:
    """Hand a Datanet to another owner: a person, a multisig, a token's holders."""
    gas.charge(host, gas.DATANET_REGISTRY["transferDatanet"])
    datanet = owned_datanet(host, datanet_id)
    require(owner != ZERO_ADDRESS, "owner")
    changed = replace(datanet, owner=owner)
    update_struct(host, view.datanet_slot(datanet_id), view.DATANET, datanet, changed)
    OWNER_CHANGED.emit(host, datanet_id, datanet.owner, owner)


def may_use(host: Host, datanet_id: int, account: Address) -> bool:
    """True iff a model of the account may be trained on the Datanet now."""
    gas.charge(host, gas.DATANET_REGISTRY["mayUse"])
    existing_datanet(host, datanet_id)
    return view.may_use(host, datanet_id, account)


def usage_price(host: Host, datanet_id: int) -> int:
    """What `buyUsage` costs, in wei; 0 when nothing is for sale."""
    gas.charge(host, gas.DATANET_REGISTRY["usagePrice"])
    existing_datanet(host, datanet_id)
    return host.load(DATANET_REGISTRY, mapping_slot(view.USAGE_PRICES_SLOT, datanet_id))
