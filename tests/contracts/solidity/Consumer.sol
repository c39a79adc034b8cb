// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev Asks for inference and is told of the answer; behaves badly on request.
contract Consumer {
    address internal constant METERING = 0x1612000000000000000000000000000000000004;
    address internal constant CALLBACK_CALLER = 0x1612000000000000000000000000000000000104;
    uint256 internal constant FAIL = 1;
    uint256 internal constant BURN = 2;
    uint256 internal constant BOMB = 3;
    uint256 internal constant REENTER = 4;

    uint256 public mode;
    uint256 public answered;
    bytes32 public output;
    uint256 public gasGiven;

    receive() external payable {}

    function setMode(uint256 mode_) external {
        mode = mode_;
    }

    function ask(bytes calldata request) external payable {
        (bool succeeded,) = METERING.call{value: msg.value}(request);
        require(succeeded, "refused");
    }

    function onInference(uint256 requestId, bytes32 outputHash) external {
        require(msg.sender == CALLBACK_CALLER, "caller");
        if (mode == FAIL) revert("no");
        if (mode == BURN) while (true) {}
        if (mode == BOMB) {
            assembly {
                revert(0, 500000)
            }
        }
        if (mode == REENTER) {
            (bool again,) = CALLBACK_CALLER.call(abi.encodeWithSignature("deliver(uint256)", requestId));
            require(!again, "delivered twice");
        }
        gasGiven = gasleft();
        answered = requestId;
        output = outputHash;
    }
}
