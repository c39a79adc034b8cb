// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

address constant PRECOMPILE_REGISTRY_ADDRESS = 0x1612000000000000000000000000000000000099;

/// @title Which native precompiles run here, and which version
/// @custom:address 0x1612000000000000000000000000000000000099
interface IPrecompileRegistry {
    function isActive(address precompile) external view returns (bool);
    /// @notice 0 when not active.
    function version(address precompile) external view returns (uint256);
    /// @notice ERC-165.
    function supportsInterface(bytes4 interfaceId) external view returns (bool);
    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external view returns (uint256);
}
