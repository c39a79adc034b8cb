"""ModelRegistry (03): what models were made from, what they cost, how their data is scored.

Covered: registering with Datanet versions and parent, prices, revenue recipient, which Datanets' retrieved
records share in a model's pool, deprecation, and lineage in both directions: a model's parent and sources, a
model's children, a Datanet's models. Registering is refused when a usage rule is not met. Feature indexes:
`model_indexes`, whose methods are in the table here.
Source: protocol, section 3 "Model".
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from genesis.addresses import MODEL_REGISTRY
from genesis.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from precompiles import gas, model_indexes
from precompiles.abi import Struct
from precompiles.checks import (
    INVALID_ARGUMENT,
    MAXIMUM_WEI,
    require,
    require_recipient,
    require_text,
)
from precompiles.contract import Contract, Error, Event, Method
from precompiles.host import Host
from precompiles.model_access import MODEL_NOT_FOUND, NOT_OWNER, existing_model, owned_model
from precompiles.slots import load_struct, mapping_slot, store_struct, update_struct
from precompiles.views import datanets
from precompiles.views import models as view
from precompiles.views.models import Model, Source

MODEL_REGISTERED = Event(
    "event ModelRegistered(uint256 indexed modelId, address indexed owner, uint256 indexed parent, "
    "bytes32 artifactHash, bytes32 manifestHash, string uri)"
)
MODEL_SOURCE = Event(
    "event ModelSource(uint256 indexed modelId, uint256 indexed datanetId, uint256 indexed version)"
)
PRICE_SET = Event("event PriceSet(uint256 indexed modelId, uint256 inputPrice, uint256 outputPrice)")
REVENUE_RECIPIENT_SET = Event("event RevenueRecipientSet(uint256 indexed modelId, address indexed recipient)")
MODEL_DEPRECATED = Event("event ModelDeprecated(uint256 indexed modelId, uint256 indexed successor)")
OWNER_CHANGED = Event(
    "event OwnerChanged(uint256 indexed modelId, address indexed previousOwner, address indexed owner)"
)
RETRIEVAL_SET = Event("event RetrievalSet(uint256 indexed modelId, uint256 indexed datanetId, bool allowed)")

USAGE_NOT_GRANTED = Error("error UsageNotGranted(uint256 datanetId)")

MAXIMUM_SOURCES = 64


def register_model(  # noqa: PLR0917 - the method's arguments
    host: Host,
    artifact_hash: Hash32,
    parent: int,
    manifest_hash: Hash32,
    datanet_ids: Sequence[int],
    versions: Sequence[int],
    uri: bytes,
) -> int:
    """Register a model owned by the caller, made from published Datanet versions and maybe a parent."""
    gas.charge(host, gas.MODEL_REGISTRY["registerModel"], len(datanet_ids), gas.words(uri))
    require(artifact_hash != ZERO_HASH, "artifactHash")
    require(manifest_hash != ZERO_HASH, "manifestHash")
    require(len(datanet_ids) == len(versions), "versions")
    require(len(datanet_ids) <= MAXIMUM_SOURCES, "datanetIds")
    require_text(uri, "uri")
    if parent != 0 and not view.model_exists(host, parent):
        raise MODEL_NOT_FOUND(parent)
    sources = [Source(*pair) for pair in zip(datanet_ids, versions, strict=True)]
    for source in sources:
        _check_source(host, source)
    model_id = host.load(MODEL_REGISTRY, view.MODEL_COUNT_SLOT) + 1
    host.store(view.MODEL_COUNT_SLOT, model_id)
    model = Model(host.caller, host.caller, artifact_hash, manifest_hash, parent, 0, 0, 0, len(sources))
    store_struct(host, view.model_slot(model_id), view.MODEL, model)
    if parent != 0:
        _append(host, view.CHILD_COUNT_SLOT, view.CHILDREN_SLOT, parent, model_id)
    MODEL_REGISTERED.emit(host, model_id, host.caller, parent, artifact_hash, manifest_hash, uri)
    for position, source in enumerate(sources):
        store_struct(host, view.source_slot(model_id, position), view.SOURCE, source)
        _append(host, view.USER_COUNT_SLOT, view.USERS_SLOT, source.datanet_id, model_id)
        MODEL_SOURCE.emit(host, model_id, source.datanet_id, source.version)
    return model_id


def set_price(host: Host, model_id: int, input_price_wei: int, output_price_wei: int) -> None:
    """Set what 1,000 input and output tokens cost; open channels keep their price."""
    gas.charge(host, gas.MODEL_REGISTRY["setPrice"])
    model = owned_model(host, model_id)
    require(input_price_wei <= MAXIMUM_WEI, "inputPrice")
    require(output_price_wei <= MAXIMUM_WEI, "outputPrice")
    priced = replace(model, input_price_wei=input_price_wei, output_price_wei=output_price_wei)
    update_struct(host, view.model_slot(model_id), view.MODEL, model, priced)
    PRICE_SET.emit(host, model_id, input_price_wei, output_price_wei)


def set_revenue_recipient(host: Host, model_id: int, recipient: Address) -> None:
    """Name who earns the owner's part of later settlements."""
    gas.charge(host, gas.MODEL_REGISTRY["setRevenueRecipient"])
    model = owned_model(host, model_id)
    require_recipient(recipient)
    changed = replace(model, revenue_recipient=recipient)
    update_struct(host, view.model_slot(model_id), view.MODEL, model, changed)
    REVENUE_RECIPIENT_SET.emit(host, model_id, recipient)


def deprecate_model(host: Host, model_id: int, successor: int) -> None:
    """Take a model out of new use, for good; open channels go on. `successor` 0 names none."""
    gas.charge(host, gas.MODEL_REGISTRY["deprecateModel"])
    owned_model(host, model_id)
    require(successor != model_id, "successor")
    if successor != 0 and not view.model_exists(host, successor):
        raise MODEL_NOT_FOUND(successor)
    require(not view.is_deprecated(host, model_id), "model")
    host.store(mapping_slot(view.DEPRECATED_SLOT, model_id), host.timestamp_s)
    MODEL_DEPRECATED.emit(host, model_id, successor)


def transfer_model(host: Host, model_id: int, owner: Address) -> None:
    """Hand a model to another owner; who earns its revenue does not change with it."""
    gas.charge(host, gas.MODEL_REGISTRY["transferModel"])
    model = owned_model(host, model_id)
    require(owner != ZERO_ADDRESS, "owner")
    changed = replace(model, owner=owner)
    update_struct(host, view.model_slot(model_id), view.MODEL, model, changed)
    OWNER_CHANGED.emit(host, model_id, model.owner, owner)


def set_retrieval(host: Host, model_id: int, datanet_id: int, allowed: bool) -> None:
    """Let a Datanet's retrieved records share in what later settlements leave the model's contributors."""
    gas.charge(host, gas.MODEL_REGISTRY["setRetrieval"])
    owned_model(host, model_id)
    require(datanets.exists(host, datanet_id), "datanetId")
    host.store(view.retrieval_slot(model_id, datanet_id), int(allowed))
    RETRIEVAL_SET.emit(host, model_id, datanet_id, allowed)


def get_model(host: Host, model_id: int) -> Model:
    """One model."""
    gas.charge(host, gas.MODEL_REGISTRY["getModel"])
    return existing_model(host, model_id)


def get_source(host: Host, model_id: int, position: int) -> tuple[int, int]:
    """Datanet id and version at a position, counted from 0."""
    gas.charge(host, gas.MODEL_REGISTRY["getSource"])
    require(position < existing_model(host, model_id).sources, "position")
    source = load_struct(host, MODEL_REGISTRY, view.source_slot(model_id, position), view.SOURCE)
    return source.datanet_id, source.version


def is_deprecated(host: Host, model_id: int) -> bool:
    """True once a model takes no new channels."""
    gas.charge(host, gas.MODEL_REGISTRY["isDeprecated"])
    return view.is_deprecated(host, model_id)


def may_retrieve(host: Host, model_id: int, datanet_id: int) -> bool:
    """True while a Datanet's retrieved records share in the model's pool."""
    gas.charge(host, gas.MODEL_REGISTRY["mayRetrieve"])
    return view.may_retrieve(host, model_id, datanet_id)


def child_count(host: Host, model_id: int) -> int:
    """How many models name this one as parent."""
    gas.charge(host, gas.MODEL_REGISTRY["childCount"])
    return host.load(MODEL_REGISTRY, mapping_slot(view.CHILD_COUNT_SLOT, model_id))


def child_at(host: Host, model_id: int, position: int) -> int:
    """A model's child by position, counted from 0 in order of registration."""
    gas.charge(host, gas.MODEL_REGISTRY["childAt"])
    return _element(host, view.CHILD_COUNT_SLOT, view.CHILDREN_SLOT, model_id, position)


def user_count(host: Host, datanet_id: int) -> int:
    """How many times models named this Datanet as a source."""
    gas.charge(host, gas.MODEL_REGISTRY["userCount"])
    return host.load(MODEL_REGISTRY, mapping_slot(view.USER_COUNT_SLOT, datanet_id))


def user_at(host: Host, datanet_id: int, position: int) -> int:
    """A model made from a Datanet by position, counted from 0 in order of registration."""
    gas.charge(host, gas.MODEL_REGISTRY["userAt"])
    return _element(host, view.USER_COUNT_SLOT, view.USERS_SLOT, datanet_id, position)


def _append(host: Host, count_slot: int, list_slot: int, key: int, model_id: int) -> None:
    """Add a model to one of the lists by key."""
    count = host.load(MODEL_REGISTRY, mapping_slot(count_slot, key))
    host.store(mapping_slot(count_slot, key), count + 1)
    host.store(mapping_slot(list_slot, key, count), model_id)


def _element(host: Host, count_slot: int, list_slot: int, key: int, position: int) -> int:
    require(position < host.load(MODEL_REGISTRY, mapping_slot(count_slot, key)), "position")
    return host.load(MODEL_REGISTRY, mapping_slot(list_slot, key, position))


def _check_source(host: Host, source: Source) -> None:
    """A source is a published version of a Datanet that the caller may use."""
    require(datanets.exists(host, source.datanet_id), "datanetIds")
    datanet = datanets.datanet(host, source.datanet_id)
    require(0 < source.version <= datanet.versions, "versions")
    if not datanets.may_use(host, source.datanet_id, host.caller):
        raise USAGE_NOT_GRANTED(source.datanet_id)


_STRUCTS: dict[str, Struct[Any]] = {"Model": view.MODEL, "FeatureIndex": view.FEATURE_INDEX}
CONTRACT = Contract(
    name="ModelRegistry",
    address=MODEL_REGISTRY,
    prices=gas.MODEL_REGISTRY,
    methods=(
        Method(
            "function registerModel(bytes32 artifactHash, uint256 parent, bytes32 manifestHash, "
            "uint256[] datanetIds, uint256[] versions, string uri) returns (uint256 modelId)",
            register_model,
        ),
        Method("function setPrice(uint256 modelId, uint256 inputPrice, uint256 outputPrice)", set_price),
        Method("function setRevenueRecipient(uint256 modelId, address recipient)", set_revenue_recipient),
        Method(
            "function commitFeatureIndex(uint256 modelId, bytes32 rowsRoot, bytes32 sumsRoot, "
            "bytes32 preconditionerHash, bytes32 numericProfile, uint256 rows, uint256 contributors, "
            "uint256 dimensions, string uri) returns (uint256 indexId)",
            model_indexes.commit_feature_index,
        ),
        Method("function setIndexSigner(uint256 modelId, address signer)", model_indexes.set_index_signer),
        Method("function retireFeatureIndex(uint256 indexId)", model_indexes.retire_feature_index),
        Method(
            "function indexSignerOf(uint256 modelId) view returns (address)", model_indexes.index_signer_of
        ),
        Method("function isRetired(uint256 indexId) view returns (bool)", model_indexes.is_retired),
        Method(
            "function indexesOf(address signer) view returns (uint256 live, uint256 heldUntil)",
            model_indexes.indexes_of,
        ),
        Method("function deprecateModel(uint256 modelId, uint256 successor)", deprecate_model),
        Method("function transferModel(uint256 modelId, address owner)", transfer_model),
        Method("function setRetrieval(uint256 modelId, uint256 datanetId, bool allowed)", set_retrieval),
        Method("function mayRetrieve(uint256 modelId, uint256 datanetId) view returns (bool)", may_retrieve),
        Method("function isDeprecated(uint256 modelId) view returns (bool)", is_deprecated),
        Method("function childCount(uint256 modelId) view returns (uint256)", child_count),
        Method("function childAt(uint256 modelId, uint256 position) view returns (uint256)", child_at),
        Method("function userCount(uint256 datanetId) view returns (uint256)", user_count),
        Method("function userAt(uint256 datanetId, uint256 position) view returns (uint256)", user_at),
        Method("function getModel(uint256 modelId) view returns (Model)", get_model, _STRUCTS),
        Method(
            "function getSource(uint256 modelId, uint256 position) view returns (uint256 datanetId, "
            "uint256 version)",
            get_source,
        ),
        Method(
            "function getFeatureIndex(uint256 indexId) view returns (FeatureIndex)",
            model_indexes.get_feature_index,
            _STRUCTS,
        ),
    ),
    events=(
        MODEL_REGISTERED,
        MODEL_SOURCE,
        PRICE_SET,
        REVENUE_RECIPIENT_SET,
        model_indexes.FEATURE_INDEX_COMMITTED,
        model_indexes.FEATURE_INDEX_RETIRED,
        model_indexes.INDEX_SIGNER_SET,
        MODEL_DEPRECATED,
        OWNER_CHANGED,
        RETRIEVAL_SET,
    ),
    errors=(
        MODEL_NOT_FOUND,
        model_indexes.FEATURE_INDEX_NOT_FOUND,
        model_indexes.SIGNER_NOT_STAKED,
        NOT_OWNER,
        INVALID_ARGUMENT,
        USAGE_NOT_GRANTED,
    ),
)
