// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";
import {Commitments} from "./Commitments.sol";
import {GasTables} from "./GasTables.sol";
import {Twin} from "./Twin.sol";

/// @title Twin of the DatanetRegistry precompile
contract DatanetRegistryTwin is Twin {
    /*//////////////////////////////////////////////////////////////
                                 STORAGE
    //////////////////////////////////////////////////////////////*/

    uint256 internal datanetCount;
    uint256 internal contributionCount;
    mapping(uint256 datanetId => IDatanetRegistry.Datanet) internal datanets;
    mapping(uint256 datanetId => mapping(address account => uint256)) internal curators;
    mapping(uint256 datanetId => mapping(address account => uint256)) internal contributors;
    mapping(uint256 contributionId => IDatanetRegistry.Contribution) internal contributions;
    mapping(uint256 datanetId => mapping(uint256 number => IDatanetRegistry.Version)) internal versions;
    /// @dev The newest complete left subtree of each level of a Datanet's append-only tree.
    mapping(uint256 datanetId => mapping(uint256 level => bytes32)) internal branches;
    mapping(uint256 contributionId => uint256) internal revealBlocks;
    mapping(uint256 datanetId => uint256) internal usagePrices;
    mapping(uint256 datanetId => mapping(address account => uint256)) internal grants;
    mapping(uint256 datanetId => mapping(address account => uint256)) internal purchases;

    /*//////////////////////////////////////////////////////////////
                                  LOGIC
    //////////////////////////////////////////////////////////////*/

    uint256 internal constant ALLOW_LIST = 1;
    uint256 internal constant CURATED = 2;
    uint256 internal constant PRICED = 2;
    uint256 internal constant COMMITTED = 1;
    uint256 internal constant REVEALED = 2;
    uint256 internal constant ACCEPTED = 3;
    uint256 internal constant REJECTED = 4;
    uint256 internal constant CANCELLED = 5;
    uint256 internal constant MAXIMUM_QUALITY = 10_000;
    uint256 internal constant MAXIMUM_SIZE_BYTES = 2 ** 64;

    function createDatanet(
        string calldata name,
        string calldata metadataUri,
        bytes32 metadataHash,
        bytes32 licence,
        uint256 admission,
        uint256 usage
    ) external payable nonPayable returns (uint256 datanetId) {
        _require(bytes(name).length > 0, "name");
        _requireText(name, "name");
        _requireText(metadataUri, "metadataUri");
        _require(admission <= CURATED, "admission");
        _require(usage <= PRICED, "usage");
        datanetId = ++datanetCount;
        datanets[datanetId] =
            IDatanetRegistry.Datanet(msg.sender, metadataHash, licence, admission, usage, 0, 0, 0, 0);
        emit IDatanetRegistry.DatanetCreated(
            datanetId, msg.sender, name, metadataUri, metadataHash, licence, admission, usage
        );
    }

    function setCurator(uint256 datanetId, address curator, bool allowed) external payable nonPayable {
        _requireOwner(datanetId);
        curators[datanetId][curator] = allowed ? 1 : 0;
        emit IDatanetRegistry.CuratorSet(datanetId, curator, allowed);
    }

    function setContributor(uint256 datanetId, address contributor, bool allowed) external payable nonPayable {
        _requireOwner(datanetId);
        contributors[datanetId][contributor] = allowed ? 1 : 0;
        emit IDatanetRegistry.ContributorSet(datanetId, contributor, allowed);
    }

    function contribute(uint256 datanetId, bytes32 root, uint256 records, uint256 sizeBytes)
        external
        payable
        returns (uint256 contributionId)
    {
        _checkAdmission(datanetId);
        _require(root != 0, "root");
        _require(records > 0 && records <= MAXIMUM_COUNT, "records");
        _require(sizeBytes > 0 && sizeBytes <= MAXIMUM_SIZE_BYTES, "sizeBytes");
        IPolicy.Parameters memory policy = _policy();
        uint256 bond = policy.contributionBond;
        if (msg.value != bond) revert IDatanetRegistry.WrongBond(bond, msg.value);
        contributionId = ++contributionCount;
        contributions[contributionId] = IDatanetRegistry.Contribution(
            datanetId, msg.sender, root, records, sizeBytes, bond, block.number, COMMITTED, 0
        );
        revealBlocks[contributionId] = block.number + policy.revealDelayBlocks;
        datanets[datanetId].contributions++;
        emit IDatanetRegistry.ContributionCommitted(
            datanetId, contributionId, msg.sender, root, records, sizeBytes, bond
        );
    }

    function reveal(uint256 contributionId, string calldata uri) external payable nonPayable {
        IDatanetRegistry.Contribution storage contribution = _ownContribution(contributionId);
        _requireStatus(contribution, COMMITTED);
        if (block.number < revealBlocks[contributionId]) {
            revert IDatanetRegistry.TooEarly(revealBlocks[contributionId]);
        }
        _require(bytes(uri).length > 0, "uri");
        _requireText(uri, "uri");
        contribution.status = REVEALED;
        emit IDatanetRegistry.ContributionRevealed(contribution.datanetId, contributionId, uri);
    }

    function review(uint256 contributionId, bool accept, uint256 quality) external payable nonPayable {
        IDatanetRegistry.Contribution storage contribution = _contribution(contributionId);
        uint256 datanetId = contribution.datanetId;
        IDatanetRegistry.Datanet storage datanet = datanets[datanetId];
        if (!_isCurator(datanetId, msg.sender)) revert IDatanetRegistry.NotCurator(msg.sender);
        _requireStatus(contribution, REVEALED);
        _require(quality <= MAXIMUM_QUALITY, "quality");
        contribution.status = accept ? ACCEPTED : REJECTED;
        contribution.quality = quality;
        uint256 position = accept ? datanet.accepted : 0;
        uint256 firstRecord = accept ? datanet.records : 0;
        if (accept) _append(contributionId, contribution, datanet);
        emit IDatanetRegistry.ContributionReviewed(
            datanetId, contributionId, msg.sender, accept, quality, position, firstRecord
        );
    }

    function publishVersion(uint256 datanetId) external payable nonPayable returns (uint256 version) {
        _requireOwner(datanetId);
        IDatanetRegistry.Datanet storage datanet = datanets[datanetId];
        _require(datanet.accepted > 0, "contributions");
        version = ++datanet.versions;
        bytes32 root = _treeRoot(datanetId, datanet.accepted);
        versions[datanetId][version] =
            IDatanetRegistry.Version(root, datanet.accepted, datanet.records, block.number);
        emit IDatanetRegistry.VersionPublished(datanetId, version, root, datanet.accepted, datanet.records);
    }

    function withdrawBond(uint256 contributionId) external payable nonPayable {
        IDatanetRegistry.Contribution storage contribution = _ownContribution(contributionId);
        if (contribution.status < ACCEPTED) {
            revert IDatanetRegistry.WrongStatus(contribution.status);
        }
        uint256 bond = contribution.bond;
        _require(bond > 0, "bond");
        contribution.bond = 0;
        _pay(msg.sender, bond);
        emit IDatanetRegistry.BondReturned(contributionId, msg.sender, bond);
    }

    function cancel(uint256 contributionId) external payable nonPayable {
        IDatanetRegistry.Contribution storage contribution = _ownContribution(contributionId);
        if (contribution.status != COMMITTED && contribution.status != REVEALED) {
            revert IDatanetRegistry.WrongStatus(contribution.status);
        }
        contribution.status = CANCELLED;
        emit IDatanetRegistry.ContributionCancelled(contribution.datanetId, contributionId);
    }

    function setMetadata(uint256 datanetId, string calldata uri, bytes32 metadataHash, bytes32 licence)
        external
        payable
        nonPayable
    {
        _requireOwner(datanetId);
        _requireText(uri, "uri");
        datanets[datanetId].metadataHash = metadataHash;
        datanets[datanetId].licence = licence;
        emit IDatanetRegistry.MetadataSet(datanetId, uri, metadataHash, licence);
    }

    function setUsage(uint256 datanetId, uint256 usage, uint256 price) external payable nonPayable {
        _requireOwner(datanetId);
        _require(usage <= PRICED, "usage");
        _require(price <= MAXIMUM_WEI, "price");
        datanets[datanetId].usage = usage;
        usagePrices[datanetId] = price;
        emit IDatanetRegistry.UsageSet(datanetId, usage, price);
    }

    function grantUsage(uint256 datanetId, address account, uint256 until) external payable nonPayable {
        _requireOwner(datanetId);
        grants[datanetId][account] = until;
        emit IDatanetRegistry.UsageGranted(datanetId, account, until);
    }

    function buyUsage(uint256 datanetId) external payable {
        _requireDatanet(datanetId);
        _require(datanets[datanetId].usage == PRICED, "usage");
        uint256 price = usagePrices[datanetId];
        _require(price > 0, "price");
        if (msg.value != price) revert IDatanetRegistry.WrongPrice(price, msg.value);
        _require(purchases[datanetId][msg.sender] == 0, "account");
        purchases[datanetId][msg.sender] = 1;
        address owner = datanets[datanetId].owner;
        _pay(owner, price);
        emit IDatanetRegistry.UsageBought(datanetId, msg.sender, owner, price);
    }

    function transferDatanet(uint256 datanetId, address owner) external payable nonPayable {
        _requireOwner(datanetId);
        _require(owner != address(0), "owner");
        datanets[datanetId].owner = owner;
        emit IDatanetRegistry.OwnerChanged(datanetId, msg.sender, owner);
    }

    function mayUse(uint256 datanetId, address account) external payable nonPayable returns (bool) {
        _requireDatanet(datanetId);
        IDatanetRegistry.Datanet storage datanet = datanets[datanetId];
        if (datanet.usage == 0 || account == datanet.owner) return true;
        return purchases[datanetId][account] != 0 || block.timestamp < grants[datanetId][account];
    }

    function usagePrice(uint256 datanetId) external payable nonPayable returns (uint256) {
        _requireDatanet(datanetId);
        return usagePrices[datanetId];
    }

    function getDatanet(uint256 datanetId) external payable nonPayable returns (IDatanetRegistry.Datanet memory) {
        _requireDatanet(datanetId);
        return datanets[datanetId];
    }

    function getContribution(uint256 contributionId)
        external
        payable
        nonPayable
        returns (IDatanetRegistry.Contribution memory)
    {
        return _contribution(contributionId);
    }

    function getVersion(uint256 datanetId, uint256 version)
        external
        payable
        nonPayable
        returns (IDatanetRegistry.Version memory)
    {
        return _version(datanetId, version);
    }

    function isCurator(uint256 datanetId, address account) external payable nonPayable returns (bool) {
        _requireDatanet(datanetId);
        return _isCurator(datanetId, account);
    }

    function verifyRecord(
        uint256 datanetId,
        uint256 version,
        uint256 position,
        uint256 contributionId,
        uint256 firstRecord,
        bytes32[] calldata contributionProof,
        bytes32 recordLeaf,
        uint256 recordIndex,
        bytes32[] calldata recordProof
    ) external payable nonPayable returns (bool) {
        IDatanetRegistry.Version storage frozen = _version(datanetId, version);
        IDatanetRegistry.Contribution storage contribution = _contribution(contributionId);
        bytes32 leaf = _leaf(contributionId, contribution, firstRecord);
        if (!Commitments.isMember(leaf, position, contributionProof, frozen.contributions, frozen.root)) {
            return false;
        }
        return Commitments.isMember(recordLeaf, recordIndex, recordProof, contribution.records, contribution.root);
    }

    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external payable nonPayable returns (uint256) {
        return GasTables.datanetRegistry(selector, elementCounts);
    }

    /*//////////////////////////////////////////////////////////////
                                INTERNALS
    //////////////////////////////////////////////////////////////*/

    function _policy() internal view returns (IPolicy.Parameters memory) {
        return IPolicy(POLICY_ADDRESS).getParameters(IPolicy(POLICY_ADDRESS).currentVersion());
    }

    function _requireDatanet(uint256 datanetId) internal view {
        if (datanetId == 0 || datanetId > datanetCount) revert IDatanetRegistry.DatanetNotFound(datanetId);
    }

    function _requireOwner(uint256 datanetId) internal view {
        _requireDatanet(datanetId);
        if (datanets[datanetId].owner != msg.sender) revert IDatanetRegistry.NotOwner(msg.sender);
    }

    function _version(uint256 datanetId, uint256 version)
        internal
        view
        returns (IDatanetRegistry.Version storage)
    {
        _requireDatanet(datanetId);
        if (version == 0 || version > datanets[datanetId].versions) {
            revert IDatanetRegistry.VersionNotFound(datanetId, version);
        }
        return versions[datanetId][version];
    }

    function _contribution(uint256 contributionId)
        internal
        view
        returns (IDatanetRegistry.Contribution storage contribution)
    {
        contribution = contributions[contributionId];
        if (contribution.status == 0) revert IDatanetRegistry.ContributionNotFound(contributionId);
    }

    function _ownContribution(uint256 contributionId)
        internal
        view
        returns (IDatanetRegistry.Contribution storage contribution)
    {
        contribution = _contribution(contributionId);
        if (contribution.contributor != msg.sender) revert IDatanetRegistry.NotContributor(msg.sender);
    }

    function _requireStatus(IDatanetRegistry.Contribution storage contribution, uint256 status) internal view {
        if (contribution.status != status) revert IDatanetRegistry.WrongStatus(contribution.status);
    }

    function _isCurator(uint256 datanetId, address account) internal view returns (bool) {
        return account == datanets[datanetId].owner || curators[datanetId][account] != 0;
    }

    function _checkAdmission(uint256 datanetId) internal view {
        _requireDatanet(datanetId);
        IDatanetRegistry.Datanet storage datanet = datanets[datanetId];
        bool isAllowed = msg.sender == datanet.owner || contributors[datanetId][msg.sender] != 0;
        if (datanet.admission == ALLOW_LIST && !isAllowed) revert IDatanetRegistry.NotContributor(msg.sender);
        if (datanet.admission == CURATED && !_isCurator(datanetId, msg.sender)) {
            revert IDatanetRegistry.NotCurator(msg.sender);
        }
    }

    function _leaf(uint256 contributionId, IDatanetRegistry.Contribution storage contribution, uint256 firstRecord)
        internal
        view
        returns (bytes32)
    {
        return Commitments.leafHash(
            abi.encode(
                contributionId,
                contribution.contributor,
                contribution.root,
                contribution.records,
                firstRecord,
                contribution.commitBlock
            )
        );
    }

    function _append(
        uint256 contributionId,
        IDatanetRegistry.Contribution storage contribution,
        IDatanetRegistry.Datanet storage datanet
    ) internal {
        bytes32 node = _leaf(contributionId, contribution, datanet.records);
        mapping(uint256 => bytes32) storage branch = branches[contribution.datanetId];
        uint256 level = 0;
        for (; (datanet.accepted >> level) & 1 == 1; ++level) node = Commitments.nodeHash(branch[level], node);
        branch[level] = node;
        datanet.accepted++;
        datanet.records += contribution.records;
    }

    function _treeRoot(uint256 datanetId, uint256 count) internal view returns (bytes32 node) {
        mapping(uint256 => bytes32) storage branch = branches[datanetId];
        uint256 depth = Commitments.treeDepth(count);
        if (count >> depth != 0) return branch[depth];
        bytes32 empty = 0;
        for (uint256 level = 0; level < depth; ++level) {
            node = (count >> level) & 1 == 1
                ? Commitments.nodeHash(branch[level], node)
                : Commitments.nodeHash(node, empty);
            empty = Commitments.nodeHash(empty, empty);
        }
    }
}
