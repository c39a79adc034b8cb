// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

interface IPortal {
    function l2Sender() external view returns (address);
}

/// @notice Remembers how it was called, then does as it is told.
contract Target {
    enum Behaviour {
        RETURN,
        REVERT,
        BURN_ALL_GAS,
        RETURN_A_LOT,
        REPEAT
    }

    Behaviour public behaviour;
    address public portal;
    bytes public repeated;

    uint256 public calls;
    address public l2Sender;
    uint256 public value;
    uint256 public gasReceived;
    bytes public received;
    bool public repeatSucceeded;
    bytes public repeatOutput;

    function configure(address portal_, Behaviour behaviour_, bytes calldata repeated_) external {
        (portal, behaviour, repeated) = (portal_, behaviour_, repeated_);
    }

    /// @notice Calls `to` in this contract's name.
    function forward(address to, bytes calldata data) external returns (bytes memory output) {
        bool success;
        (success, output) = to.call(data);
        require(success, "forwarded call failed");
    }

    receive() external payable {}

    fallback() external payable {
        gasReceived = gasleft();
        ++calls;
        l2Sender = IPortal(portal).l2Sender();
        value = msg.value;
        received = msg.data;
        if (behaviour == Behaviour.REVERT) revert("no");
        if (behaviour == Behaviour.BURN_ALL_GAS) while (true) {}
        if (behaviour == Behaviour.RETURN_A_LOT) {
            assembly {
                return(0, 1000000)
            }
        }
        if (behaviour == Behaviour.REPEAT) (repeatSucceeded, repeatOutput) = portal.call(repeated);
    }
}

/// @notice Stands in for OPEN, with the same storage: keeps a part of what is sent, or calls back while sending.
contract HostileToken is ERC20("", "") {
    uint256 public constant KEPT_PARTS_PER_HUNDRED = 1;
    bytes32 private constant CALL_BACK_SLOT = keccak256("call back");

    function callBackWith(address target, bytes calldata data) external {
        CallBack storage callBack = _callBack();
        (callBack.target, callBack.data) = (target, data);
    }

    function lastCallBack() external view returns (bool called, bool succeeded, bytes memory output) {
        CallBack storage callBack = _callBack();
        return (callBack.called, callBack.succeeded, callBack.output);
    }

    struct CallBack {
        address target;
        bytes data;
        bool called;
        bool succeeded;
        bytes output;
    }

    function _update(address from, address to, uint256 amount) internal override {
        CallBack storage callBack = _callBack();
        if (callBack.target == address(0)) {
            uint256 kept = amount * KEPT_PARTS_PER_HUNDRED / 100;
            super._update(from, address(this), kept);
            amount -= kept;
        } else {
            callBack.called = true;
            (callBack.succeeded, callBack.output) = callBack.target.call(callBack.data);
        }
        super._update(from, to, amount);
    }

    function _callBack() private pure returns (CallBack storage callBack) {
        bytes32 slot = CALL_BACK_SLOT;
        assembly {
            callBack.slot := slot
        }
    }
}

/// @notice Says that it stands for another token, and burns nothing.
contract LyingToken {
    address public bridge;
    address public remoteToken;

    function pretend(address bridge_, address remoteToken_) external {
        (bridge, remoteToken) = (bridge_, remoteToken_);
    }

    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId != 0xffffffff;
    }

    function burn(address, uint256) external {}

    function mint(address, uint256) external {}
}
