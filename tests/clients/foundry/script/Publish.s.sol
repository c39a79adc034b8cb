// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Notebook} from "contracts/Notebook.sol";
import {Vm, VM} from "../Vm.sol";

/// @notice What `forge script --broadcast` sends: two contracts, one of them by CREATE2, two calls and a transfer.
contract Publish {
    bool public constant IS_SCRIPT = true;

    function run() external returns (Notebook notebook, Notebook twin) {
        address payable stranger = payable(0x00000000000000000000000000000000DeaDBeef);
        VM.startBroadcast();
        notebook = new Notebook{value: 3}("by forge");
        twin = new Notebook{salt: VM.envBytes32("SALT")}("twin");
        notebook.write("second");
        twin.write("second of the twin");
        stranger.transfer(1);
        VM.stopBroadcast();
        require(notebook.count() == 2 && twin.count() == 2, "simulated otherwise");
    }
}
