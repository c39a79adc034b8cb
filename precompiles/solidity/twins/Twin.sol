// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPrecompileErrors} from "../interfaces/IPrecompileErrors.sol";

/// @dev Sends its whole balance to `recipient` without running any code there.
contract Payout {
    constructor(address payable recipient) payable {
        selfdestruct(recipient);
    }
}

/// @title What all twins share
/// @notice A twin has its precompile's storage layout and answers every call with the same return data, logs,
/// storage and revert data; only gas differs. Methods are `payable` so that value sent to one that does not take
/// any is refused with an error of its own, after the arguments are decoded, as natively.
abstract contract Twin {
    /*//////////////////////////////////////////////////////////////
                                 ERRORS
    //////////////////////////////////////////////////////////////*/

    error InvalidArgument(string name);

    /*//////////////////////////////////////////////////////////////
                                CONSTANTS
    //////////////////////////////////////////////////////////////*/

    address internal constant TREASURY = 0x1612000000000000000000000000000000000100;
    uint256 internal constant PPM = 1_000_000;
    uint256 internal constant MAXIMUM_TEXT_BYTES = 2_048;
    uint256 internal constant MAXIMUM_COUNT = 2 ** 32;
    uint256 internal constant MAXIMUM_WEI = 10 ** 27;

    /*//////////////////////////////////////////////////////////////
                                  LOGIC
    //////////////////////////////////////////////////////////////*/

    modifier nonPayable() {
        _refuseValue();
        _;
    }

    /// @notice Reached by calldata too short for a selector and by selectors that no function has.
    fallback(bytes calldata) external payable returns (bytes memory) {
        if (msg.data.length < 4) _revertEmpty();
        return _fallback();
    }

    /// @notice Plain transfers are refused, as natively.
    receive() external payable {
        _revertEmpty();
    }

    function _fallback() internal virtual returns (bytes memory) {
        revert IPrecompileErrors.UnknownFunctionSelector(msg.sig);
    }

    function _revertEmpty() internal pure {
        assembly {
            revert(0, 0)
        }
    }

    function _refuseValue() internal view {
        if (msg.value != 0) revert IPrecompileErrors.ValueNotAllowed();
    }

    /// @dev For a call that finds nothing left to write: natively whatever may write is refused in a static call.
    function _refuseStaticCall() internal {
        assembly {
            tstore(0, 0)
        }
    }

    function _require(bool condition, string memory name) internal pure {
        if (!condition) revert InvalidArgument(name);
    }

    function _requireText(string calldata text, string memory name) internal pure {
        _require(bytes(text).length <= MAXIMUM_TEXT_BYTES, name);
    }

    function _pay(address recipient, uint256 amount) internal {
        if (amount > 0) new Payout{value: amount}(payable(recipient));
    }
}
