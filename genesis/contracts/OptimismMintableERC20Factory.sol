// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OptimismMintableERC20} from "./OptimismMintableERC20.sol";

/// @title Where anyone makes the L2 token that stands for a token of L1
/// @custom:address 0x4200000000000000000000000000000000000012
contract OptimismMintableERC20Factory {
    event OptimismMintableERC20Created(address indexed localToken, address indexed remoteToken, address deployer);

    error InvalidRemoteToken();

    address public constant bridge = 0x4200000000000000000000000000000000000010;

    /// @notice The token that each one made here stands for.
    mapping(address localToken => address remoteToken) public deployments;

    function createOptimismMintableERC20(address remoteToken, string memory name, string memory symbol)
        external
        returns (address)
    {
        return createOptimismMintableERC20WithDecimals(remoteToken, name, symbol, 18);
    }

    function createOptimismMintableERC20WithDecimals(
        address remoteToken,
        string memory name,
        string memory symbol,
        uint8 decimals
    ) public returns (address token) {
        require(remoteToken != address(0), InvalidRemoteToken());
        token = address(new OptimismMintableERC20(bridge, remoteToken, name, symbol, decimals));
        deployments[token] = remoteToken;
        emit OptimismMintableERC20Created(token, remoteToken, msg.sender);
    }
}
