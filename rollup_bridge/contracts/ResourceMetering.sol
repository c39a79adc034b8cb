// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The market for L2 gas bought on L1: forced transactions cannot flood the L2
/// @notice A deposit pays for its L2 gas by burning L1 gas, at a price that moves like EIP-1559's.
///         Source: OP Stack specification, Guaranteed Gas Fee Market.
/// @dev Quiet blocks lower the price one step each (the specification's closed formula differs from that by rounding).
abstract contract ResourceMetering {
    /// @dev Packed as in OP's contract, which `params()` is read from by tools.
    struct ResourceParams {
        uint128 prevBaseFee;
        uint64 prevBoughtGas;
        uint64 prevBlockNum;
    }

    error ResourceLimitExceeded(uint256 requested, uint256 limit);
    error GasBelowPrice(uint256 used, uint256 price);

    uint64 public constant MAX_RESOURCE_LIMIT = 20_000_000;
    uint256 public constant ELASTICITY_MULTIPLIER = 10;
    uint256 public constant BASE_FEE_MAX_CHANGE_DENOMINATOR = 8;
    uint256 public constant MINIMUM_BASE_FEE = 1 gwei;

    ResourceParams public params;

    modifier metered(uint64 l2Gas) {
        uint256 initialGas = gasleft();
        _;
        _buy(l2Gas, initialGas);
    }

    constructor() {
        params = ResourceParams(uint128(MINIMUM_BASE_FEE), 0, uint64(block.number));
    }

    /// @notice Takes all the gas it is called with and does nothing for it. `metered` pays with it.
    function burnGas() external pure {
        assembly {
            invalid()
        }
    }

    /// @dev The rest of the price is burned to the unit, so what a deposit uses does not depend on how the price was
    ///      worked out: an estimate on one block holds on the next.
    function _buy(uint64 l2Gas, uint256 initialGas) private {
        ResourceParams memory current = params;
        if (block.number > current.prevBlockNum) {
            current.prevBaseFee = _nextBaseFee(current, block.number - current.prevBlockNum);
            current.prevBoughtGas = 0;
            current.prevBlockNum = uint64(block.number);
        }
        uint256 bought = uint256(current.prevBoughtGas) + l2Gas;
        require(bought <= MAX_RESOURCE_LIMIT, ResourceLimitExceeded(bought, MAX_RESOURCE_LIMIT));
        current.prevBoughtGas = uint64(bought);
        params = current;

        uint256 priceInL1Gas = uint256(l2Gas) * current.prevBaseFee / Math.max(block.basefee, MINIMUM_BASE_FEE);
        uint256 used = initialGas - gasleft();
        if (used >= priceInL1Gas) return;
        try this.burnGas{gas: priceInL1Gas - used}() {} catch {}
        used = initialGas - gasleft();
        require(used >= priceInL1Gas, GasBelowPrice(used, priceInL1Gas));
    }

    /// @dev The price after the last block that bought gas, then after each quiet block since.
    function _nextBaseFee(ResourceParams memory last, uint256 blocks) private pure returns (uint128) {
        uint256 target = MAX_RESOURCE_LIMIT / ELASTICITY_MULTIPLIER;
        uint256 price = last.prevBaseFee;
        uint256 bought = last.prevBoughtGas;
        uint256 step = target * BASE_FEE_MAX_CHANGE_DENOMINATOR;
        if (bought > target) {
            price = Math.min(price + price * (bought - target) / step, type(uint128).max);
        } else {
            price -= price * (target - bought) / step;
        }
        for (uint256 quiet = 1; quiet < blocks && price > MINIMUM_BASE_FEE; ++quiet) {
            price -= price / BASE_FEE_MAX_CHANGE_DENOMINATOR;
        }
        return uint128(Math.max(price, MINIMUM_BASE_FEE));
    }
}
