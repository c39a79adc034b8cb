// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {Commitments} from "./Commitments.sol";
import {DatanetAdministration} from "./DatanetAdministration.sol";
import {DatanetContributions} from "./DatanetContributions.sol";
import {GasTables} from "./GasTables.sol";

/// @title Twin of the DatanetRegistry precompile
contract DatanetRegistryTwin is DatanetAdministration, DatanetContributions {
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
}
