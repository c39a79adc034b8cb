// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What the L2 knows of the L1: values of the block's L1 origin, set by the first transaction of every block
/// @notice Layout and getters are those of the OP Stack's L1Block after Ecotone, extended by the origin's randomness.
/// @dev The node reads slots 1, 3 and 7 for the L1 data fee; juries are drawn from the ring that begins at slot 9.
/// @custom:address 0x4200000000000000000000000000000000000015
contract L1Block {
    error NotDepositor(address caller);
    error MalformedValues(uint256 length);
    error OriginNotKept(uint64 origin);

    /// @dev Selector, two uint32, three uint64, five words.
    uint256 private constant VALUES_LENGTH = 4 + 2 * 4 + 3 * 8 + 5 * 32;
    uint64 public constant RING_LENGTH = 8192;

    /// @notice The sender of every L1 attributes transaction; nobody has its key.
    address public constant DEPOSITOR_ACCOUNT = 0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001;

    uint64 public number;
    uint64 public timestamp;
    uint256 public basefee;
    bytes32 public hash;
    /// @notice How many L2 blocks of this origin came before.
    uint64 public sequenceNumber;
    uint32 public blobBaseFeeScalar;
    uint32 public baseFeeScalar;
    bytes32 public batcherHash;
    /// @notice Always zero since Ecotone, as is `l1FeeScalar`.
    uint256 public l1FeeOverhead;
    uint256 public l1FeeScalar;
    uint256 public blobBaseFee;
    bytes32 public prevRandao;
    bytes32[RING_LENGTH] private _ring;

    /// @notice Takes the packed values after the selector: baseFeeScalar u32, blobBaseFeeScalar u32,
    ///         sequenceNumber u64, timestamp u64, number u64, baseFee u256, blobBaseFee u256, hash, batcherHash,
    ///         prevRandao. Depositor only.
    function setL1BlockValuesOpenLedger() external {
        require(msg.sender == DEPOSITOR_ACCOUNT, NotDepositor(msg.sender));
        bytes calldata values = msg.data;
        require(values.length == VALUES_LENGTH, MalformedValues(values.length));
        baseFeeScalar = uint32(bytes4(values[4:8]));
        blobBaseFeeScalar = uint32(bytes4(values[8:12]));
        sequenceNumber = uint64(bytes8(values[12:20]));
        timestamp = uint64(bytes8(values[20:28]));
        uint64 origin = uint64(bytes8(values[28:36]));
        number = origin;
        basefee = uint256(bytes32(values[36:68]));
        blobBaseFee = uint256(bytes32(values[68:100]));
        hash = bytes32(values[100:132]);
        batcherHash = bytes32(values[132:164]);
        bytes32 randomness = bytes32(values[164:196]);
        prevRandao = randomness;
        _ring[origin % RING_LENGTH] = randomness;
    }

    /// @notice The randomness of L1 block `origin`, one of the last 8192 origins. Reverts for any other.
    function prevRandaoOf(uint64 origin) external view returns (bytes32 randomness) {
        require(origin <= number && number - origin < RING_LENGTH, OriginNotKept(origin));
        randomness = _ring[origin % RING_LENGTH];
        require(randomness != bytes32(0), OriginNotKept(origin));
    }

    function version() external pure returns (string memory) {
        return "1.5.0";
    }
}
