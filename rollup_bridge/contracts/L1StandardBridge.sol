// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CrossDomainMessenger} from "./bridge/CrossDomainMessenger.sol";
import {StandardBridge} from "./bridge/StandardBridge.sol";

/// @title The L1 end of the ERC-20 bridge
contract L1StandardBridge is StandardBridge {
    CrossDomainMessenger private immutable MESSENGER;

    /// @param otherBridge_ The bridge on L2.
    constructor(CrossDomainMessenger messenger_, address otherBridge_) {
        MESSENGER = messenger_;
        _otherBridge = otherBridge_;
    }

    /// @notice `bridgeERC20` by its older name.
    function depositERC20(
        address l1Token,
        address l2Token,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external {
        _initiate(l1Token, l2Token, msg.sender, amount, minGasLimit, extraData);
    }

    /// @notice `bridgeERC20To` by its older name.
    function depositERC20To(
        address l1Token,
        address l2Token,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external {
        _initiate(l1Token, l2Token, to, amount, minGasLimit, extraData);
    }

    function messenger() public view override returns (CrossDomainMessenger) {
        return MESSENGER;
    }
}
