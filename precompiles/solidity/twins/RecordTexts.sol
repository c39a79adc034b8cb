// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Twin} from "./Twin.sol";

/// @title What a text record's canonical bytes say, as `precompiles/record_texts.py`
library RecordTexts {
    bytes5 internal constant MAGIC = "OLTX\x01";
    uint256 internal constant MAXIMUM_CONTENT_BYTES = 65_536;
    uint256 internal constant MAXIMUM_PIECES = 1_024;
    uint256 internal constant SALT_BYTES = 32;

    /// @dev Where reading stands; `starts` and `ends` are the bodies of the strings so far, between their quotes.
    struct Reader {
        uint256 at;
        uint256 pieces;
        uint256[] starts;
        uint256[] ends;
        bool isInput;
    }

    /// @dev The text so far, in the first `size` bytes.
    struct Text {
        bytes data;
        uint256 size;
    }

    function isText(bytes calldata content) internal pure returns (bool) {
        return content.length >= 5 && bytes5(content[:5]) == MAGIC;
    }

    /// @return plain all text of a record in reading order
    function plainText(bytes calldata content) internal pure returns (bytes memory plain) {
        _check(isText(content) && content.length <= MAXIMUM_CONTENT_BYTES);
        Reader memory reader =
            Reader(5, 0, new uint256[](MAXIMUM_PIECES), new uint256[](MAXIMUM_PIECES), false);
        _expect(content, reader, "{");
        uint256[] memory order = _pieces(content, reader);
        _expect(content, reader, "}");
        _check(reader.at == content.length);
        Text memory text = Text(new bytes(content.length), 0);
        for (uint256 i = 0; i < order.length; ++i) {
            if (i != 0) text.data[text.size++] = "\n";
            if (i != 0 && reader.isInput && i == order.length - 2) text.data[text.size++] = "\n";
            _append(text, content, reader.starts[order[i]], reader.ends[order[i]]);
        }
        plain = text.data;
        uint256 size = text.size;
        assembly ("memory-safe") {
            mstore(plain, size)
        }
    }

    /// @return text the text of an answer, out of what its receipt's output hash is of
    function answerText(bytes calldata output) internal pure returns (bytes memory text) {
        _check(output.length <= MAXIMUM_CONTENT_BYTES);
        Reader memory reader = Reader(SALT_BYTES, 0, new uint256[](1), new uint256[](1), false);
        _expect(output, reader, '{"text":');
        _string(output, reader);
        _expect(output, reader, ',"tokens":[');
        Text memory found = Text(new bytes(output.length), 0);
        _append(found, output, reader.starts[0], reader.ends[0]);
        text = found.data;
        uint256 size = found.size;
        assembly ("memory-safe") {
            mstore(text, size)
        }
    }

    /// @dev Reads the record's form; returns the pieces in reading order.
    function _pieces(bytes calldata content, Reader memory reader) private pure returns (uint256[] memory) {
        if (_takes(content, reader, '"text":')) {
            _string(content, reader);
            return _order(0, 1, 1);
        }
        if (_takes(content, reader, '"messages":')) {
            _messages(content, reader);
            return _order(0, reader.pieces, 2);
        }
        if (_takes(content, reader, '"chosen":')) return _preference(content, reader);
        return _instruction(content, reader);
    }

    function _messages(bytes calldata content, Reader memory reader) private pure {
        _list(content, reader, '{"content":', ',"role":', "}");
    }

    function _preference(bytes calldata content, Reader memory reader)
        private
        pure
        returns (uint256[] memory order)
    {
        _string(content, reader);
        _expect(content, reader, ',"prompt":');
        uint256 step = 2;
        if (_stands(content, reader.at, '"')) {
            _string(content, reader);
            step = 1;
        } else {
            _messages(content, reader);
        }
        uint256 rejected = reader.pieces;
        _expect(content, reader, ',"rejected":');
        _string(content, reader);
        uint256 turns = (rejected - 1) / step;
        order = new uint256[](turns + 2);
        for (uint256 i = 0; i < turns; ++i) order[i] = 1 + i * step;
        order[turns] = 0;
        order[turns + 1] = rejected;
    }

    function _instruction(bytes calldata content, Reader memory reader)
        private
        pure
        returns (uint256[] memory order)
    {
        if (_takes(content, reader, '"history":')) {
            _list(content, reader, "[", ",", "]");
            _expect(content, reader, ",");
        }
        uint256 history = reader.pieces;
        reader.isInput = _takes(content, reader, '"input":');
        if (reader.isInput) {
            _string(content, reader);
            _expect(content, reader, ",");
        }
        uint256 instruction = reader.pieces;
        _expect(content, reader, '"instruction":');
        _string(content, reader);
        _expect(content, reader, ',"output":');
        _string(content, reader);
        bool isSystem = _takes(content, reader, ',"system":');
        if (isSystem) _string(content, reader);
        order = new uint256[](reader.pieces);
        uint256 count;
        if (isSystem) order[count++] = instruction + 2;
        for (uint256 i = 0; i < history; ++i) order[count++] = i;
        order[count++] = instruction;
        if (reader.isInput) order[count++] = history;
        order[count] = instruction + 1;
    }

    function _order(uint256 first, uint256 end, uint256 step) private pure returns (uint256[] memory order) {
        order = new uint256[]((end - first + step - 1) / step);
        for (uint256 i = 0; i < order.length; ++i) order[i] = first + i * step;
    }

    /// @dev An array of pairs of strings, with marks before, between and after them.
    function _list(
        bytes calldata content,
        Reader memory reader,
        bytes memory before,
        bytes memory between,
        bytes memory behind
    ) private pure {
        _expect(content, reader, "[");
        do {
            _expect(content, reader, before);
            _string(content, reader);
            _expect(content, reader, between);
            _string(content, reader);
            _expect(content, reader, behind);
        } while (_takes(content, reader, ","));
        _expect(content, reader, "]");
    }

    function _string(bytes calldata content, Reader memory reader) private pure {
        _expect(content, reader, '"');
        uint256 at = reader.at;
        uint256 end = content.length;
        uint256 start = at;
        while (true) {
            _check(at < end);
            bytes1 found = content[at];
            if (found == '"') break;
            _check(found >= 0x20);
            at += found == "\\" ? _escape(content, at) : 1;
        }
        _check(reader.pieces < MAXIMUM_PIECES);
        reader.starts[reader.pieces] = start;
        reader.ends[reader.pieces++] = at;
        reader.at = at + 1;
    }

    /// @dev How long the escape at `at` is.
    function _escape(bytes calldata content, uint256 at) private pure returns (uint256) {
        _check(at + 1 < content.length);
        bytes1 kind = content[at + 1];
        if (kind != "u") {
            _check(_short(kind) != 0);
            return 2;
        }
        _check(at + 5 < content.length);
        bytes1 high = content[at + 4];
        bytes1 low = content[at + 5];
        bool isDigit = low >= "0" && low <= "9";
        bool isLetter = low >= "a" && low <= "f";
        _check(content[at + 2] == "0" && content[at + 3] == "0" && (high == "0" || high == "1"));
        _check(isDigit || isLetter);
        return 6;
    }

    function _append(Text memory text, bytes calldata content, uint256 at, uint256 end) private pure {
        bytes memory data = text.data;
        uint256 size = text.size;
        while (at < end) {
            bytes1 found = content[at++];
            if (found == "\\") {
                bytes1 kind = content[at++];
                found = _short(kind);
                if (kind == "u") {
                    uint8 low = uint8(content[at + 3]);
                    low = low >= 0x61 ? low - 0x57 : low - 0x30;
                    found = bytes1((uint8(content[at + 2]) - 0x30) * 16 + low);
                    at += 4;
                }
            }
            data[size++] = found;
        }
        text.size = size;
    }

    /// @dev What an escape of one letter means, 0 for one that is none.
    function _short(bytes1 kind) private pure returns (bytes1) {
        if (kind == '"' || kind == "\\") return kind;
        if (kind == "b") return 0x08;
        if (kind == "f") return 0x0c;
        if (kind == "n") return 0x0a;
        if (kind == "r") return 0x0d;
        return kind == "t" ? bytes1(0x09) : bytes1(0);
    }

    function _stands(bytes calldata content, uint256 at, bytes memory literal) private pure returns (bool) {
        uint256 end = at + literal.length;
        return end <= content.length && keccak256(content[at:end]) == keccak256(literal);
    }

    function _takes(bytes calldata content, Reader memory reader, bytes memory literal)
        private
        pure
        returns (bool found)
    {
        found = _stands(content, reader.at, literal);
        if (found) reader.at += literal.length;
    }

    function _expect(bytes calldata content, Reader memory reader, bytes memory literal) private pure {
        _check(_takes(content, reader, literal));
    }

    function _check(bool isAsExpected) private pure {
        if (!isAsExpected) revert Twin.InvalidArgument("content");
    }
}
