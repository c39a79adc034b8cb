// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";
import {Commitments} from "./Commitments.sol";
import {Twin} from "./Twin.sol";

/// @title Storage, constants and checks of the DatanetRegistry twin
abstract contract DatanetBase is Twin {
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
    mapping(uint256 contributionId => IDatanetRegistry.Acceptance) internal acceptances;

    /*//////////////////////////////////////////////////////////////
                                CONSTANTS
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
