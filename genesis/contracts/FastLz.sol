// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title How long data would be after FastLZ compression, level 1
/// @notice The L1 data fee is by this estimate, so it must equal the node's to the byte.
///         Source: OP Stack specification, Fjord, FastLZ; the compressor is Ariya Hidayat's FastLZ.
library FastLz {
    /// @dev The last bytes of the input are never the start of a match.
    uint256 private constant TAIL = 13;
    uint256 private constant TABLE_SIZE = 8192;
    uint256 private constant MAXIMUM_DISTANCE = 8191;

    /// @notice Length of `data` compressed.
    function compressedLength(bytes memory data) internal pure returns (uint256 length) {
        unchecked {
            uint256 size = data.length;
            uint256 limit = size < TAIL ? 0 : size - TAIL;
            uint256[] memory table = new uint256[](TABLE_SIZE);
            uint256 anchor;
            uint256 position = 2;
            while (position < limit) {
                uint256 candidate;
                (position, candidate) = _findMatch(data, table, position, limit);
                if (position >= limit) break;
                if (position > anchor) length += _literalsLength(position - anchor);
                uint256 matched = _matchLength(data, candidate + 3, position + 3, limit + 9);
                length += _copyLength(matched);
                position += matched;
                table[_hash(_read3(data, position))] = position;
                ++position;
                table[_hash(_read3(data, position))] = position;
                ++position;
                anchor = position;
            }
            length += _literalsLength(size - anchor);
        }
    }

    /// @dev The first position from `position` on whose next three bytes were seen at `candidate`; `limit` or more if
    ///      there is none.
    function _findMatch(bytes memory data, uint256[] memory table, uint256 position, uint256 limit)
        private
        pure
        returns (uint256, uint256 candidate)
    {
        unchecked {
            for (; position < limit; ++position) {
                uint256 sequence = _read3(data, position);
                uint256 slot = _hash(sequence);
                candidate = table[slot];
                table[slot] = position;
                if (position - candidate <= MAXIMUM_DISTANCE && sequence == _read3(data, candidate)) break;
            }
            return (position, candidate);
        }
    }

    /// @dev Equal bytes from `left` and `right` on, plus one; compares up to `end`.
    function _matchLength(bytes memory data, uint256 left, uint256 right, uint256 end)
        private
        pure
        returns (uint256 length)
    {
        unchecked {
            uint256 most = end - right;
            while (length < most) {
                if (data[left + length] != data[right + length]) return length + 1;
                ++length;
            }
        }
    }

    /// @dev Runs of at most 32 literals, each after one byte of length.
    function _literalsLength(uint256 count) private pure returns (uint256 length) {
        unchecked {
            length = 33 * (count / 32);
            count %= 32;
            if (count != 0) length += count + 1;
        }
    }

    function _copyLength(uint256 matched) private pure returns (uint256 length) {
        unchecked {
            --matched;
            length = 3 * (matched / 262);
            length += matched % 262 >= 6 ? 3 : 2;
        }
    }

    function _hash(uint256 sequence) private pure returns (uint256) {
        unchecked {
            return ((2_654_435_769 * sequence) >> 19) & 8191;
        }
    }

    /// @dev Three bytes, the first one lowest.
    function _read3(bytes memory data, uint256 position) private pure returns (uint256 value) {
        unchecked {
            value = uint256(uint8(data[position])) | uint256(uint8(data[position + 1])) << 8
                | uint256(uint8(data[position + 2])) << 16;
        }
    }
}
