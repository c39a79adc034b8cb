// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CrossDomainMessenger} from "../../rollup_bridge/contracts/bridge/CrossDomainMessenger.sol";
import {L2ToL1MessagePasser} from "./L2ToL1MessagePasser.sol";

/// @title The L2 end of messages: sent as withdrawals, received as deposits
/// @custom:address 0x4200000000000000000000000000000000000007
contract L2CrossDomainMessenger is CrossDomainMessenger {
    L2ToL1MessagePasser private constant PASSER =
        L2ToL1MessagePasser(payable(0x4200000000000000000000000000000000000016));
    uint160 private constant ALIAS_OFFSET = uint160(0x1111000000000000000000000000000000001111);

    function _send(address to, uint64 gasLimit, bytes memory data) internal override {
        PASSER.initiateWithdrawal(to, gasLimit, data);
    }

    /// @dev A contract of L1 speaks here under its alias.
    function _isOtherMessenger() internal view override returns (bool) {
        unchecked {
            return msg.sender == address(uint160(_otherMessenger) + ALIAS_OFFSET);
        }
    }

    /// @dev What the passer is told in this contract's name would pass for a message.
    function _isUnsafe(address target) internal view override returns (bool) {
        return target == address(this) || target == address(PASSER);
    }
}
