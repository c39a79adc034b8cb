// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DATANET_REGISTRY_ADDRESS, IDatanetRegistry} from "@openledger/precompiles/interfaces/IDatanetRegistry.sol";

/// @title A club whose members bring data: it owns a Datanet, admits who pays, and judges by its committee
contract DataClub {
    IDatanetRegistry public constant REGISTRY = IDatanetRegistry(DATANET_REGISTRY_ADDRESS);
    uint256 private constant ALLOW_LIST = 1;
    uint256 private constant BY_GRANT = 1;
    uint256 private constant FULL_QUALITY = 10_000;

    event Joined(address indexed member);

    error WrongFee(uint256 required, uint256 given);
    error NotCommittee(address caller);

    address public immutable COMMITTEE;
    uint256 public immutable FEE;
    uint256 public immutable DATANET;

    constructor(string memory name, uint256 fee) {
        COMMITTEE = msg.sender;
        FEE = fee;
        DATANET = REGISTRY.createDatanet(name, "", keccak256(bytes(name)), "cc-by-4.0", ALLOW_LIST, BY_GRANT);
    }

    function join() external payable {
        require(msg.value == FEE, WrongFee(FEE, msg.value));
        REGISTRY.setContributor(DATANET, msg.sender, true);
        emit Joined(msg.sender);
    }

    /// @notice Committee only: accepts a contribution and publishes the next version.
    function accept(uint256 contributionId) external returns (uint256 version) {
        require(msg.sender == COMMITTEE, NotCommittee(msg.sender));
        REGISTRY.review(contributionId, true, FULL_QUALITY);
        return REGISTRY.publishVersion(DATANET);
    }
}
