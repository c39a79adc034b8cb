// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev What the L1Block predeploy keeps of L1.
interface IL1Origins {
    function number() external view returns (uint64);
    function prevRandaoOf(uint64 origin) external view returns (bytes32);
}

IL1Origins constant L1_BLOCK = IL1Origins(0x4200000000000000000000000000000000000015);

/// @dev Zero where the predeploy is not there.
function l1Origin() view returns (uint256) {
    return address(L1_BLOCK).code.length == 0 ? 0 : L1_BLOCK.number();
}

/// @dev The randomness of an origin that the ring still keeps, else zero.
function l1Randomness(uint256 origin) view returns (bytes32) {
    try L1_BLOCK.prevRandaoOf(uint64(origin)) returns (bytes32 found) {
        return found;
    } catch {
        return 0;
    }
}
