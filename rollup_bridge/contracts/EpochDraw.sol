// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";

/// @title Who attests and who judges in an epoch
/// @notice An epoch is a number of L1 blocks. Its seed is the randomness of its first block, shown by that block's
///         header: nobody can choose it, and anybody can record it. About half of the validators are jurors.
/// @dev Covered: the seed does not depend on who records it or when. Not covered: the one bit that an L1 proposer
///      has by leaving out its block.
abstract contract EpochDraw {
    event SeedRecorded(uint256 indexed epoch, bytes32 seed);

    error NotFirstOfEpoch(uint256 blockNumber);
    error HeaderNotOnThisChain(uint256 blockNumber);
    error SeedMissing(uint256 epoch);

    uint256 public immutable epochBlocks;
    mapping(uint256 epoch => bytes32) public seedOf;

    constructor(uint256 epochBlocks_) {
        epochBlocks = epochBlocks_;
    }

    /// @notice Records the seed of the epoch that begins with this block. Block hashes reach back 8,191 blocks.
    function recordSeed(bytes calldata headerRLP) external {
        uint256 number = BlockHeader.getNumber(headerRLP);
        require(number % epochBlocks == 0, NotFirstOfEpoch(number));
        require(BlockHeader.verifyBlockHeader(headerRLP), HeaderNotOnThisChain(number));
        bytes32 seed = keccak256(abi.encode(BlockHeader.getPrevRandao(headerRLP), number));
        seedOf[number / epochBlocks] = seed;
        emit SeedRecorded(number / epochBlocks, seed);
    }

    /// @notice The epoch of an L1 block.
    function epochOf(uint256 blockNumber) public view returns (uint256) {
        return blockNumber / epochBlocks;
    }

    /// @notice Whether a validator judges in an epoch, and so must not attest in it.
    function isJuror(address validator, uint256 epoch) public view returns (bool) {
        bytes32 seed = seedOf[epoch];
        require(seed != bytes32(0), SeedMissing(epoch));
        return uint256(keccak256(abi.encode(seed, validator))) % 2 == 0;
    }
}
