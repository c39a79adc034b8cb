"""DatanetRegistry (02): who contributed which data, under one root per version.

Covered: Datanets with their admission rule, contributions from commit to review, bonds, append-only versions
and record proofs. Admission: open takes anybody's contribution, allow-list those of listed accounts and the
owner, curated those of curators; every contribution is reviewed in all three.
Not covered: granting and selling usage (a Datanet whose usage is not open serves its owner only), a deadline
for curators: a bond stays until the contribution is reviewed.
Source: protocol, section 3 "Datanet"; leaves: `genesis.commitments`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from genesis.addresses import DATANET_REGISTRY
from genesis.commitments import (
    EMPTY_NODE,
    contribution_leaf,
    merkle_root_from_proof,
    node_hash,
    tree_depth,
)
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles import gas
from precompiles.abi import Struct
from precompiles.checks import INVALID_ARGUMENT, MAXIMUM_COUNT, require, require_text
from precompiles.contract import Contract, Method
from precompiles.datanet_interface import (
    BOND_RETURNED,
    CONTRIBUTION_COMMITTED,
    CONTRIBUTION_NOT_FOUND,
    CONTRIBUTION_REVEALED,
    CONTRIBUTION_REVIEWED,
    CONTRIBUTOR_SET,
    CURATOR_SET,
    DATANET_CREATED,
    DATANET_NOT_FOUND,
    NOT_CONTRIBUTOR,
    NOT_CURATOR,
    NOT_OWNER,
    TOO_EARLY,
    VERSION_NOT_FOUND,
    VERSION_PUBLISHED,
    WRONG_BOND,
    WRONG_STATUS,
)
from precompiles.host import Host
from precompiles.slots import hash_word, load_hash, mapping_slot, store_struct, update_struct
from precompiles.views import datanets as view
from precompiles.views import policy
from precompiles.views.datanets import Contribution, Datanet, Version

MAXIMUM_QUALITY = 10_000
MAXIMUM_SIZE_BYTES = 2**64


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
    _owned_datanet(host, datanet_id)
    host.store(mapping_slot(view.CURATORS_SLOT, datanet_id, curator), int(allowed))
    CURATOR_SET.emit(host, datanet_id, curator, allowed)


def set_contributor(host: Host, datanet_id: int, contributor: Address, allowed: bool) -> None:
    """Put an account on the allow-list, or take it off."""
    gas.charge(host, gas.DATANET_REGISTRY["setContributor"])
    _owned_datanet(host, datanet_id)
    host.store(mapping_slot(view.CONTRIBUTORS_SLOT, datanet_id, contributor), int(allowed))
    CONTRIBUTOR_SET.emit(host, datanet_id, contributor, allowed)


def contribute(host: Host, datanet_id: int, root: Hash32, records: int, size_bytes: int) -> int:
    """Commit a contribution's root against the policy's bond; its block is its priority."""
    gas.charge(host, gas.DATANET_REGISTRY["contribute"])
    datanet = _datanet(host, datanet_id)
    _check_admission(host, datanet_id, datanet)
    require(root != ZERO_HASH, "root")
    require(0 < records <= MAXIMUM_COUNT, "records")
    require(0 < size_bytes <= MAXIMUM_SIZE_BYTES, "sizeBytes")
    bond = policy.current(host, "contribution_bond_wei")
    if host.value_wei != bond:
        raise WRONG_BOND(bond, host.value_wei)
    contribution_id = host.load(DATANET_REGISTRY, view.CONTRIBUTION_COUNT_SLOT) + 1
    host.store(view.CONTRIBUTION_COUNT_SLOT, contribution_id)
    committed = Contribution(
        datanet_id, host.caller, root, records, size_bytes, bond, host.block_number, view.COMMITTED, 0
    )
    store_struct(host, view.contribution_slot(contribution_id), view.CONTRIBUTION, committed)
    reveal_block = host.block_number + policy.current(host, "reveal_delay_blocks")
    host.store(mapping_slot(view.REVEAL_BLOCK_SLOT, contribution_id), reveal_block)
    counted = replace(datanet, contributions=datanet.contributions + 1)
    update_struct(host, view.datanet_slot(datanet_id), view.DATANET, datanet, counted)
    CONTRIBUTION_COMMITTED.emit(
        host, datanet_id, contribution_id, host.caller, root, records, size_bytes, bond
    )
    return contribution_id


def reveal(host: Host, contribution_id: int, uri: bytes) -> None:
    """Name the content of a committed contribution."""
    gas.charge(host, gas.DATANET_REGISTRY["reveal"], gas.words(uri))
    contribution = _own_contribution(host, contribution_id)
    _check_status(contribution, view.COMMITTED)
    reveal_block = host.load(DATANET_REGISTRY, mapping_slot(view.REVEAL_BLOCK_SLOT, contribution_id))
    if host.block_number < reveal_block:
        raise TOO_EARLY(reveal_block)
    require(len(uri) > 0, "uri")
    require_text(uri, "uri")
    revealed = replace(contribution, status=view.REVEALED)
    update_struct(host, view.contribution_slot(contribution_id), view.CONTRIBUTION, contribution, revealed)
    CONTRIBUTION_REVEALED.emit(host, contribution.datanet_id, contribution_id, uri)


def review(host: Host, contribution_id: int, accept: bool, quality: int) -> None:
    """Accept or reject a revealed contribution; an accepted one joins the Datanet's append-only tree."""
    gas.charge(host, gas.DATANET_REGISTRY["review"])
    contribution = _contribution(host, contribution_id)
    datanet = view.datanet(host, contribution.datanet_id)
    if not _is_curator(host, contribution.datanet_id, datanet, host.caller):
        raise NOT_CURATOR(host.caller)
    _check_status(contribution, view.REVEALED)
    require(quality <= MAXIMUM_QUALITY, "quality")
    status = view.ACCEPTED if accept else view.REJECTED
    reviewed = replace(contribution, status=status, quality=quality)
    update_struct(host, view.contribution_slot(contribution_id), view.CONTRIBUTION, contribution, reviewed)
    position, first_record = (datanet.accepted, datanet.records) if accept else (0, 0)
    if accept:
        _append(host, contribution_id, contribution, datanet)
    CONTRIBUTION_REVIEWED.emit(
        host, contribution.datanet_id, contribution_id, host.caller, accept, quality, position, first_record
    )


def publish_version(host: Host, datanet_id: int) -> int:
    """Freeze the accepted contributions, in order, under one root."""
    gas.charge(host, gas.DATANET_REGISTRY["publishVersion"])
    datanet = _owned_datanet(host, datanet_id)
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


def withdraw_bond(host: Host, contribution_id: int) -> None:
    """Return the bond of a reviewed contribution, accepted or not, to its contributor."""
    gas.charge(host, gas.DATANET_REGISTRY["withdrawBond"])
    contribution = _own_contribution(host, contribution_id)
    if contribution.status not in (view.ACCEPTED, view.REJECTED):
        raise WRONG_STATUS(contribution.status)
    require(contribution.bond_wei > 0, "bond")
    returned = replace(contribution, bond_wei=0)
    update_struct(host, view.contribution_slot(contribution_id), view.CONTRIBUTION, contribution, returned)
    host.transfer(host.caller, contribution.bond_wei)
    BOND_RETURNED.emit(host, contribution_id, host.caller, contribution.bond_wei)


def get_datanet(host: Host, datanet_id: int) -> Datanet:
    """One Datanet."""
    gas.charge(host, gas.DATANET_REGISTRY["getDatanet"])
    return _datanet(host, datanet_id)


def get_contribution(host: Host, contribution_id: int) -> Contribution:
    """One contribution."""
    gas.charge(host, gas.DATANET_REGISTRY["getContribution"])
    return _contribution(host, contribution_id)


def get_version(host: Host, datanet_id: int, version: int) -> Version:
    """One published version."""
    gas.charge(host, gas.DATANET_REGISTRY["getVersion"])
    return _version(host, datanet_id, version)


def is_curator(host: Host, datanet_id: int, account: Address) -> bool:
    """True for the owner and for accounts the owner let review."""
    gas.charge(host, gas.DATANET_REGISTRY["isCurator"])
    return _is_curator(host, datanet_id, _datanet(host, datanet_id), account)


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
    frozen = _version(host, datanet_id, version)
    contribution = _contribution(host, contribution_id)
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


def _datanet(host: Host, datanet_id: int) -> Datanet:
    if not view.exists(host, datanet_id):
        raise DATANET_NOT_FOUND(datanet_id)
    return view.datanet(host, datanet_id)


def _owned_datanet(host: Host, datanet_id: int) -> Datanet:
    datanet = _datanet(host, datanet_id)
    if datanet.owner != host.caller:
        raise NOT_OWNER(host.caller)
    return datanet


def _version(host: Host, datanet_id: int, number: int) -> Version:
    datanet = _datanet(host, datanet_id)
    if not 0 < number <= datanet.versions:
        raise VERSION_NOT_FOUND(datanet_id, number)
    return view.version(host, datanet_id, number)


def _contribution(host: Host, contribution_id: int) -> Contribution:
    contribution = view.contribution(host, contribution_id)
    if contribution.status == 0:
        raise CONTRIBUTION_NOT_FOUND(contribution_id)
    return contribution


def _own_contribution(host: Host, contribution_id: int) -> Contribution:
    contribution = _contribution(host, contribution_id)
    if contribution.contributor != host.caller:
        raise NOT_CONTRIBUTOR(host.caller)
    return contribution


def _check_status(contribution: Contribution, required: int) -> None:
    if contribution.status != required:
        raise WRONG_STATUS(contribution.status)


def _is_curator(host: Host, datanet_id: int, datanet: Datanet, account: Address) -> bool:
    listed = host.load(DATANET_REGISTRY, mapping_slot(view.CURATORS_SLOT, datanet_id, account))
    return account == datanet.owner or listed != 0


def _check_admission(host: Host, datanet_id: int, datanet: Datanet) -> None:
    listed = host.load(DATANET_REGISTRY, mapping_slot(view.CONTRIBUTORS_SLOT, datanet_id, host.caller))
    is_allowed = host.caller == datanet.owner or listed != 0
    if datanet.admission == view.ADMISSION_ALLOW_LIST and not is_allowed:
        raise NOT_CONTRIBUTOR(host.caller)
    may_review = _is_curator(host, datanet_id, datanet, host.caller)
    if datanet.admission == view.ADMISSION_CURATED and not may_review:
        raise NOT_CURATOR(host.caller)


def _append(host: Host, contribution_id: int, contribution: Contribution, datanet: Datanet) -> None:
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


_STRUCTS: dict[str, Struct[Any]] = {
    "Datanet": view.DATANET,
    "Contribution": view.CONTRIBUTION,
    "Version": view.VERSION,
}
CONTRACT = Contract(
    name="DatanetRegistry",
    address=DATANET_REGISTRY,
    prices=gas.DATANET_REGISTRY,
    methods=(
        Method(
            "function createDatanet(string name, string metadataUri, bytes32 metadataHash, bytes32 licence, "
            "uint256 admission, uint256 usage) returns (uint256 datanetId)",
            create_datanet,
        ),
        Method("function setCurator(uint256 datanetId, address curator, bool allowed)", set_curator),
        Method(
            "function setContributor(uint256 datanetId, address contributor, bool allowed)", set_contributor
        ),
        Method(
            "function contribute(uint256 datanetId, bytes32 root, uint256 records, uint256 sizeBytes) "
            "payable returns (uint256 contributionId)",
            contribute,
        ),
        Method("function reveal(uint256 contributionId, string uri)", reveal),
        Method("function review(uint256 contributionId, bool accept, uint256 quality)", review),
        Method("function publishVersion(uint256 datanetId) returns (uint256 version)", publish_version),
        Method("function withdrawBond(uint256 contributionId)", withdraw_bond),
        Method("function getDatanet(uint256 datanetId) view returns (Datanet)", get_datanet, _STRUCTS),
        Method(
            "function getContribution(uint256 contributionId) view returns (Contribution)",
            get_contribution,
            _STRUCTS,
        ),
        Method(
            "function getVersion(uint256 datanetId, uint256 version) view returns (Version)",
            get_version,
            _STRUCTS,
        ),
        Method("function isCurator(uint256 datanetId, address account) view returns (bool)", is_curator),
        Method(
            "function verifyRecord(uint256 datanetId, uint256 version, uint256 position, "
            "uint256 contributionId, uint256 firstRecord, bytes32[] contributionProof, bytes32 recordLeaf, "
            "uint256 recordIndex, bytes32[] recordProof) view returns (bool)",
            verify_record,
        ),
    ),
    events=(
        DATANET_CREATED,
        CURATOR_SET,
        CONTRIBUTOR_SET,
        CONTRIBUTION_COMMITTED,
        CONTRIBUTION_REVEALED,
        CONTRIBUTION_REVIEWED,
        VERSION_PUBLISHED,
        BOND_RETURNED,
    ),
    errors=(
        DATANET_NOT_FOUND,
        CONTRIBUTION_NOT_FOUND,
        VERSION_NOT_FOUND,
        NOT_OWNER,
        NOT_CURATOR,
        NOT_CONTRIBUTOR,
        INVALID_ARGUMENT,
        WRONG_BOND,
        TOO_EARLY,
        WRONG_STATUS,
    ),
)
