// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ATTRIBUTION_ADDRESS, IAttribution} from "../interfaces/IAttribution.sol";
import {DATANET_REGISTRY_ADDRESS, IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";
import {IStaking, STAKING_ADDRESS} from "../interfaces/IStaking.sol";
import {GasTables} from "./GasTables.sol";
import {Twin} from "./Twin.sol";

/// @title Twin of the ModelRegistry precompile
contract ModelRegistryTwin is Twin {
    struct Source {
        uint256 datanetId;
        uint256 version;
    }

    /*//////////////////////////////////////////////////////////////
                                 STORAGE
    //////////////////////////////////////////////////////////////*/

    uint256 internal modelCount;
    uint256 internal indexCount;
    mapping(uint256 modelId => IModelRegistry.Model) internal models;
    mapping(uint256 modelId => mapping(uint256 position => Source)) internal sources;
    mapping(uint256 indexId => IModelRegistry.FeatureIndex) internal indexes;
    mapping(uint256 modelId => uint256) internal deprecated;
    mapping(uint256 modelId => uint256) internal childCounts;
    mapping(uint256 modelId => mapping(uint256 position => uint256)) internal children;
    mapping(uint256 datanetId => uint256) internal userCounts;
    mapping(uint256 datanetId => mapping(uint256 position => uint256)) internal users;
    mapping(uint256 modelId => mapping(uint256 datanetId => uint256)) internal retrieval;
    mapping(uint256 modelId => address) internal indexSigners;
    mapping(uint256 indexId => uint256) internal retired;
    mapping(address signer => uint256) internal liveIndexes;
    mapping(address signer => uint256) internal indexesHeldUntil;

    /*//////////////////////////////////////////////////////////////
                                  LOGIC
    //////////////////////////////////////////////////////////////*/

    uint256 internal constant MAXIMUM_SOURCES = 64;
    uint256 internal constant MAXIMUM_DIMENSIONS = 65_536;
    uint256 internal constant PROVIDER = 2;
    uint256 internal constant POSTS_BY_STAKE = 2;

    function registerModel(
        bytes32 artifactHash,
        uint256 parent,
        bytes32 manifestHash,
        uint256[] calldata datanetIds,
        uint256[] calldata versions,
        string calldata uri
    ) external payable nonPayable returns (uint256 modelId) {
        _require(artifactHash != 0, "artifactHash");
        _require(manifestHash != 0, "manifestHash");
        _require(datanetIds.length == versions.length, "versions");
        _require(datanetIds.length <= MAXIMUM_SOURCES, "datanetIds");
        _requireText(uri, "uri");
        if (parent != 0) _requireModel(parent);
        for (uint256 i = 0; i < datanetIds.length; ++i) _checkSource(datanetIds[i], versions[i]);
        modelId = ++modelCount;
        IModelRegistry.Model storage model = models[modelId];
        model.owner = msg.sender;
        model.revenueRecipient = msg.sender;
        model.artifactHash = artifactHash;
        model.manifestHash = manifestHash;
        model.parent = parent;
        model.sources = datanetIds.length;
        if (parent != 0) children[parent][childCounts[parent]++] = modelId;
        emit IModelRegistry.ModelRegistered(modelId, msg.sender, parent, artifactHash, manifestHash, uri);
        _storeSources(modelId, datanetIds, versions);
    }

    function setPrice(uint256 modelId, uint256 inputPrice, uint256 outputPrice) external payable nonPayable {
        _requireOwner(modelId);
        _require(inputPrice <= MAXIMUM_WEI, "inputPrice");
        _require(outputPrice <= MAXIMUM_WEI, "outputPrice");
        models[modelId].inputPrice = inputPrice;
        models[modelId].outputPrice = outputPrice;
        emit IModelRegistry.PriceSet(modelId, inputPrice, outputPrice);
    }

    function setRevenueRecipient(uint256 modelId, address recipient) external payable nonPayable {
        _requireOwner(modelId);
        _require(recipient != address(0), "recipient");
        models[modelId].revenueRecipient = recipient;
        emit IModelRegistry.RevenueRecipientSet(modelId, recipient);
    }

    function commitFeatureIndex(
        uint256 modelId,
        bytes32 rowsRoot,
        bytes32 sumsRoot,
        bytes32 preconditionerHash,
        bytes32 numericProfile,
        uint256 rows,
        uint256 contributors,
        uint256 dimensions,
        string calldata uri
    ) external payable nonPayable returns (uint256 indexId) {
        _requireModel(modelId);
        if (msg.sender != indexSigners[modelId]) _requireOwner(modelId);
        _require(rowsRoot != 0, "rowsRoot");
        _require(sumsRoot != 0, "sumsRoot");
        _require(rows > 0 && rows <= MAXIMUM_COUNT, "rows");
        _require(contributors > 0 && contributors <= rows, "contributors");
        _require(dimensions > 0 && dimensions <= MAXIMUM_DIMENSIONS, "dimensions");
        _requireText(uri, "uri");
        _retireNewest(modelId);
        _checkStake();
        indexId = ++indexCount;
        IModelRegistry.FeatureIndex storage index = indexes[indexId];
        index.modelId = modelId;
        index.signer = msg.sender;
        index.rowsRoot = rowsRoot;
        index.sumsRoot = sumsRoot;
        index.preconditionerHash = preconditionerHash;
        index.numericProfile = numericProfile;
        index.rows = rows;
        index.contributors = contributors;
        index.dimensions = dimensions;
        _announce(indexId, uri);
    }

    function setIndexSigner(uint256 modelId, address signer) external payable nonPayable {
        _requireOwner(modelId);
        indexSigners[modelId] = signer;
        emit IModelRegistry.IndexSignerSet(modelId, signer);
    }

    function retireFeatureIndex(uint256 indexId) external payable nonPayable {
        IModelRegistry.FeatureIndex storage index = _index(indexId);
        bool isSigner = msg.sender == index.signer;
        if (!isSigner && msg.sender != models[index.modelId].owner) revert IModelRegistry.NotOwner(msg.sender);
        _require(retired[indexId] == 0, "indexId");
        _retire(indexId);
    }

    function indexSignerOf(uint256 modelId) external payable nonPayable returns (address) {
        return indexSigners[modelId];
    }

    function isRetired(uint256 indexId) external payable nonPayable returns (bool) {
        return retired[indexId] != 0;
    }

    function indexesOf(address signer) external payable nonPayable returns (uint256 live, uint256 heldUntil) {
        return (liveIndexes[signer], indexesHeldUntil[signer]);
    }

    function deprecateModel(uint256 modelId, uint256 successor) external payable nonPayable {
        _requireOwner(modelId);
        _require(successor != modelId, "successor");
        if (successor != 0) _requireModel(successor);
        _require(deprecated[modelId] == 0, "model");
        deprecated[modelId] = block.timestamp;
        emit IModelRegistry.ModelDeprecated(modelId, successor);
    }

    function transferModel(uint256 modelId, address owner) external payable nonPayable {
        _requireOwner(modelId);
        _require(owner != address(0), "owner");
        models[modelId].owner = owner;
        emit IModelRegistry.OwnerChanged(modelId, msg.sender, owner);
    }

    function setRetrieval(uint256 modelId, uint256 datanetId, bool allowed) external payable nonPayable {
        _requireOwner(modelId);
        try IDatanetRegistry(DATANET_REGISTRY_ADDRESS).getDatanet(datanetId) returns (
            IDatanetRegistry.Datanet memory
        ) {} catch {
            revert InvalidArgument("datanetId");
        }
        retrieval[modelId][datanetId] = allowed ? 1 : 0;
        emit IModelRegistry.RetrievalSet(modelId, datanetId, allowed);
    }

    function mayRetrieve(uint256 modelId, uint256 datanetId) external payable nonPayable returns (bool) {
        return retrieval[modelId][datanetId] != 0;
    }

    function isDeprecated(uint256 modelId) external payable nonPayable returns (bool) {
        return deprecated[modelId] != 0;
    }

    function childCount(uint256 modelId) external payable nonPayable returns (uint256) {
        return childCounts[modelId];
    }

    function childAt(uint256 modelId, uint256 position) external payable nonPayable returns (uint256) {
        _require(position < childCounts[modelId], "position");
        return children[modelId][position];
    }

    function userCount(uint256 datanetId) external payable nonPayable returns (uint256) {
        return userCounts[datanetId];
    }

    function userAt(uint256 datanetId, uint256 position) external payable nonPayable returns (uint256) {
        _require(position < userCounts[datanetId], "position");
        return users[datanetId][position];
    }

    function getModel(uint256 modelId) external payable nonPayable returns (IModelRegistry.Model memory) {
        _requireModel(modelId);
        return models[modelId];
    }

    function getSource(uint256 modelId, uint256 position)
        external
        payable
        nonPayable
        returns (uint256 datanetId, uint256 version)
    {
        _requireModel(modelId);
        _require(position < models[modelId].sources, "position");
        Source storage source = sources[modelId][position];
        return (source.datanetId, source.version);
    }

    function getFeatureIndex(uint256 indexId)
        external
        payable
        nonPayable
        returns (IModelRegistry.FeatureIndex memory)
    {
        return _index(indexId);
    }

    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external payable nonPayable returns (uint256) {
        return GasTables.modelRegistry(selector, elementCounts);
    }

    /*//////////////////////////////////////////////////////////////
                                INTERNALS
    //////////////////////////////////////////////////////////////*/

    function _requireModel(uint256 modelId) internal view {
        if (modelId == 0 || modelId > modelCount) revert IModelRegistry.ModelNotFound(modelId);
    }

    function _requireOwner(uint256 modelId) internal view {
        _requireModel(modelId);
        if (models[modelId].owner != msg.sender) revert IModelRegistry.NotOwner(msg.sender);
    }

    function _checkSource(uint256 datanetId, uint256 version) internal view {
        try IDatanetRegistry(DATANET_REGISTRY_ADDRESS).getDatanet(datanetId) returns (
            IDatanetRegistry.Datanet memory datanet
        ) {
            _require(version > 0 && version <= datanet.versions, "versions");
            if (!IDatanetRegistry(DATANET_REGISTRY_ADDRESS).mayUse(datanetId, msg.sender)) {
                revert IModelRegistry.UsageNotGranted(datanetId);
            }
        } catch {
            revert InvalidArgument("datanetIds");
        }
    }

    function _storeSources(uint256 modelId, uint256[] calldata datanetIds, uint256[] calldata versions) internal {
        for (uint256 i = 0; i < datanetIds.length; ++i) {
            sources[modelId][i] = Source(datanetIds[i], versions[i]);
            users[datanetIds[i]][userCounts[datanetIds[i]]++] = modelId;
            emit IModelRegistry.ModelSource(modelId, datanetIds[i], versions[i]);
        }
    }

    function _index(uint256 indexId) internal view returns (IModelRegistry.FeatureIndex storage) {
        if (indexId == 0 || indexId > indexCount) revert IModelRegistry.FeatureIndexNotFound(indexId);
        return indexes[indexId];
    }

    function _retireNewest(uint256 modelId) internal {
        uint256 newest = models[modelId].featureIndex;
        if (newest != 0 && retired[newest] == 0) _retire(newest);
    }

    function _retire(uint256 indexId) internal {
        address signer = indexes[indexId].signer;
        IPolicy policy = IPolicy(POLICY_ADDRESS);
        uint256 until = block.timestamp + policy.getParameters(policy.currentVersion()).unbondingSeconds;
        if (until < indexesHeldUntil[signer]) until = indexesHeldUntil[signer];
        retired[indexId] = block.timestamp;
        liveIndexes[signer] -= 1;
        indexesHeldUntil[signer] = until;
        emit IModelRegistry.FeatureIndexRetired(indexId, signer, until);
    }

    function _checkStake() internal view {
        IPolicy.Parameters memory policy =
            IPolicy(POLICY_ADDRESS).getParameters(IPolicy(POLICY_ADDRESS).currentVersion());
        uint256 own = IStaking(STAKING_ADDRESS).delegation(msg.sender, PROVIDER, msg.sender).active;
        uint256 active = IStaking(STAKING_ADDRESS).stakeOf(msg.sender, PROVIDER);
        uint256 needed = policy.minimumProviderStake + liveIndexes[msg.sender] * policy.slashAmount;
        uint256 posts = POSTS_BY_STAKE * IAttribution(ATTRIBUTION_ADDRESS).exposureOf(msg.sender);
        if (own < needed || active < needed + posts) revert IModelRegistry.SignerNotStaked(msg.sender);
    }

    function _announce(uint256 indexId, string calldata uri) internal {
        IModelRegistry.FeatureIndex storage index = indexes[indexId];
        uint256 version = IPolicy(POLICY_ADDRESS).currentVersion();
        index.policyVersion = version;
        index.usableAt = block.timestamp + IPolicy(POLICY_ADDRESS).getParameters(version).indexWindowSeconds;
        models[index.modelId].featureIndex = indexId;
        ++liveIndexes[msg.sender];
        emit IModelRegistry.FeatureIndexCommitted(
            index.modelId, indexId, msg.sender, index.rowsRoot, index.sumsRoot, index.usableAt, uri
        );
    }
}
