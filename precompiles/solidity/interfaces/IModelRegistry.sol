// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

address constant MODEL_REGISTRY_ADDRESS = 0x1612000000000000000000000000000000000003;

/// @title Models: what they were made from, what they cost, how their data is scored
/// @custom:address 0x1612000000000000000000000000000000000003
interface IModelRegistry {
    struct Model {
        address owner;
        address revenueRecipient;
        bytes32 artifactHash;
        bytes32 manifestHash;
        uint256 parent;
        uint256 inputPrice;
        uint256 outputPrice;
        uint256 featureIndex;
        uint256 sources;
    }

    /// @dev Prices are wei per 1,000 tokens. `featureIndex` is the newest index's id, 0 when there is none.
    struct FeatureIndex {
        uint256 modelId;
        address signer;
        bytes32 rowsRoot;
        bytes32 sumsRoot;
        bytes32 preconditionerHash;
        bytes32 numericProfile;
        uint256 rows;
        uint256 contributors;
        uint256 dimensions;
        uint256 policyVersion;
        uint256 usableAt;
    }

    event ModelRegistered(uint256 indexed modelId, address indexed owner, uint256 indexed parent, bytes32 artifactHash, bytes32 manifestHash, string uri);
    event ModelSource(uint256 indexed modelId, uint256 indexed datanetId, uint256 indexed version);
    event PriceSet(uint256 indexed modelId, uint256 inputPrice, uint256 outputPrice);
    event RevenueRecipientSet(uint256 indexed modelId, address indexed recipient);
    event FeatureIndexCommitted(uint256 indexed modelId, uint256 indexed indexId, address indexed signer, bytes32 rowsRoot, bytes32 sumsRoot, uint256 usableAt, string uri);
    event FeatureIndexRetired(uint256 indexed indexId, address indexed signer, uint256 heldUntil);
    event IndexSignerSet(uint256 indexed modelId, address indexed signer);
    event ModelDeprecated(uint256 indexed modelId, uint256 indexed successor);
    event RetrievalSet(uint256 indexed modelId, uint256 indexed datanetId, bool allowed);
    event OwnerChanged(uint256 indexed modelId, address indexed previousOwner, address indexed owner);

    error ModelNotFound(uint256 modelId);
    error FeatureIndexNotFound(uint256 indexId);
    error NotOwner(address caller);
    error InvalidArgument(string name);
    error UsageNotGranted(uint256 datanetId);
    error SignerNotStaked(address signer);

    /// @notice Ids count from 1; `parent` 0 means none. Refused when a Datanet's usage rule is not met.
    function registerModel(bytes32 artifactHash, uint256 parent, bytes32 manifestHash, uint256[] calldata datanetIds, uint256[] calldata versions, string calldata uri) external returns (uint256 modelId);
    function setPrice(uint256 modelId, uint256 inputPrice, uint256 outputPrice) external;
    function setRevenueRecipient(uint256 modelId, address recipient) external;
    /// @notice Owner or named signer; usable after the policy's index challenge window, and the model's index before it
    /// is retired. The caller's own provider stake answers for it: the policy's minimum, beside a slash for each index of
    /// its that is not retired and twice what its posts answer for. Dimensions are 1 to 65,536.
    function commitFeatureIndex(uint256 modelId, bytes32 rowsRoot, bytes32 sumsRoot, bytes32 preconditionerHash, bytes32 numericProfile, uint256 rows, uint256 contributors, uint256 dimensions, string calldata uri) external returns (uint256 indexId);

    /// @notice Owner only: who may commit the model's indexes too, with its own stake; zero names nobody.
    function setIndexSigner(uint256 modelId, address signer) external;
    function indexSignerOf(uint256 modelId) external view returns (address);
    /// @notice The index's signer or the model's owner, for good: no new channels or requests; batches of open ones are
    /// posted on it as before. Its signer may withdraw its stake after the unbonding time.
    function retireFeatureIndex(uint256 indexId) external;
    function isRetired(uint256 indexId) external view returns (bool);
    /// @notice Indexes of a signer that are not retired, and until when those that are hold its stake.
    function indexesOf(address signer) external view returns (uint256 live, uint256 heldUntil);

    /// @notice Owner only, for good: no new channels or requests; open ones go on. `successor` 0 names none.
    function deprecateModel(uint256 modelId, uint256 successor) external;
    /// @notice Owner only. The revenue recipient does not change with the owner.
    function transferModel(uint256 modelId, address owner) external;
    /// @notice Owner only: whether records of a Datanet that are retrieved for the model's answers share in what later
    /// settlements leave its contributors.
    function setRetrieval(uint256 modelId, uint256 datanetId, bool allowed) external;
    function mayRetrieve(uint256 modelId, uint256 datanetId) external view returns (bool);
    function isDeprecated(uint256 modelId) external view returns (bool);
    /// @notice Models that name this one as parent; positions count from 0 in order of registration.
    function childCount(uint256 modelId) external view returns (uint256);
    function childAt(uint256 modelId, uint256 position) external view returns (uint256);
    /// @notice Models made from a Datanet, once for each version of it they name.
    function userCount(uint256 datanetId) external view returns (uint256);
    function userAt(uint256 datanetId, uint256 position) external view returns (uint256);
    function getModel(uint256 modelId) external view returns (Model memory);
    function getSource(uint256 modelId, uint256 position) external view returns (uint256 datanetId, uint256 version);
    function getFeatureIndex(uint256 indexId) external view returns (FeatureIndex memory);
    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external view returns (uint256);
}
