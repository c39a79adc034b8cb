// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {DatanetBase} from "./DatanetBase.sol";

/// @title A Datanet's owner, people, rules and prices, as `precompiles/datanet_administration.py`
abstract contract DatanetAdministration is DatanetBase {
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
}
