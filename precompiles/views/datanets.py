"""Where the DatanetRegistry keeps Datanets, contributions and versions, and how others read them."""

from dataclasses import dataclass

from genesis.addresses import DATANET_REGISTRY
from genesis.types import Address, Hash32
from precompiles.abi import Struct
from precompiles.host import Host
from precompiles.slots import load_struct, mapping_slot

DATANET_COUNT_SLOT = 0
CONTRIBUTION_COUNT_SLOT = 1
DATANETS_SLOT = 2
CURATORS_SLOT = 3
CONTRIBUTORS_SLOT = 4
CONTRIBUTIONS_SLOT = 5
VERSIONS_SLOT = 6
BRANCH_SLOT = 7
REVEAL_BLOCK_SLOT = 8
USAGE_PRICES_SLOT = 9
GRANTS_SLOT = 10
PURCHASES_SLOT = 11
ACCEPTANCES_SLOT = 12

ADMISSION_OPEN = 0
ADMISSION_ALLOW_LIST = 1
ADMISSION_CURATED = 2
USAGE_OPEN = 0
USAGE_PRICED = 2

COMMITTED = 1
REVEALED = 2
ACCEPTED = 3
REJECTED = 4
CANCELLED = 5


@dataclass(frozen=True, slots=True)
class Datanet:
    """One Datanet; `accepted`, `records` and `versions` count what was accepted and published so far."""

    owner: Address
    metadata_hash: Hash32
    licence: Hash32
    admission: int
    usage: int
    contributions: int
    accepted: int
    records: int
    versions: int


@dataclass(frozen=True, slots=True)
class Contribution:
    """One contribution and its state."""

    datanet_id: int
    contributor: Address
    root: Hash32
    records: int
    size_bytes: int
    bond_wei: int
    commit_block: int
    status: int
    quality: int


@dataclass(frozen=True, slots=True)
class Version:
    """The append-only tree of accepted contributions at one moment."""

    root: Hash32
    contributions: int
    records: int
    published_block: int


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Where an accepted contribution stands in its Datanet, the L1 block that draws whom its derived records'
    rows go to, and that block's randomness once somebody had it kept, zero before."""

    position: int
    first_record: int
    origin: int
    randomness: Hash32


DATANET = Struct(
    "Datanet",
    Datanet,
    "address owner, bytes32 metadataHash, bytes32 licence, uint256 admission, uint256 usage, "
    "uint256 contributions, uint256 accepted, uint256 records, uint256 versions",
)
CONTRIBUTION = Struct(
    "Contribution",
    Contribution,
    "uint256 datanetId, address contributor, bytes32 root, uint256 records, uint256 sizeBytes, uint256 bond, "
    "uint256 commitBlock, uint256 status, uint256 quality",
)
VERSION = Struct(
    "Version", Version, "bytes32 root, uint256 contributions, uint256 records, uint256 publishedBlock"
)
ACCEPTANCE = Struct(
    "Acceptance", Acceptance, "uint256 position, uint256 firstRecord, uint256 origin, bytes32 randomness"
)


def datanet_slot(datanet_id: int) -> int:
    """Base slot of a Datanet."""
    return mapping_slot(DATANETS_SLOT, datanet_id)


def contribution_slot(contribution_id: int) -> int:
    """Base slot of a contribution."""
    return mapping_slot(CONTRIBUTIONS_SLOT, contribution_id)


def version_slot(datanet_id: int, version: int) -> int:
    """Base slot of a published version."""
    return mapping_slot(VERSIONS_SLOT, datanet_id, version)


def branch_slot(datanet_id: int, level: int) -> int:
    """Slot of the newest complete left subtree of `level` in a Datanet's append-only tree."""
    return mapping_slot(BRANCH_SLOT, datanet_id, level)


def acceptance_slot(contribution_id: int) -> int:
    """Base slot of what is kept of a contribution's acceptance."""
    return mapping_slot(ACCEPTANCES_SLOT, contribution_id)


def exists(host: Host, datanet_id: int) -> bool:
    """Ids count from 1."""
    return 0 < datanet_id <= host.load(DATANET_REGISTRY, DATANET_COUNT_SLOT)


def datanet(host: Host, datanet_id: int) -> Datanet:
    """A Datanet; zeros when it does not exist."""
    return load_struct(host, DATANET_REGISTRY, datanet_slot(datanet_id), DATANET)


def contribution(host: Host, contribution_id: int) -> Contribution:
    """A contribution; zeros when it does not exist."""
    return load_struct(host, DATANET_REGISTRY, contribution_slot(contribution_id), CONTRIBUTION)


def acceptance(host: Host, contribution_id: int) -> Acceptance:
    """Where an accepted contribution stands; zeros when it is not accepted."""
    return load_struct(host, DATANET_REGISTRY, acceptance_slot(contribution_id), ACCEPTANCE)


def may_use(host: Host, datanet_id: int, account: Address) -> bool:
    """True iff the account may train on the Datanet: usage is open, it owns or bought it, or has a grant."""
    found = datanet(host, datanet_id)
    if found.usage == USAGE_OPEN or account == found.owner:
        return True
    if host.load(DATANET_REGISTRY, mapping_slot(PURCHASES_SLOT, datanet_id, account)) != 0:
        return True
    return host.timestamp_s < host.load(DATANET_REGISTRY, mapping_slot(GRANTS_SLOT, datanet_id, account))


def version(host: Host, datanet_id: int, number: int) -> Version:
    """A published version; zeros when it does not exist."""
    return load_struct(host, DATANET_REGISTRY, version_slot(datanet_id, number), VERSION)
