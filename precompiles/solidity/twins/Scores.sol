// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What a contributor's score is, as `precompiles/scores.py` defines it
library Scores {
    uint256 internal constant PPM = 1_000_000;
    uint256 internal constant MAXIMUM_SUM_NORM_SQUARED = 2 ** 93;
    uint256 internal constant MAXIMUM_QUERY_NORM_SQUARED = 2 ** 149;
    uint256 internal constant MAXIMUM_SCORE = 2 ** 121;

    /// @param vector the contributor's sum, packed int64
    /// @param query the batch query, packed int128
    /// @return inWidth false when the query is beyond its width
    /// @return score the significant positive part of `vector · query`, or its negative part's magnitude
    function part(
        bytes calldata vector,
        bytes calldata query,
        uint256 normSquared,
        uint256 dimensions,
        uint256 significancePpm,
        bool isPositive
    ) internal pure returns (bool inWidth, uint256 score) {
        (uint256 queryNormSquared, int256 product) = products(vector, query, dimensions, 0);
        return significant(queryNormSquared, product, normSquared, dimensions, significancePpm, isPositive);
    }

    /// @return inWidth false when the query is beyond its width
    /// @return score the product, or with `isPositive` false its negative, if it is positive and significant
    function significant(
        uint256 queryNormSquared,
        int256 product,
        uint256 normSquared,
        uint256 dimensions,
        uint256 significancePpm,
        bool isPositive
    ) internal pure returns (bool inWidth, uint256 score) {
        if (queryNormSquared > MAXIMUM_QUERY_NORM_SQUARED) return (false, 0);
        if (!isPositive) product = -product;
        if (product <= 0 || uint256(product) > MAXIMUM_SCORE || normSquared > MAXIMUM_SUM_NORM_SQUARED) {
            return (true, 0);
        }
        score = uint256(product);
        (uint256 leftHigh, uint256 leftLow) = _multiply(score * score, dimensions * PPM);
        (uint256 rightHigh, uint256 rightLow) = _multiply(normSquared * queryNormSquared, significancePpm);
        bool isBelow = leftHigh < rightHigh || (leftHigh == rightHigh && leftLow < rightLow);
        if (isBelow) score = 0;
        return (true, score);
    }

    /// @dev Squared norm of the query added to `before`, or the least that is beyond its width; and the dot product.
    function products(bytes calldata vector, bytes calldata query, uint256 dimensions, uint256 before)
        internal
        pure
        returns (uint256 normSquared, int256 product)
    {
        normSquared = before;
        unchecked {
            for (uint256 i = 0; i < dimensions; ++i) {
                int256 v;
                int256 q;
                assembly {
                    v := signextend(7, shr(192, calldataload(add(vector.offset, mul(i, 8)))))
                    q := signextend(15, shr(128, calldataload(add(query.offset, mul(i, 16)))))
                }
                normSquared += uint256(q * q);
                if (normSquared > MAXIMUM_QUERY_NORM_SQUARED) return (MAXIMUM_QUERY_NORM_SQUARED + 1, 0);
                product += v * q;
            }
        }
    }

    /// @dev The 512-bit product of two words.
    function _multiply(uint256 a, uint256 b) private pure returns (uint256 high, uint256 low) {
        assembly {
            let remainder := mulmod(a, b, not(0))
            low := mul(a, b)
            high := sub(sub(remainder, low), lt(remainder, low))
        }
    }
}
