// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Calls between contracts of two chains, which can be tried again when they fail
/// @notice Function and event names are those of the OP Stack's CrossDomainMessenger. Messages carry no value: ether has
///         no place on the L2, and OPEN moves by the portal and the message passer themselves.
/// @dev Covered: each message succeeds at most once, known by the hash of its fields; who sent it is told truly, and
///      only while its call runs; a message that failed can be relayed again by anyone, with more gas.
///      Not covered: that a message arrives. Gas for it is bought by whoever sends it.
abstract contract CrossDomainMessenger {
    event SentMessage(address indexed target, address sender, bytes message, uint256 messageNonce, uint256 gasLimit);
    event RelayedMessage(bytes32 indexed msgHash);
    event FailedRelayedMessage(bytes32 indexed msgHash);

    error MessageWithValue(uint256 value);
    error UnknownVersion(uint256 nonce);
    error NeitherOtherMessengerNorReplay(address caller);
    error AlreadyRelayed(bytes32 msgHash);
    error UnsafeTarget(address target);
    error NoMessageIsRunning();

    uint16 public constant MESSAGE_VERSION = 1;
    uint64 private constant RELAY_OVERHEAD_GAS = 200_000;
    uint64 private constant RELAY_RESERVED_GAS = 40_000;
    uint64 private constant GAS_PER_BYTE = 40;

    /// @dev Slot 0, so that an L2 genesis can name the messenger on L1.
    address internal _otherMessenger;
    mapping(bytes32 msgHash => bool) public successfulMessages;
    mapping(bytes32 msgHash => bool) public failedMessages;
    address private _sender;
    uint240 private _nonce;

    /// @notice Calls `target` on the other chain with `message`.
    /// @param minGasLimit The least gas the call gets there.
    function sendMessage(address target, bytes calldata message, uint32 minGasLimit) external {
        uint256 nonce = messageNonce();
        bytes memory call =
            abi.encodeCall(this.relayMessage, (nonce, msg.sender, target, 0, uint256(minGasLimit), message));
        emit SentMessage(target, msg.sender, message, nonce, minGasLimit);
        ++_nonce;
        _send(_otherMessenger, baseGas(call.length, minGasLimit), call);
    }

    /// @notice Makes the call of a message: at the other messenger's word, or again after it failed.
    function relayMessage(
        uint256 nonce,
        address sender,
        address target,
        uint256 value,
        uint256 minGasLimit,
        bytes calldata message
    ) external {
        require(value == 0, MessageWithValue(value));
        require(nonce >> 240 == MESSAGE_VERSION, UnknownVersion(nonce));
        bytes32 msgHash = keccak256(msg.data);
        require(_isOtherMessenger() || failedMessages[msgHash], NeitherOtherMessengerNorReplay(msg.sender));
        require(!successfulMessages[msgHash], AlreadyRelayed(msgHash));
        require(!_isUnsafe(target), UnsafeTarget(target));

        bool enoughGas = gasleft() > RELAY_RESERVED_GAS && (gasleft() - RELAY_RESERVED_GAS) / 64 * 63 >= minGasLimit;
        bool success = false;
        if (enoughGas && _sender == address(0)) {
            _sender = sender;
            success = _call(target, message);
            _sender = address(0);
        }
        if (success) {
            successfulMessages[msgHash] = true;
            emit RelayedMessage(msgHash);
        } else {
            failedMessages[msgHash] = true;
            emit FailedRelayedMessage(msgHash);
        }
    }

    /// @notice Who sent, on the other chain, the message whose call is running.
    function xDomainMessageSender() external view returns (address) {
        require(_sender != address(0), NoMessageIsRunning());
        return _sender;
    }

    function otherMessenger() external view returns (address) {
        return _otherMessenger;
    }

    /// @notice The next message's nonce, with the message version in its top two bytes.
    function messageNonce() public view returns (uint256) {
        return (uint256(MESSAGE_VERSION) << 240) | _nonce;
    }

    /// @notice The gas to buy on the other chain for a relay call of so many bytes.
    function baseGas(uint256 callBytes, uint32 minGasLimit) public pure returns (uint64) {
        return 21_000 + RELAY_OVERHEAD_GAS + uint64(callBytes) * GAS_PER_BYTE + uint64(minGasLimit) * 64 / 63;
    }

    /// @dev Hands a call to the other messenger to whatever carries messages.
    function _send(address to, uint64 gasLimit, bytes memory data) internal virtual;

    /// @dev Whether the other messenger speaks.
    function _isOtherMessenger() internal view virtual returns (bool);

    /// @dev Whom a message may not call, because it trusts this contract.
    function _isUnsafe(address target) internal view virtual returns (bool);

    /// @dev Return data is not copied: it could be long enough to use up the gas that is left.
    function _call(address target, bytes calldata message) private returns (bool success) {
        bytes memory data = message;
        uint256 passed = gasleft() - RELAY_RESERVED_GAS;
        assembly ("memory-safe") {
            success := call(passed, target, 0, add(data, 0x20), mload(data), 0, 0)
        }
    }
}
