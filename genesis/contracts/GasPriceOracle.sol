// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FastLz} from "./FastLz.sol";
import {L1Block} from "./L1Block.sol";

/// @title What a transaction's data costs on L1, for wallets that want to know before they send
/// @notice Names and formula are those of the OP Stack after Fjord; amounts are in base units of OPEN.
///         The node charges by `genesis/fees/l1_cost.py`, which gives the same numbers.
/// @custom:address 0x420000000000000000000000000000000000000F
contract GasPriceOracle {
    L1Block private constant L1_BLOCK = L1Block(0x4200000000000000000000000000000000000015);

    /// @notice Decimals of the scalars.
    uint256 public constant DECIMALS = 6;
    bool public constant isEcotone = true;
    bool public constant isFjord = true;
    bool public constant isIsthmus = false;
    bool public constant isJovian = false;

    /// @dev The specification's linear estimate of a batch's share: in millionths of a byte.
    int256 private constant COST_INTERCEPT = -42_585_600;
    uint256 private constant COST_FASTLZ_COEFFICIENT = 836_500;
    uint256 private constant MINIMUM_SIZE_SCALED = 100e6;
    /// @dev A signature and the length of its transaction, which unsigned bytes lack.
    uint256 private constant SIGNATURE_SIZE = 68;

    /// @notice The L1 data fee of a transaction.
    /// @param data The unsigned, RLP-encoded transaction.
    function getL1Fee(bytes memory data) external view returns (uint256) {
        return _cost(FastLz.compressedLength(data) + SIGNATURE_SIZE);
    }

    /// @notice The most a transaction of `unsignedTxSize` bytes can cost, however badly it compresses.
    /// @dev FastLZ adds a byte to every 32 literals. OP counts one in 255, which bytes without repetition exceed.
    function getL1FeeUpperBound(uint256 unsignedTxSize) external view returns (uint256) {
        uint256 size = unsignedTxSize + SIGNATURE_SIZE;
        return _cost(size + size / 32 + 1);
    }

    /// @notice The estimated size in the gas that calldata of that size costs on L1.
    function getL1GasUsed(bytes memory data) external pure returns (uint256) {
        return _sizeScaled(FastLz.compressedLength(data) + SIGNATURE_SIZE) * 16 / 10 ** DECIMALS;
    }

    /// @notice No fee besides L1 data and L2 gas is charged here.
    function getOperatorFee(uint256) external pure returns (uint256) {
        return 0;
    }

    function gasPrice() external view returns (uint256) {
        return block.basefee;
    }

    function baseFee() external view returns (uint256) {
        return block.basefee;
    }

    function l1BaseFee() public view returns (uint256) {
        return L1_BLOCK.basefee();
    }

    function blobBaseFee() public view returns (uint256) {
        return L1_BLOCK.blobBaseFee();
    }

    function baseFeeScalar() public view returns (uint32) {
        return L1_BLOCK.baseFeeScalar();
    }

    function blobBaseFeeScalar() public view returns (uint32) {
        return L1_BLOCK.blobBaseFeeScalar();
    }

    function decimals() external pure returns (uint256) {
        return DECIMALS;
    }

    function version() external pure returns (string memory) {
        return "1.4.0";
    }

    function _cost(uint256 compressedSize) private view returns (uint256) {
        uint256 priceScaled = 16 * uint256(baseFeeScalar()) * l1BaseFee() + uint256(blobBaseFeeScalar()) * blobBaseFee();
        return _sizeScaled(compressedSize) * priceScaled / 10 ** (2 * DECIMALS);
    }

    function _sizeScaled(uint256 compressedSize) private pure returns (uint256) {
        int256 estimate = COST_INTERCEPT + int256(COST_FASTLZ_COEFFICIENT * compressedSize);
        return estimate < int256(MINIMUM_SIZE_SCALED) ? MINIMUM_SIZE_SCALED : uint256(estimate);
    }
}
