// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CrossDomainMessenger} from "../../rollup_bridge/contracts/bridge/CrossDomainMessenger.sol";
import {IOptimismMintableERC20} from "../../rollup_bridge/contracts/bridge/IMintableERC20.sol";
import {StandardBridge} from "../../rollup_bridge/contracts/bridge/StandardBridge.sol";

/// @title The L2 end of the ERC-20 bridge
/// @custom:address 0x4200000000000000000000000000000000000010
contract L2StandardBridge is StandardBridge {
    CrossDomainMessenger private constant MESSENGER =
        CrossDomainMessenger(0x4200000000000000000000000000000000000007);

    /// @notice `bridgeERC20` by its older name, for a token that stands for one of L1.
    function withdraw(address l2Token, uint256 amount, uint32 minGasLimit, bytes calldata extraData) external {
        address l1Token = IOptimismMintableERC20(l2Token).remoteToken();
        _initiate(l2Token, l1Token, msg.sender, amount, minGasLimit, extraData);
    }

    /// @notice `bridgeERC20To` by its older name, for a token that stands for one of L1.
    function withdrawTo(address l2Token, address to, uint256 amount, uint32 minGasLimit, bytes calldata extraData)
        external
    {
        address l1Token = IOptimismMintableERC20(l2Token).remoteToken();
        _initiate(l2Token, l1Token, to, amount, minGasLimit, extraData);
    }

    function messenger() public pure override returns (CrossDomainMessenger) {
        return MESSENGER;
    }
}
