"""Feature indexes: who may sign one, the stake that answers for it, and how it ends.

A model's owner commits an index, or the account that it names, such as the provider whose workers made it.
Who commits signs: its own provider stake has to reach the policy's minimum, beside a slash for each index of
its that is not retired and twice what its posts answer for. The stake cannot be withdrawn until the unbonding
time after the index was retired: by its signer or the model's owner, or by the model's next index. A retired
index takes no new channels; batches of open ones are settled and posted on it as before.

Covered: signers, stake, commitment, retirement. Not covered: challenges (`attribution_indexes`); a slash that
comes later than the unbonding time after retirement, when the signer may be gone.
Source: protocol, section 3 "Model" and "Staking"; `docs/decisions/0012`.
"""

from dataclasses import replace

from genesis.addresses import MODEL_REGISTRY
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles import gas
from precompiles.attribution_exposure import exposure_of
from precompiles.checks import MAXIMUM_COUNT, require, require_text
from precompiles.contract import Error, Event
from precompiles.host import Host
from precompiles.model_access import NOT_OWNER, existing_model, owned_model
from precompiles.slots import add_to_slot, hash_word, mapping_slot, store_struct, update_struct
from precompiles.views import models as view
from precompiles.views import policy, staking
from precompiles.views.models import FeatureIndex

FEATURE_INDEX_COMMITTED = Event(
    "event FeatureIndexCommitted(uint256 indexed modelId, uint256 indexed indexId, address indexed signer, "
    "bytes32 rowsRoot, bytes32 sumsRoot, uint256 usableAt, string uri)"
)
FEATURE_INDEX_RETIRED = Event(
    "event FeatureIndexRetired(uint256 indexed indexId, address indexed signer, uint256 heldUntil)"
)
INDEX_SIGNER_SET = Event("event IndexSignerSet(uint256 indexed modelId, address indexed signer)")

FEATURE_INDEX_NOT_FOUND = Error("error FeatureIndexNotFound(uint256 indexId)")
SIGNER_NOT_STAKED = Error("error SignerNotStaked(address signer)")

MAXIMUM_DIMENSIONS = 65_536
POSTS_BY_STAKE = 2
"""Posts answer with at most half of a stake, so they take twice their pools of it."""


def set_index_signer(host: Host, model_id: int, signer: Address) -> None:
    """Name who may commit the model's indexes beside its owner, with its own stake; zero names nobody."""
    gas.charge(host, gas.MODEL_REGISTRY["setIndexSigner"])
    owned_model(host, model_id)
    host.store(mapping_slot(view.INDEX_SIGNERS_SLOT, model_id), hash_word(signer))
    INDEX_SIGNER_SET.emit(host, model_id, signer)


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
    """Commit the model's newest feature index, in the place of the one before; channels can open on it once
    its window is over."""
    gas.charge(host, gas.MODEL_REGISTRY["commitFeatureIndex"], gas.words(uri))
    model = existing_model(host, model_id)
    if host.caller not in {model.owner, view.index_signer(host, model_id)}:
        raise NOT_OWNER(host.caller)
    require(rows_root != ZERO_HASH, "rowsRoot")
    require(sums_root != ZERO_HASH, "sumsRoot")
    require(0 < rows <= MAXIMUM_COUNT, "rows")
    require(0 < contributors <= rows, "contributors")
    require(0 < dimensions <= MAXIMUM_DIMENSIONS, "dimensions")
    require_text(uri, "uri")
    version = policy.current_version(host)
    if model.feature_index != 0 and not view.is_retired(host, model.feature_index):
        _retire(host, model.feature_index)
    _check_stake(host, version)
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
    add_to_slot(host, MODEL_REGISTRY, mapping_slot(view.LIVE_INDEXES_SLOT, host.caller), 1)
    FEATURE_INDEX_COMMITTED.emit(
        host, model_id, index_id, host.caller, rows_root, sums_root, usable_at_s, uri
    )
    return index_id


def retire_feature_index(host: Host, index_id: int) -> None:
    """End an index, by its signer or the model's owner: no new channels, and its stake is free after the
    unbonding time."""
    gas.charge(host, gas.MODEL_REGISTRY["retireFeatureIndex"])
    index = existing_index(host, index_id)
    if host.caller not in {index.signer, view.model(host, index.model_id).owner}:
        raise NOT_OWNER(host.caller)
    require(not view.is_retired(host, index_id), "indexId")
    _retire(host, index_id)


def get_feature_index(host: Host, index_id: int) -> FeatureIndex:
    """One feature index."""
    gas.charge(host, gas.MODEL_REGISTRY["getFeatureIndex"])
    return existing_index(host, index_id)


def is_retired(host: Host, index_id: int) -> bool:
    """True once an index takes no new channels."""
    gas.charge(host, gas.MODEL_REGISTRY["isRetired"])
    return view.is_retired(host, index_id)


def index_signer_of(host: Host, model_id: int) -> Address:
    """Who may commit a model's indexes beside its owner; zero when nobody is named."""
    gas.charge(host, gas.MODEL_REGISTRY["indexSignerOf"])
    return view.index_signer(host, model_id)


def indexes_of(host: Host, signer: Address) -> tuple[int, int]:
    """How many indexes of a signer are not retired, and until when those that are hold its stake."""
    gas.charge(host, gas.MODEL_REGISTRY["indexesOf"])
    return view.indexes_of(host, signer)


def existing_index(host: Host, index_id: int) -> FeatureIndex:
    """The index, or a revert."""
    if not view.index_exists(host, index_id):
        raise FEATURE_INDEX_NOT_FOUND(index_id)
    return view.feature_index(host, index_id)


def _retire(host: Host, index_id: int) -> None:
    signer = view.signer_of(host, index_id)
    live, held_until_s = view.indexes_of(host, signer)
    held_until_s = max(held_until_s, host.timestamp_s + policy.current(host, "unbonding_s"))
    host.store(mapping_slot(view.RETIRED_SLOT, index_id), host.timestamp_s)
    host.store(mapping_slot(view.LIVE_INDEXES_SLOT, signer), live - 1)
    host.store(mapping_slot(view.HELD_UNTIL_SLOT, signer), held_until_s)
    FEATURE_INDEX_RETIRED.emit(host, index_id, signer, held_until_s)


def _check_stake(host: Host, version: int) -> None:
    """The caller's own stake reaches the minimum beside what it and its delegators' answer for already."""
    own_wei, active_wei = staking.own_and_active(host, host.caller, staking.PROVIDER)
    live, _ = view.indexes_of(host, host.caller)
    indexes_wei = live * policy.parameter(host, version, "slash_amount_wei")
    needed_wei = policy.parameter(host, version, "minimum_provider_stake_wei") + indexes_wei
    posts_wei = POSTS_BY_STAKE * exposure_of(host, host.caller)
    if own_wei < needed_wei or active_wei < needed_wei + posts_wei:
        raise SIGNER_NOT_STAKED(host.caller)
