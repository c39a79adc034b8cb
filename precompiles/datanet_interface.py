"""Events and errors of the DatanetRegistry precompile."""

from precompiles.contract import Error, Event

DATANET_CREATED = Event(
    "event DatanetCreated(uint256 indexed datanetId, address indexed owner, string name, string metadataUri, "
    "bytes32 metadataHash, bytes32 licence, uint256 admission, uint256 usage)"
)
CURATOR_SET = Event("event CuratorSet(uint256 indexed datanetId, address indexed curator, bool allowed)")
CONTRIBUTOR_SET = Event(
    "event ContributorSet(uint256 indexed datanetId, address indexed contributor, bool allowed)"
)
CONTRIBUTION_COMMITTED = Event(
    "event ContributionCommitted(uint256 indexed datanetId, uint256 indexed contributionId, "
    "address indexed contributor, bytes32 root, uint256 records, uint256 sizeBytes, uint256 bond)"
)
CONTRIBUTION_REVEALED = Event(
    "event ContributionRevealed(uint256 indexed datanetId, uint256 indexed contributionId, string uri)"
)
CONTRIBUTION_REVIEWED = Event(
    "event ContributionReviewed(uint256 indexed datanetId, uint256 indexed contributionId, "
    "address indexed curator, bool accepted, uint256 quality, uint256 position, uint256 firstRecord)"
)
VERSION_PUBLISHED = Event(
    "event VersionPublished(uint256 indexed datanetId, uint256 indexed version, bytes32 root, "
    "uint256 contributions, uint256 records)"
)
BOND_RETURNED = Event(
    "event BondReturned(uint256 indexed contributionId, address indexed contributor, uint256 amount)"
)
CONTRIBUTION_CANCELLED = Event(
    "event ContributionCancelled(uint256 indexed datanetId, uint256 indexed contributionId)"
)
METADATA_SET = Event(
    "event MetadataSet(uint256 indexed datanetId, string uri, bytes32 metadataHash, bytes32 licence)"
)
USAGE_SET = Event("event UsageSet(uint256 indexed datanetId, uint256 usage, uint256 price)")
USAGE_GRANTED = Event("event UsageGranted(uint256 indexed datanetId, address indexed account, uint256 until)")
USAGE_BOUGHT = Event(
    "event UsageBought(uint256 indexed datanetId, address indexed account, address indexed owner, "
    "uint256 price)"
)
OWNER_CHANGED = Event(
    "event OwnerChanged(uint256 indexed datanetId, address indexed previousOwner, address indexed owner)"
)
PARENTS_DRAWN = Event(
    "event ParentsDrawn(uint256 indexed contributionId, uint256 origin, bytes32 randomness)"
)
PARENTS_REDRAWN = Event("event ParentsRedrawn(uint256 indexed contributionId, uint256 origin)")

DATANET_NOT_FOUND = Error("error DatanetNotFound(uint256 datanetId)")
CONTRIBUTION_NOT_FOUND = Error("error ContributionNotFound(uint256 contributionId)")
VERSION_NOT_FOUND = Error("error VersionNotFound(uint256 datanetId, uint256 version)")
NOT_OWNER = Error("error NotOwner(address caller)")
NOT_CURATOR = Error("error NotCurator(address caller)")
NOT_CONTRIBUTOR = Error("error NotContributor(address caller)")
WRONG_BOND = Error("error WrongBond(uint256 required, uint256 given)")
TOO_EARLY = Error("error TooEarly(uint256 earliestBlock)")
WRONG_PRICE = Error("error WrongPrice(uint256 required, uint256 given)")
WRONG_STATUS = Error("error WrongStatus(uint256 status)")
NOT_DUE_YET = Error("error NotDueYet(uint256 earliest)")
