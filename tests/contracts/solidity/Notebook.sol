// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What client tests deploy: something to write, to read and to find in logs, and every way to refuse.
contract Notebook {
    event Noted(address indexed author, uint256 indexed number, string text);
    event Received(address indexed from, uint256 value);

    error TextTooLong(uint256 length, uint256 limit);

    uint256 public constant TEXT_LIMIT = 64;
    address public immutable owner;

    /// @dev Slot 0, which storage proofs are taken of.
    uint256 public count;
    mapping(uint256 number => string text) public texts;

    constructor(string memory first) payable {
        owner = msg.sender;
        _write(first);
    }

    receive() external payable {
        emit Received(msg.sender, msg.value);
    }

    /// @notice Refuses by a custom error what is too long.
    function write(string calldata text) external returns (uint256 number) {
        require(bytes(text).length <= TEXT_LIMIT, TextTooLong(bytes(text).length, TEXT_LIMIT));
        return _write(text);
    }

    /// @notice Refuses by a string whoever is not the owner.
    function reset() external {
        require(msg.sender == owner, "only the owner resets");
        count = 0;
    }

    /// @notice Refuses by a panic to divide by zero.
    function divide(uint256 dividend, uint256 divisor) external pure returns (uint256) {
        return dividend / divisor;
    }

    /// @notice Refuses without a word.
    function refuse() external pure {
        revert();
    }

    function _write(string memory text) private returns (uint256 number) {
        number = ++count;
        texts[number] = text;
        emit Noted(msg.sender, number, text);
    }
}
