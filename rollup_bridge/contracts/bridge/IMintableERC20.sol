// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title A token that stands for one on the other chain
/// @notice Names and interface id are those of the OP Stack's IOptimismMintableERC20.
interface IOptimismMintableERC20 {
    function remoteToken() external view returns (address);
    function bridge() external view returns (address);
    function mint(address to, uint256 amount) external;
    function burn(address from, uint256 amount) external;
}
