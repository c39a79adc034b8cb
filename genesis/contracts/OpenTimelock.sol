// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title What governance decided waits here, so that who disagrees can leave first; it owns Policy and treasury
/// @notice Only the governor schedules and cancels; anybody carries out. Its own roles change only through itself.
/// @custom:address 0x1612000000000000000000000000000000000101
contract OpenTimelock is TimelockController {
    constructor(uint256 minimumDelaySeconds)
        TimelockController(minimumDelaySeconds, _one(0x1612000000000000000000000000000000000103), _one(address(0)), address(0))
    {}

    function _one(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }
}
