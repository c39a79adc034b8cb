// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CrossDomainMessenger} from "./bridge/CrossDomainMessenger.sol";
import {Portal} from "./Portal.sol";

/// @title The L1 end of messages: sent as deposits, received as withdrawals
contract L1CrossDomainMessenger is CrossDomainMessenger {
    Portal public immutable portal;

    /// @param otherMessenger_ The messenger on L2.
    constructor(Portal portal_, address otherMessenger_) {
        portal = portal_;
        _otherMessenger = otherMessenger_;
    }

    function _send(address to, uint64 gasLimit, bytes memory data) internal override {
        portal.depositTransaction(to, 0, gasLimit, false, data);
    }

    function _isOtherMessenger() internal view override returns (bool) {
        return msg.sender == address(portal) && portal.l2Sender() == _otherMessenger;
    }

    /// @dev The portal takes deposits of anyone; in this contract's name they would pass for messages.
    function _isUnsafe(address target) internal view override returns (bool) {
        return target == address(this) || target == address(portal);
    }
}
