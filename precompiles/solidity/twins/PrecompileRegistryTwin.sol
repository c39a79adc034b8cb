// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPrecompileRegistry} from "../interfaces/IPrecompileRegistry.sol";
import {GasTables} from "./GasTables.sol";
import {Twin} from "./Twin.sol";

/// @title Twin of the PrecompileRegistry precompile
contract PrecompileRegistryTwin is Twin {
    /*//////////////////////////////////////////////////////////////
                                 STORAGE
    //////////////////////////////////////////////////////////////*/

    mapping(address precompile => uint256) internal versions;

    /*//////////////////////////////////////////////////////////////
                                  LOGIC
    //////////////////////////////////////////////////////////////*/

    bytes4 internal constant ERC165_INTERFACE_ID = 0x01ffc9a7;

    function isActive(address precompile) external payable nonPayable returns (bool) {
        return versions[precompile] != 0;
    }

    function version(address precompile) external payable nonPayable returns (uint256) {
        return versions[precompile];
    }

    function supportsInterface(bytes4 interfaceId) external payable nonPayable returns (bool) {
        return interfaceId == ERC165_INTERFACE_ID || interfaceId == type(IPrecompileRegistry).interfaceId;
    }

    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external payable nonPayable returns (uint256) {
        return GasTables.precompileRegistry(selector, elementCounts);
    }
}
