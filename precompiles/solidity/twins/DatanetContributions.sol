// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {IPolicy} from "../interfaces/IPolicy.sol";
import {DatanetParents} from "./DatanetParents.sol";

/// @title Contributions and versions, as `precompiles/datanet_contributions.py` and `datanet_versions.py`
abstract contract DatanetContributions is DatanetParents {
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
        if (accept) {
            _append(contributionId, contribution, datanet);
            _noteAcceptance(contributionId, position, firstRecord);
        }
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
}
