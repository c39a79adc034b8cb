// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OutputRootProof, WithdrawalTransaction} from "./Types.sol";

/// @title The two hashes a withdrawal is known by
library Hashing {
    /// @notice The identity of a withdrawal: a hash over its fields, never over the bytes of a proof.
    function hashWithdrawal(WithdrawalTransaction memory withdrawal) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                withdrawal.nonce,
                withdrawal.sender,
                withdrawal.target,
                withdrawal.value,
                withdrawal.gasLimit,
                withdrawal.data
            )
        );
    }

    /// @notice An output root, version 0.
    function hashOutputRootProof(OutputRootProof memory proof) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(proof.version, proof.stateRoot, proof.messagePasserStorageRoot, proof.latestBlockhash)
        );
    }
}
