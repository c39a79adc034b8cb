// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Errors every native precompile can answer with
/// @notice Fewer than four bytes of calldata, and arguments that solc's decoder refuses, revert with no data at all.
interface IPrecompileErrors {
    /// @notice Reached by DELEGATECALL, CALLCODE or an EIP-7702 delegation: state would be someone else's.
    error DelegateCallNotAllowed();
    /// @notice A state-changing method was reached inside a STATICCALL.
    error StaticCallNotAllowed();
    error UnknownFunctionSelector(bytes4 selector);
    /// @notice The method is not payable.
    error ValueNotAllowed();
}
