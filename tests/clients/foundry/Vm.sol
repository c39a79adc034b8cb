// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The few of Foundry's cheat codes that are used here.
interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
    function envAddress(string calldata name) external view returns (address);
    function envBytes32(string calldata name) external view returns (bytes32);
    function envUint(string calldata name) external view returns (uint256);
    function prank(address sender) external;
    function expectRevert(bytes calldata data) external;
    function rollFork(uint256 blockNumber) external;
    function load(address target, bytes32 slot) external view returns (bytes32);
}

Vm constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
