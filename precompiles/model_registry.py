"""ModelRegistry (03): what models were made from, what they cost, how their data is scored.

Covered: registering with Datanet versions and parent, prices, revenue recipient, feature indexes that become
usable after their challenge window. A Datanet whose usage is not open serves its owner only.
Not covered: a parent's share of an adapter's pool, challenges of feature indexes.
Source: protocol, section 3 "Model".
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from genesis.addresses import MODEL_REGISTRY
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles import gas
from precompiles.abi import Struct
from precompiles.checks import (
    INVALID_ARGUMENT,
    MAXIMUM_COUNT,
    MAXIMUM_WEI,
    require,
    require_recipient,
    require_text,
)
from precompiles.contract import Contract, Error, Event, Method
from precompiles.host import Host
from precompiles.slots import load_struct, store_struct, update_struct
from precompiles.views import datanets, policy
from precompiles.views import models as view
from precompiles.views.models import FeatureIndex, Model, Source

MODEL_REGISTERED = Event(
    "event ModelRegistered(uint256 indexed modelId, address indexed owner, uint256 indexed parent, "
    "bytes32 artifactHash, bytes32 manifestHash, string uri)"
)
MODEL_SOURCE = Event(
    "event ModelSource(uint256 indexed modelId, uint256 indexed datanetId, uint256 indexed version)"
)
PRICE_SET = Event("event PriceSet(uint256 indexed modelId, uint256 inputPrice, uint256 outputPrice)")
REVENUE_RECIPIENT_SET = Event("event RevenueRecipientSet(uint256 indexed modelId, address indexed recipient)")
FEATURE_INDEX_COMMITTED = Event(
    "event FeatureIndexCommitted(uint256 indexed modelId, uint256 indexed indexId, address indexed signer, "
    "bytes32 rowsRoot, bytes32 sumsRoot, uint256 usableAt, string uri)"
)

MODEL_NOT_FOUND = Error("error ModelNotFound(uint256 modelId)")
FEATURE_INDEX_NOT_FOUND = Error("error FeatureIndexNotFound(uint256 indexId)")
NOT_OWNER = Error("error NotOwner(address caller)")
USAGE_NOT_GRANTED = Error("error UsageNotGranted(uint256 datanetId)")

MAXIMUM_SOURCES = 64
MAXIMUM_DIMENSIONS = 65_536


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
    MODEL_REGISTERED.emit(host, model_id, host.caller, parent, artifact_hash, manifest_hash, uri)
    for position, source in enumerate(sources):
        store_struct(host, view.source_slot(model_id, position), view.SOURCE, source)
        MODEL_SOURCE.emit(host, model_id, source.datanet_id, source.version)
    return model_id


def set_price(host: Host, model_id: int, input_price_wei: int, output_price_wei: int) -> None:
    """Set what 1,000 input and output tokens cost; open channels keep their price."""
    gas.charge(host, gas.MODEL_REGISTRY["setPrice"])
    model = _owned_model(host, model_id)
    require(input_price_wei <= MAXIMUM_WEI, "inputPrice")
    require(output_price_wei <= MAXIMUM_WEI, "outputPrice")
    priced = replace(model, input_price_wei=input_price_wei, output_price_wei=output_price_wei)
    update_struct(host, view.model_slot(model_id), view.MODEL, model, priced)
    PRICE_SET.emit(host, model_id, input_price_wei, output_price_wei)


def set_revenue_recipient(host: Host, model_id: int, recipient: Address) -> None:
    """Name who earns the owner's part of later settlements."""
    gas.charge(host, gas.MODEL_REGISTRY["setRevenueRecipient"])
    model = _owned_model(host, model_id)
    require_recipient(recipient)
    changed = replace(model, revenue_recipient=recipient)
    update_struct(host, view.model_slot(model_id), view.MODEL, model, changed)
    REVENUE_RECIPIENT_SET.emit(host, model_id, recipient)


def commit_feature_index(  # noqa: PLR0917 - the method's arguments
    host: Host,
    model_id: int,
    rows_root: Hash32,
    sums_root: Hash32,
    preconditioner_hash: Hash32,
    numeric_profile: Hash32,
    rows: int,
    contributors: int,
    dimensions: int,
    uri: bytes,
) -> int:
    """Commit the model's newest feature index; channels can open on it once its window is over."""
    gas.charge(host, gas.MODEL_REGISTRY["commitFeatureIndex"], gas.words(uri))
    model = _owned_model(host, model_id)
    require(rows_root != ZERO_HASH, "rowsRoot")
    require(sums_root != ZERO_HASH, "sumsRoot")
    require(0 < rows <= MAXIMUM_COUNT, "rows")
    require(0 < contributors <= rows, "contributors")
    require(0 < dimensions <= MAXIMUM_DIMENSIONS, "dimensions")
    require_text(uri, "uri")
    version = policy.current_version(host)
    usable_at_s = host.timestamp_s + policy.parameter(host, version, "index_window_s")
    index_id = host.load(MODEL_REGISTRY, view.INDEX_COUNT_SLOT) + 1
    host.store(view.INDEX_COUNT_SLOT, index_id)
    index = FeatureIndex(
        model_id,
        host.caller,
        rows_root,
        sums_root,
        preconditioner_hash,
        numeric_profile,
        rows,
        contributors,
        dimensions,
        version,
        usable_at_s,
    )
    store_struct(host, view.index_slot(index_id), view.FEATURE_INDEX, index)
    newest = replace(model, feature_index=index_id)
    update_struct(host, view.model_slot(model_id), view.MODEL, model, newest)
    FEATURE_INDEX_COMMITTED.emit(
        host, model_id, index_id, host.caller, rows_root, sums_root, usable_at_s, uri
    )
    return index_id


def get_model(host: Host, model_id: int) -> Model:
    """One model."""
    gas.charge(host, gas.MODEL_REGISTRY["getModel"])
    return _model(host, model_id)


def get_source(host: Host, model_id: int, position: int) -> tuple[int, int]:
    """Datanet id and version at a position, counted from 0."""
    gas.charge(host, gas.MODEL_REGISTRY["getSource"])
    require(position < _model(host, model_id).sources, "position")
    source = load_struct(host, MODEL_REGISTRY, view.source_slot(model_id, position), view.SOURCE)
    return source.datanet_id, source.version


def get_feature_index(host: Host, index_id: int) -> FeatureIndex:
    """One feature index."""
    gas.charge(host, gas.MODEL_REGISTRY["getFeatureIndex"])
    if not view.index_exists(host, index_id):
        raise FEATURE_INDEX_NOT_FOUND(index_id)
    return view.feature_index(host, index_id)


def _model(host: Host, model_id: int) -> Model:
    if not view.model_exists(host, model_id):
        raise MODEL_NOT_FOUND(model_id)
    return view.model(host, model_id)


def _owned_model(host: Host, model_id: int) -> Model:
    model = _model(host, model_id)
    if model.owner != host.caller:
        raise NOT_OWNER(host.caller)
    return model


def _check_source(host: Host, source: Source) -> None:
    """A source is a published version of a Datanet that the caller may use."""
    require(datanets.exists(host, source.datanet_id), "datanetIds")
    datanet = datanets.datanet(host, source.datanet_id)
    require(0 < source.version <= datanet.versions, "versions")
    if datanet.usage != datanets.USAGE_OPEN and datanet.owner != host.caller:
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
            commit_feature_index,
        ),
        Method("function getModel(uint256 modelId) view returns (Model)", get_model, _STRUCTS),
        Method(
            "function getSource(uint256 modelId, uint256 position) view returns (uint256 datanetId, "
            "uint256 version)",
            get_source,
        ),
        Method(
            "function getFeatureIndex(uint256 indexId) view returns (FeatureIndex)",
            get_feature_index,
            _STRUCTS,
        ),
    ),
    events=(
        MODEL_REGISTERED,
        MODEL_SOURCE,
        PRICE_SET,
        REVENUE_RECIPIENT_SET,
        FEATURE_INDEX_COMMITTED,
    ),
    errors=(MODEL_NOT_FOUND, FEATURE_INDEX_NOT_FOUND, NOT_OWNER, INVALID_ARGUMENT, USAGE_NOT_GRANTED),
)
