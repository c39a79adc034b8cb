// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {Twin} from "./Twin.sol";

/// @title The MinHash sketch of an ASCII text, as `precompiles/minhash.py`
library MinHash {
    uint256 internal constant FUNCTIONS = 256;
    uint256 internal constant SHINGLE_WORDS = 3;
    uint256 internal constant MAXIMUM_SHINGLES = 24_576;
    uint256 internal constant KEPT_BIT = 32;
    uint64 internal constant LARGEST = type(uint64).max;

    /// @return bits 257 int8: the offset 69, then +1 or -1 by one bit of each function's least value
    function sketch(bytes memory text) internal pure returns (bytes memory bits) {
        (bytes memory words, uint256[] memory ends) = _words(text);
        uint256 shingles = ends.length < SHINGLE_WORDS ? 1 : ends.length - SHINGLE_WORDS + 1;
        if (shingles > MAXIMUM_SHINGLES) revert Twin.InvalidArgument("content");
        uint256[] memory factors = new uint256[](FUNCTIONS);
        uint256[] memory offsets = new uint256[](FUNCTIONS);
        uint256[] memory least = new uint256[](FUNCTIONS);
        for (uint256 i = 0; i < FUNCTIONS; ++i) {
            bytes32 digest = sha256(abi.encodePacked("openledger-minhash/1", uint16(i)));
            factors[i] = uint64(bytes8(digest)) | 1;
            offsets[i] = uint64(bytes8(digest << 64));
            least[i] = LARGEST;
        }
        for (uint256 i = 0; i < shingles; ++i) {
            uint256 hashed = uint64(bytes8(sha256(_shingle(words, ends, i))));
            _lower(least, factors, offsets, hashed);
        }
        bits = new bytes(FUNCTIONS + 1);
        bits[0] = 0x45;
        for (uint256 i = 0; i < FUNCTIONS; ++i) {
            bits[i + 1] = (least[i] >> KEPT_BIT) & 1 == 1 ? bytes1(0x01) : bytes1(0xff);
        }
    }

    function _lower(
        uint256[] memory least,
        uint256[] memory factors,
        uint256[] memory offsets,
        uint256 hashed
    ) private pure {
        unchecked {
            for (uint256 i = 0; i < FUNCTIONS; ++i) {
                uint256 value = (factors[i] * hashed + offsets[i]) & LARGEST;
                if (value < least[i]) least[i] = value;
            }
        }
    }

    /// @return words the text's words in lower case, each followed by a space
    /// @return ends where each word ends
    function _words(bytes memory text) private pure returns (bytes memory words, uint256[] memory ends) {
        words = new bytes(text.length + 1);
        ends = new uint256[](text.length / 2 + 1);
        uint256 size;
        uint256 count;
        bool isWord;
        for (uint256 i = 0; i < text.length; ++i) {
            uint8 letter = uint8(text[i]);
            if (letter >= 0x80) revert IAttribution.UnsupportedText(i);
            if (letter >= 0x41 && letter <= 0x5a) letter += 0x20;
            bool isLetter = (letter >= 0x61 && letter <= 0x7a) || (letter >= 0x30 && letter <= 0x39) || letter == 0x5f;
            if (isLetter) {
                words[size++] = bytes1(letter);
            } else if (isWord) {
                ends[count++] = size;
                words[size++] = " ";
            }
            isWord = isLetter;
        }
        if (isWord) ends[count++] = size;
        assembly ("memory-safe") {
            mstore(ends, count)
        }
    }

    /// @dev Three words from the `i`-th on, or all there are.
    function _shingle(bytes memory words, uint256[] memory ends, uint256 i)
        private
        pure
        returns (bytes memory shingle)
    {
        if (ends.length == 0) return "";
        uint256 last = i + SHINGLE_WORDS > ends.length ? ends.length - 1 : i + SHINGLE_WORDS - 1;
        uint256 start = i == 0 ? 0 : ends[i - 1] + 1;
        shingle = new bytes(ends[last] - start);
        for (uint256 k = 0; k < shingle.length; ++k) shingle[k] = words[start + k];
    }
}
