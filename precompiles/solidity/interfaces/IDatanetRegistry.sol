// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

address constant DATANET_REGISTRY_ADDRESS = 0x1612000000000000000000000000000000000002;

/// @title Datanets: who contributed which data, under one root per version
/// @custom:address 0x1612000000000000000000000000000000000002
interface IDatanetRegistry {
    /// @dev admission 0 open to anyone, 1 allow-list and owner, 2 curators only; usage 0 open, 1 by grant, 2 priced.
    struct Datanet {
        address owner;
        bytes32 metadataHash;
        bytes32 licence;
        uint256 admission;
        uint256 usage;
        uint256 contributions;
        uint256 accepted;
        uint256 records;
        uint256 versions;
    }

    /// @dev status 0 none, 1 committed, 2 revealed, 3 accepted, 4 rejected, 5 cancelled.
    struct Contribution {
        uint256 datanetId;
        address contributor;
        bytes32 root;
        uint256 records;
        uint256 sizeBytes;
        uint256 bond;
        uint256 commitBlock;
        uint256 status;
        uint256 quality;
    }

    /// @dev `root` is the append-only tree of accepted contributions at the moment of publication.
    struct Version {
        bytes32 root;
        uint256 contributions;
        uint256 records;
        uint256 publishedBlock;
    }

    /// @dev Where an accepted contribution stands, from 0 on: its place in the tree of accepted ones, the records before it.
    /// The `prevRandao` of L1 block `origin` draws whom rows of its derived records go to; zero until it is kept.
    struct Acceptance {
        uint256 position;
        uint256 firstRecord;
        uint256 origin;
        bytes32 randomness;
    }

    event DatanetCreated(uint256 indexed datanetId, address indexed owner, string name, string metadataUri, bytes32 metadataHash, bytes32 licence, uint256 admission, uint256 usage);
    event CuratorSet(uint256 indexed datanetId, address indexed curator, bool allowed);
    event ContributorSet(uint256 indexed datanetId, address indexed contributor, bool allowed);
    event ContributionCommitted(uint256 indexed datanetId, uint256 indexed contributionId, address indexed contributor, bytes32 root, uint256 records, uint256 sizeBytes, uint256 bond);
    event ContributionRevealed(uint256 indexed datanetId, uint256 indexed contributionId, string uri);
    event ContributionReviewed(uint256 indexed datanetId, uint256 indexed contributionId, address indexed curator, bool accepted, uint256 quality, uint256 position, uint256 firstRecord);
    event VersionPublished(uint256 indexed datanetId, uint256 indexed version, bytes32 root, uint256 contributions, uint256 records);
    event BondReturned(uint256 indexed contributionId, address indexed contributor, uint256 amount);
    event ContributionCancelled(uint256 indexed datanetId, uint256 indexed contributionId);
    event MetadataSet(uint256 indexed datanetId, string uri, bytes32 metadataHash, bytes32 licence);
    event UsageSet(uint256 indexed datanetId, uint256 usage, uint256 price);
    event UsageGranted(uint256 indexed datanetId, address indexed account, uint256 until);
    event UsageBought(uint256 indexed datanetId, address indexed account, address indexed owner, uint256 price);
    event OwnerChanged(uint256 indexed datanetId, address indexed previousOwner, address indexed owner);
    event ParentsDrawn(uint256 indexed contributionId, uint256 origin, bytes32 randomness);
    event ParentsRedrawn(uint256 indexed contributionId, uint256 origin);

    error DatanetNotFound(uint256 datanetId);
    error ContributionNotFound(uint256 contributionId);
    error VersionNotFound(uint256 datanetId, uint256 version);
    error NotOwner(address caller);
    error NotCurator(address caller);
    error NotContributor(address caller);
    error InvalidArgument(string name);
    error WrongBond(uint256 required, uint256 given);
    error TooEarly(uint256 earliestBlock);
    error WrongStatus(uint256 status);
    error WrongPrice(uint256 required, uint256 given);
    error NotDueYet(uint256 earliest);

    /// @notice Ids count from 1.
    function createDatanet(string calldata name, string calldata metadataUri, bytes32 metadataHash, bytes32 licence, uint256 admission, uint256 usage) external returns (uint256 datanetId);
    /// @notice Owner only. The owner is always a curator.
    function setCurator(uint256 datanetId, address curator, bool allowed) external;
    /// @notice Owner only; read where admission is allow-list.
    function setContributor(uint256 datanetId, address contributor, bool allowed) external;
    /// @notice Commits a contribution's root and pays the policy's bond. Its block is its priority among near-duplicates.
    function contribute(uint256 datanetId, bytes32 root, uint256 records, uint256 sizeBytes) external payable returns (uint256 contributionId);
    /// @notice Names the content, at the earliest the policy's reveal delay after the commit.
    function reveal(uint256 contributionId, string calldata uri) external;
    /// @notice Curators only. An accepted contribution joins the Datanet's append-only tree. Quality is 0 to 10,000.
    function review(uint256 contributionId, bool accept, uint256 quality) external;
    /// @notice Owner only. Freezes the accepted contributions, in order, under one root. Versions count from 1.
    function publishVersion(uint256 datanetId) external returns (uint256 version);
    /// @notice Keeps the randomness that draws for a contribution's derived records, by anybody, once its L1 block is there;
    /// awaits another block if L1Block has forgotten that one, and returns zero. Calling again changes nothing.
    function drawParents(uint256 contributionId) external returns (bytes32 randomness);
    /// @notice Contributor only: takes back a contribution that is not reviewed yet.
    function cancel(uint256 contributionId) external;
    /// @notice Owner only.
    function setMetadata(uint256 datanetId, string calldata uri, bytes32 metadataHash, bytes32 licence) external;
    /// @notice Owner only. Binds models registered from now on; `price` is wei, for priced usage.
    function setUsage(uint256 datanetId, uint256 usage, uint256 price) external;
    /// @notice Owner only. `account` may train until that time; 0 takes a grant back; what was bought stays.
    function grantUsage(uint256 datanetId, address account, uint256 until) external;
    /// @notice Pays the owner the Datanet's price; the caller may then train on it for ever.
    function buyUsage(uint256 datanetId) external payable;
    /// @notice Owner only: to a person, a multisig, a token's holders.
    function transferDatanet(uint256 datanetId, address owner) external;
    /// @notice Returns the bond of a reviewed or cancelled contribution to its contributor.
    function withdrawBond(uint256 contributionId) external;

    function getDatanet(uint256 datanetId) external view returns (Datanet memory);
    function getContribution(uint256 contributionId) external view returns (Contribution memory);
    function getVersion(uint256 datanetId, uint256 version) external view returns (Version memory);
    /// @notice Of an accepted contribution.
    function getAcceptance(uint256 contributionId) external view returns (Acceptance memory);
    /// @notice True iff a model of `account` may be trained on the Datanet now.
    function mayUse(uint256 datanetId, address account) external view returns (bool);
    function usagePrice(uint256 datanetId) external view returns (uint256);
    function isCurator(uint256 datanetId, address account) external view returns (bool);
    /// @notice True iff `recordLeaf` is record `recordIndex` of the contribution at `position` of the version.
    function verifyRecord(uint256 datanetId, uint256 version, uint256 position, uint256 contributionId, uint256 firstRecord, bytes32[] calldata contributionProof, bytes32 recordLeaf, uint256 recordIndex, bytes32[] calldata recordProof) external view returns (bool);
    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external view returns (uint256);
}
