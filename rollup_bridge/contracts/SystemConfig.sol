// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title What L1 tells the L2 about its batcher, fees and gas limit
/// @notice Every change is a `ConfigUpdate` log, in force from the L2 blocks of the L1 block that holds it.
///         Source: OP Stack specification, System Config. The scalars also carry the OPEN/ETH rate: L1 fees are
///         measured in ether and charged in OPEN.
/// @dev Covered: who may change what, the range of each value, at most a doubling of a scalar within a day.
///      Not covered: whether the rate in the scalars is the market's.
contract SystemConfig is Ownable2Step {
    /// @dev OP's numbering; type 3 (unsafe block signer) is the key that signs the sequencer's feed.
    enum UpdateType {
        BATCHER,
        FEE_SCALARS,
        GAS_LIMIT,
        UNSAFE_BLOCK_SIGNER
    }

    event ConfigUpdate(uint256 indexed version, UpdateType indexed updateType, bytes data);

    error GasLimitOutOfRange(uint64 gasLimit, uint64 minimum, uint64 maximum);
    error NotAnAddress(bytes32 batcherHash);
    error ScalarRisesTooFast(uint32 scalar, uint256 maximum);

    uint256 public constant VERSION = 0;
    uint64 public constant MAXIMUM_GAS_LIMIT = 200_000_000;
    /// @notice Deposits of one L1 block (20 M) and the L1 attributes transaction (1 M) must fit in one L2 block.
    uint64 public constant MINIMUM_GAS_LIMIT = 21_000_000;
    uint256 private constant ECOTONE_SCALAR_VERSION = 1 << 248;

    bytes32 public batcherHash;
    address public unsafeBlockSigner;
    uint64 public gasLimit;
    uint32 public basefeeScalar;
    uint32 public blobbasefeeScalar;

    /// @notice The scalars when the current day of changes began, and when that was.
    uint32 public referenceBasefeeScalar;
    uint32 public referenceBlobbasefeeScalar;
    uint64 public referenceTimestamp;

    constructor(
        address owner_,
        address batcher,
        address unsafeBlockSigner_,
        uint64 gasLimit_,
        uint32 basefeeScalar_,
        uint32 blobbasefeeScalar_
    ) Ownable(owner_) {
        _setBatcherHash(bytes32(uint256(uint160(batcher))));
        _setUnsafeBlockSigner(unsafeBlockSigner_);
        _setGasLimit(gasLimit_);
        _setFeeScalars(basefeeScalar_, blobbasefeeScalar_);
        _startDay();
    }

    /// @notice Replaces the account whose batches count. The hash is the address, left-padded with zeros.
    function setBatcherHash(bytes32 batcherHash_) external onlyOwner {
        _setBatcherHash(batcherHash_);
    }

    /// @notice Sets the scalars of the L1 data fee. Within a day neither may more than double.
    function setGasConfigEcotone(uint32 basefeeScalar_, uint32 blobbasefeeScalar_) external onlyOwner {
        if (block.timestamp >= uint256(referenceTimestamp) + 1 days) _startDay();
        _requireAtMostDouble(basefeeScalar_, referenceBasefeeScalar);
        _requireAtMostDouble(blobbasefeeScalar_, referenceBlobbasefeeScalar);
        _setFeeScalars(basefeeScalar_, blobbasefeeScalar_);
    }

    /// @notice Sets the L2 block gas limit.
    function setGasLimit(uint64 gasLimit_) external onlyOwner {
        _setGasLimit(gasLimit_);
    }

    /// @notice Sets the key that signs the sequencer's feed.
    function setUnsafeBlockSigner(address unsafeBlockSigner_) external onlyOwner {
        _setUnsafeBlockSigner(unsafeBlockSigner_);
    }

    /// @notice Both scalars in OP's Ecotone encoding.
    function scalar() public view returns (uint256) {
        return ECOTONE_SCALAR_VERSION | (uint256(blobbasefeeScalar) << 32) | basefeeScalar;
    }

    /// @notice Always zero since Ecotone.
    function overhead() external pure returns (uint256) {
        return 0;
    }

    function minimumGasLimit() external pure returns (uint64) {
        return MINIMUM_GAS_LIMIT;
    }

    function maximumGasLimit() external pure returns (uint64) {
        return MAXIMUM_GAS_LIMIT;
    }

    function version() external pure returns (string memory) {
        return "2.3.0";
    }

    /// @dev Derivation stops at a hash it cannot read, so none may be logged.
    function _setBatcherHash(bytes32 batcherHash_) private {
        require(uint256(batcherHash_) <= type(uint160).max, NotAnAddress(batcherHash_));
        batcherHash = batcherHash_;
        emit ConfigUpdate(VERSION, UpdateType.BATCHER, abi.encode(batcherHash_));
    }

    function _setUnsafeBlockSigner(address unsafeBlockSigner_) private {
        unsafeBlockSigner = unsafeBlockSigner_;
        emit ConfigUpdate(VERSION, UpdateType.UNSAFE_BLOCK_SIGNER, abi.encode(unsafeBlockSigner_));
    }

    function _setGasLimit(uint64 gasLimit_) private {
        require(
            gasLimit_ >= MINIMUM_GAS_LIMIT && gasLimit_ <= MAXIMUM_GAS_LIMIT,
            GasLimitOutOfRange(gasLimit_, MINIMUM_GAS_LIMIT, MAXIMUM_GAS_LIMIT)
        );
        gasLimit = gasLimit_;
        emit ConfigUpdate(VERSION, UpdateType.GAS_LIMIT, abi.encode(gasLimit_));
    }

    function _setFeeScalars(uint32 basefeeScalar_, uint32 blobbasefeeScalar_) private {
        basefeeScalar = basefeeScalar_;
        blobbasefeeScalar = blobbasefeeScalar_;
        emit ConfigUpdate(VERSION, UpdateType.FEE_SCALARS, abi.encode(uint256(0), scalar()));
    }

    function _startDay() private {
        referenceBasefeeScalar = basefeeScalar;
        referenceBlobbasefeeScalar = blobbasefeeScalar;
        referenceTimestamp = uint64(block.timestamp);
    }

    /// @dev From zero a scalar may become one, or it could never leave zero.
    function _requireAtMostDouble(uint32 scalar_, uint32 daysFirst) private pure {
        uint256 maximum = Math.max(2 * uint256(daysFirst), 1);
        require(scalar_ <= maximum, ScalarRisesTooFast(scalar_, maximum));
    }
}
