"""Where the ModelRegistry keeps models and feature indexes, and how others read them."""

from dataclasses import dataclass

from genesis.addresses import MODEL_REGISTRY
from genesis.types import Address, Hash32
from precompiles.abi import Struct
from precompiles.host import Host
from precompiles.slots import field_slot, load_address, load_struct, mapping_slot
from precompiles.views import attribution

MODEL_COUNT_SLOT = 0
INDEX_COUNT_SLOT = 1
MODELS_SLOT = 2
SOURCES_SLOT = 3
INDEXES_SLOT = 4
DEPRECATED_SLOT = 5
CHILD_COUNT_SLOT = 6
CHILDREN_SLOT = 7
USER_COUNT_SLOT = 8
USERS_SLOT = 9
RETRIEVAL_SLOT = 10
INDEX_SIGNERS_SLOT = 11
RETIRED_SLOT = 12
LIVE_INDEXES_SLOT = 13
HELD_UNTIL_SLOT = 14
PARENT_FIELD = 4
SIGNER_FIELD = 1


@dataclass(frozen=True, slots=True)
class Model:
    """One model; prices are wei per 1,000 tokens, `feature_index` is the newest one's id or 0."""

    owner: Address
    revenue_recipient: Address
    artifact_hash: Hash32
    manifest_hash: Hash32
    parent: int
    input_price_wei: int
    output_price_wei: int
    feature_index: int
    sources: int


@dataclass(frozen=True, slots=True)
class Source:
    """A Datanet version that a model was trained on."""

    datanet_id: int
    version: int


@dataclass(frozen=True, slots=True)
class FeatureIndex:
    """How the records of a model are scored: committed rows, contributor sums and numeric profile."""

    model_id: int
    signer: Address
    rows_root: Hash32
    sums_root: Hash32
    preconditioner_hash: Hash32
    numeric_profile: Hash32
    rows: int
    contributors: int
    dimensions: int
    policy_version: int
    usable_at_s: int


MODEL = Struct(
    "Model",
    Model,
    "address owner, address revenueRecipient, bytes32 artifactHash, bytes32 manifestHash, uint256 parent, "
    "uint256 inputPrice, uint256 outputPrice, uint256 featureIndex, uint256 sources",
)
SOURCE = Struct("Source", Source, "uint256 datanetId, uint256 version")
FEATURE_INDEX = Struct(
    "FeatureIndex",
    FeatureIndex,
    "uint256 modelId, address signer, bytes32 rowsRoot, bytes32 sumsRoot, bytes32 preconditionerHash, "
    "bytes32 numericProfile, uint256 rows, uint256 contributors, uint256 dimensions, uint256 policyVersion, "
    "uint256 usableAt",
)


def model_slot(model_id: int) -> int:
    """Base slot of a model."""
    return mapping_slot(MODELS_SLOT, model_id)


def source_slot(model_id: int, position: int) -> int:
    """Base slot of a model's source."""
    return mapping_slot(SOURCES_SLOT, model_id, position)


def index_slot(index_id: int) -> int:
    """Base slot of a feature index."""
    return mapping_slot(INDEXES_SLOT, index_id)


def model_exists(host: Host, model_id: int) -> bool:
    """Ids count from 1."""
    return 0 < model_id <= host.load(MODEL_REGISTRY, MODEL_COUNT_SLOT)


def is_deprecated(host: Host, model_id: int) -> bool:
    """True once the model's owner withdrew it from new use."""
    return host.load(MODEL_REGISTRY, mapping_slot(DEPRECATED_SLOT, model_id)) != 0


def retrieval_slot(model_id: int, datanet_id: int) -> int:
    """Slot of whether a Datanet's retrieved records may share in a model's pool."""
    return mapping_slot(RETRIEVAL_SLOT, model_id, datanet_id)


def may_retrieve(host: Host, model_id: int, datanet_id: int) -> bool:
    """True while the model's owner lets a Datanet's retrieved records share in the contributors' pool."""
    return host.load(MODEL_REGISTRY, retrieval_slot(model_id, datanet_id)) != 0


def parent_of(host: Host, model_id: int) -> int:
    """The model that a model adapts, 0 when there is none."""
    return host.load(MODEL_REGISTRY, field_slot(model_slot(model_id), PARENT_FIELD))


def index_exists(host: Host, index_id: int) -> bool:
    """Ids count from 1."""
    return 0 < index_id <= host.load(MODEL_REGISTRY, INDEX_COUNT_SLOT)


def model(host: Host, model_id: int) -> Model:
    """A model; zeros when it does not exist."""
    return load_struct(host, MODEL_REGISTRY, model_slot(model_id), MODEL)


def feature_index(host: Host, index_id: int) -> FeatureIndex:
    """A feature index; zeros when it does not exist."""
    return load_struct(host, MODEL_REGISTRY, index_slot(index_id), FEATURE_INDEX)


def is_index_usable(host: Host, index_id: int) -> bool:
    """True once the index exists, its challenge window is over, and nobody contests or has refuted it."""
    if not index_exists(host, index_id) or feature_index(host, index_id).usable_at_s > host.timestamp_s:
        return False
    return attribution.index_status(host, index_id) == 0


def is_index_open(host: Host, index_id: int) -> bool:
    """True while an index takes new channels: it is usable and nobody has retired it."""
    return is_index_usable(host, index_id) and not is_retired(host, index_id)


def is_retired(host: Host, index_id: int) -> bool:
    """True once an index was retired, or the model has a later one."""
    return host.load(MODEL_REGISTRY, mapping_slot(RETIRED_SLOT, index_id)) != 0


def signer_of(host: Host, index_id: int) -> Address:
    """Whose stake answers for an index."""
    return load_address(host, MODEL_REGISTRY, field_slot(index_slot(index_id), SIGNER_FIELD))


def index_signer(host: Host, model_id: int) -> Address:
    """Who may commit a model's indexes beside its owner; zero when nobody is named."""
    return load_address(host, MODEL_REGISTRY, mapping_slot(INDEX_SIGNERS_SLOT, model_id))


def indexes_of(host: Host, signer: Address) -> tuple[int, int]:
    """How many indexes of a signer are not retired, and until when those that are hold its stake."""
    live = host.load(MODEL_REGISTRY, mapping_slot(LIVE_INDEXES_SLOT, signer))
    return live, host.load(MODEL_REGISTRY, mapping_slot(HELD_UNTIL_SLOT, signer))
