// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Where messages leave the L2: what is marked here can be proven on L1
/// @notice Layout, hash and event are those of the OP Stack. OPEN sent along stays here for ever and is paid on L1 from
///         the vault; nothing is burned, so the sum of all L2 balances stays what L1 counts as deposited.
/// @custom:address 0x4200000000000000000000000000000000000016
contract L2ToL1MessagePasser {
    /// @notice One message, in order of `nonce`.
    event MessagePassed(
        uint256 indexed nonce,
        address indexed sender,
        address indexed target,
        uint256 value,
        uint256 gasLimit,
        bytes data,
        bytes32 withdrawalHash
    );

    uint16 public constant MESSAGE_VERSION = 1;
    uint256 internal constant RECEIVE_DEFAULT_GAS_LIMIT = 100_000;

    /// @dev Slot 0: what withdrawal proofs are about.
    mapping(bytes32 withdrawalHash => bool) public sentMessages;
    /// @dev Slot 1.
    uint240 internal msgNonce;

    /// @notice Sending OPEN here withdraws it to the same address on L1.
    receive() external payable {
        initiateWithdrawal(msg.sender, RECEIVE_DEFAULT_GAS_LIMIT, "");
    }

    /// @notice Sends `msg.value` OPEN and a call to L1.
    /// @param gasLimit The least gas the call gets on L1.
    function initiateWithdrawal(address target, uint256 gasLimit, bytes memory data) public payable {
        uint256 nonce = messageNonce();
        bytes32 withdrawalHash = keccak256(abi.encode(nonce, msg.sender, target, msg.value, gasLimit, data));
        sentMessages[withdrawalHash] = true;
        emit MessagePassed(nonce, msg.sender, target, msg.value, gasLimit, data, withdrawalHash);
        ++msgNonce;
    }

    /// @notice The next message's nonce, with the message version in its top two bytes.
    function messageNonce() public view returns (uint256) {
        return (uint256(MESSAGE_VERSION) << 240) | msgNonce;
    }

    function version() external pure returns (string memory) {
        return "1.1.0";
    }
}
