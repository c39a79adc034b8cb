// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";

/// @title The stakers' epochs
library Epochs {
    /// @notice A fourteenth of the unbonding time of the first policy, for ever.
    function duration() internal view returns (uint256) {
        uint256 length = IPolicy(POLICY_ADDRESS).getParameters(1).unbondingSeconds / 14;
        return length > 1 ? length : 1;
    }

    function current() internal view returns (uint256) {
        return block.timestamp / duration();
    }
}
