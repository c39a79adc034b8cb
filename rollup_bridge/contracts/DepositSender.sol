// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EIP7702Utils} from "@openzeppelin/contracts/account/utils/EIP7702Utils.sol";

/// @title The L2 sender of a deposit
library DepositSender {
    uint160 internal constant ALIAS_OFFSET = uint160(0x1111000000000000000000000000000000001111);

    /// @notice Accounts that hold a key keep their address; a contract gets an alias, because the contract at the
    ///         same address on L2 may be somebody else's.
    /// @dev An account with an EIP-7702 delegation holds a key. Source: OP Stack specification, Address Aliasing.
    function onL2(address caller) internal view returns (address) {
        bool holdsKey = caller == tx.origin || EIP7702Utils.fetchDelegate(caller) != address(0);
        if (holdsKey) return caller;
        unchecked {
            return address(uint160(caller) + ALIAS_OFFSET);
        }
    }
}
