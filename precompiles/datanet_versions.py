"""A Datanet's accepted contributions: an append-only tree, versions that freeze it, proofs against it.

Source: protocol, section 3 "Datanet"; leaves: `genesis.commitments`.
"""

from collections.abc import Sequence
from dataclasses import replace

from genesis.addresses import DATANET_REGISTRY
from genesis.commitments import (
    EMPTY_NODE,
    contribution_leaf,
    merkle_root_from_proof,
    node_hash,
    tree_depth,
)
from genesis.types import Hash32
from precompiles import gas
from precompiles.checks import require
from precompiles.datanet_access import existing_contribution, existing_version, owned_datanet
from precompiles.datanet_interface import VERSION_PUBLISHED
from precompiles.host import Host
from precompiles.slots import hash_word, load_hash, store_struct, update_struct
from precompiles.views import datanets as view
from precompiles.views.datanets import Contribution, Datanet, Version


def publish_version(host: Host, datanet_id: int) -> int:
    """Freeze the accepted contributions, in order, under one root."""
    gas.charge(host, gas.DATANET_REGISTRY["publishVersion"])
    datanet = owned_datanet(host, datanet_id)
    require(datanet.accepted > 0, "contributions")
    number = datanet.versions + 1
    version = Version(
        _tree_root(host, datanet_id, datanet.accepted), datanet.accepted, datanet.records, host.block_number
    )
    counted = replace(datanet, versions=number)
    update_struct(host, view.datanet_slot(datanet_id), view.DATANET, datanet, counted)
    store_struct(host, view.version_slot(datanet_id, number), view.VERSION, version)
    VERSION_PUBLISHED.emit(host, datanet_id, number, version.root, version.contributions, version.records)
    return number


def verify_record(  # noqa: PLR0917 - the method's arguments
    host: Host,
    datanet_id: int,
    version: int,
    position: int,
    contribution_id: int,
    first_record: int,
    contribution_proof: Sequence[Hash32],
    record_leaf: Hash32,
    record_index: int,
    record_proof: Sequence[Hash32],
) -> bool:
    """True iff the leaf is record `record_index` of the contribution at `position` of the version."""
    hashes = len(contribution_proof) + len(record_proof)
    gas.charge(host, gas.DATANET_REGISTRY["verifyRecord"], hashes)
    frozen = existing_version(host, datanet_id, version)
    contribution = existing_contribution(host, contribution_id)
    leaf = contribution_leaf(
        contribution_id=contribution_id,
        contributor=contribution.contributor,
        root=contribution.root,
        records=contribution.records,
        first_record=first_record,
        commit_block=contribution.commit_block,
    )
    return _is_member(leaf, position, contribution_proof, frozen.contributions, frozen.root) and _is_member(
        record_leaf, record_index, record_proof, contribution.records, contribution.root
    )


def _is_member(leaf: Hash32, index: int, proof: Sequence[Hash32], count: int, root: Hash32) -> bool:
    """True iff `leaf` is leaf `index` of the padded tree of `count` leaves."""
    if index >= count or len(proof) != tree_depth(count):
        return False
    return merkle_root_from_proof(leaf, index, proof) == root


def append(host: Host, contribution_id: int, contribution: Contribution, datanet: Datanet) -> None:
    """Add an accepted contribution's leaf to the tree: only the branch of complete subtrees is stored."""
    datanet_id = contribution.datanet_id
    node = contribution_leaf(
        contribution_id=contribution_id,
        contributor=contribution.contributor,
        root=contribution.root,
        records=contribution.records,
        first_record=datanet.records,
        commit_block=contribution.commit_block,
    )
    level = 0
    while datanet.accepted >> level & 1:
        node = node_hash(load_hash(host, DATANET_REGISTRY, view.branch_slot(datanet_id, level)), node)
        level += 1
    host.store(view.branch_slot(datanet_id, level), hash_word(node))
    appended = replace(datanet, accepted=datanet.accepted + 1, records=datanet.records + contribution.records)
    update_struct(host, view.datanet_slot(datanet_id), view.DATANET, datanet, appended)


def _tree_root(host: Host, datanet_id: int, count: int) -> Hash32:
    """Root over `count` leaves padded with `EMPTY_NODE`, from the stored branch."""
    depth = tree_depth(count)
    if count >> depth:
        return load_hash(host, DATANET_REGISTRY, view.branch_slot(datanet_id, depth))
    node = empty = EMPTY_NODE
    for level in range(depth):
        if count >> level & 1:
            node = node_hash(load_hash(host, DATANET_REGISTRY, view.branch_slot(datanet_id, level)), node)
        else:
            node = node_hash(node, empty)
        empty = node_hash(empty, empty)
    return node
