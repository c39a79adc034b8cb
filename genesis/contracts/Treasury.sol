// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title The community's OPEN: fees in, and out only by a decision that governance's timelock carries out
/// @custom:address 0x1612000000000000000000000000000000000100
contract Treasury {
    event Received(address indexed from, uint256 amount);
    event Paid(address indexed recipient, uint256 amount);

    error NotTimelock(address caller);

    address public constant TIMELOCK = 0x1612000000000000000000000000000000000101;

    receive() external payable {
        emit Received(msg.sender, msg.value);
    }

    /// @notice Pays `recipient`. Timelock only; reverts if the recipient refuses.
    function pay(address payable recipient, uint256 amount) external {
        require(msg.sender == TIMELOCK, NotTimelock(msg.sender));
        emit Paid(recipient, amount);
        Address.sendValue(recipient, amount);
    }

    function owner() external pure returns (address) {
        return TIMELOCK;
    }
}
