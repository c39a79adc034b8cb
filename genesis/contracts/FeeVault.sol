// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title Where one kind of fee gathers until someone moves it to the treasury
/// @notice The same code stands at the sequencer, base and L1 fee vaults' addresses of the OP Stack.
contract FeeVault {
    /// @dev As in the OP Stack: `from` is who asked.
    event Withdrawal(uint256 value, address to, address from);

    error BelowMinimum(uint256 balance);

    /// @notice The treasury, on L2.
    address public constant RECIPIENT = 0x1612000000000000000000000000000000000100;
    uint256 public constant MIN_WITHDRAWAL_AMOUNT = 0.01 ether;

    /// @notice All that this vault ever sent to the treasury.
    uint256 public totalProcessed;

    receive() external payable {}

    /// @notice Sends the whole balance to the treasury. Anyone may ask.
    function withdraw() external returns (uint256 value) {
        value = address(this).balance;
        require(value >= MIN_WITHDRAWAL_AMOUNT, BelowMinimum(value));
        totalProcessed += value;
        emit Withdrawal(value, RECIPIENT, msg.sender);
        Address.sendValue(payable(RECIPIENT), value);
    }

    function recipient() external pure returns (address) {
        return RECIPIENT;
    }

    function minWithdrawalAmount() external pure returns (uint256) {
        return MIN_WITHDRAWAL_AMOUNT;
    }
}
