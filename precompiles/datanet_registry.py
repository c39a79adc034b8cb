"""DatanetRegistry (02): who contributed which data, under one root per version.

Covered: Datanets with their admission and usage rules, contributions from commit to review, bonds,
append-only versions, record proofs, the draw for derived records. The methods are in
`datanet_administration`, `datanet_contributions`, `datanet_parents` and `datanet_versions`; here are the
readings and the table.
Not covered: a deadline for curators; a contributor who is not reviewed cancels instead.
Source: protocol, section 3 "Datanet".
"""

from typing import Any

from genesis.addresses import DATANET_REGISTRY
from genesis.types import Address
from precompiles import datanet_interface as interface
from precompiles import gas
from precompiles.abi import Struct
from precompiles.checks import INVALID_ARGUMENT
from precompiles.contract import Contract, Method
from precompiles.datanet_access import (
    check_status,
    existing_contribution,
    existing_datanet,
    existing_version,
    is_curator_of,
)
from precompiles.datanet_administration import (
    buy_usage,
    create_datanet,
    grant_usage,
    may_use,
    set_contributor,
    set_curator,
    set_metadata,
    set_usage,
    transfer_datanet,
    usage_price,
)
from precompiles.datanet_contributions import cancel, contribute, reveal, review, withdraw_bond
from precompiles.datanet_parents import draw_parents
from precompiles.datanet_versions import publish_version, verify_record
from precompiles.host import Host
from precompiles.views import datanets as view
from precompiles.views.datanets import Acceptance, Contribution, Datanet, Version


def get_datanet(host: Host, datanet_id: int) -> Datanet:
    """One Datanet."""
    gas.charge(host, gas.DATANET_REGISTRY["getDatanet"])
    return existing_datanet(host, datanet_id)


def get_contribution(host: Host, contribution_id: int) -> Contribution:
    """One contribution."""
    gas.charge(host, gas.DATANET_REGISTRY["getContribution"])
    return existing_contribution(host, contribution_id)


def get_version(host: Host, datanet_id: int, version: int) -> Version:
    """One published version."""
    gas.charge(host, gas.DATANET_REGISTRY["getVersion"])
    return existing_version(host, datanet_id, version)


def get_acceptance(host: Host, contribution_id: int) -> Acceptance:
    """Where an accepted contribution stands, and its draw."""
    gas.charge(host, gas.DATANET_REGISTRY["getAcceptance"])
    check_status(existing_contribution(host, contribution_id), view.ACCEPTED)
    return view.acceptance(host, contribution_id)


def is_curator(host: Host, datanet_id: int, account: Address) -> bool:
    """True for the owner and for accounts the owner let review."""
    gas.charge(host, gas.DATANET_REGISTRY["isCurator"])
    return is_curator_of(host, datanet_id, existing_datanet(host, datanet_id), account)


_STRUCTS: dict[str, Struct[Any]] = {
    "Datanet": view.DATANET,
    "Contribution": view.CONTRIBUTION,
    "Version": view.VERSION,
    "Acceptance": view.ACCEPTANCE,
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
        Method("function drawParents(uint256 contributionId) returns (bytes32 randomness)", draw_parents),
        Method("function cancel(uint256 contributionId)", cancel),
        Method(
            "function setMetadata(uint256 datanetId, string uri, bytes32 metadataHash, bytes32 licence)",
            set_metadata,
        ),
        Method("function setUsage(uint256 datanetId, uint256 usage, uint256 price)", set_usage),
        Method("function grantUsage(uint256 datanetId, address account, uint256 until)", grant_usage),
        Method("function buyUsage(uint256 datanetId) payable", buy_usage),
        Method("function transferDatanet(uint256 datanetId, address owner)", transfer_datanet),
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
        Method(
            "function getAcceptance(uint256 contributionId) view returns (Acceptance)",
            get_acceptance,
            _STRUCTS,
        ),
        Method("function mayUse(uint256 datanetId, address account) view returns (bool)", may_use),
        Method("function usagePrice(uint256 datanetId) view returns (uint256)", usage_price),
        Method("function isCurator(uint256 datanetId, address account) view returns (bool)", is_curator),
        Method(
            "function verifyRecord(uint256 datanetId, uint256 version, uint256 position, "
            "uint256 contributionId, uint256 firstRecord, bytes32[] contributionProof, bytes32 recordLeaf, "
            "uint256 recordIndex, bytes32[] recordProof) view returns (bool)",
            verify_record,
        ),
    ),
    events=(
        interface.DATANET_CREATED,
        interface.CURATOR_SET,
        interface.CONTRIBUTOR_SET,
        interface.CONTRIBUTION_COMMITTED,
        interface.CONTRIBUTION_REVEALED,
        interface.CONTRIBUTION_REVIEWED,
        interface.VERSION_PUBLISHED,
        interface.BOND_RETURNED,
        interface.CONTRIBUTION_CANCELLED,
        interface.METADATA_SET,
        interface.USAGE_SET,
        interface.USAGE_GRANTED,
        interface.USAGE_BOUGHT,
        interface.OWNER_CHANGED,
        interface.PARENTS_DRAWN,
        interface.PARENTS_REDRAWN,
    ),
    errors=(
        interface.DATANET_NOT_FOUND,
        interface.CONTRIBUTION_NOT_FOUND,
        interface.VERSION_NOT_FOUND,
        interface.NOT_OWNER,
        interface.NOT_CURATOR,
        interface.NOT_CONTRIBUTOR,
        INVALID_ARGUMENT,
        interface.WRONG_BOND,
        interface.TOO_EARLY,
        interface.WRONG_STATUS,
        interface.WRONG_PRICE,
        interface.NOT_DUE_YET,
    ),
)
