// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice A message that left the L2. Source: OP Stack specification, Withdrawals.
/// @dev `value` is in base units of OPEN; `nonce` carries the message version in its top two bytes.
struct WithdrawalTransaction {
    uint256 nonce;
    address sender;
    address target;
    uint256 value;
    uint256 gasLimit;
    bytes data;
}

/// @notice What an output root commits to. Source: OP Stack specification, L2 Output Root, version 0.
struct OutputRootProof {
    bytes32 version;
    bytes32 stateRoot;
    bytes32 messagePasserStorageRoot;
    bytes32 latestBlockhash;
}

/// @notice One proposed output root and the L1 second in which it was proposed.
struct OutputProposal {
    bytes32 outputRoot;
    uint128 timestamp;
    uint128 l2BlockNumber;
}
