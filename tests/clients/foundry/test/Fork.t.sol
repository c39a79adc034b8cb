// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Notebook} from "contracts/Notebook.sol";
import {Vm, VM} from "../Vm.sol";

interface L1Block {
    function number() external view returns (uint64);
}

/// @notice What `forge test --fork-url` finds on our chain, and does to its fork of it.
contract ForkTest {
    Notebook private notebook;

    function setUp() public {
        notebook = Notebook(payable(VM.envAddress("NOTEBOOK")));
    }

    function testStateIsThere() public view {
        require(notebook.count() == 2, "count");
        require(keccak256(bytes(notebook.texts(1))) == keccak256("by forge"), "text");
        require(address(notebook).balance == 3, "balance");
        require(VM.load(address(notebook), 0) == bytes32(uint256(2)), "slot");
    }

    function testChainIsOurs() public view {
        require(block.chainid == 31338, "chain id");
        require(block.number >= VM.envUint("DEPLOYED_AT"), "block number");
        require(L1Block(0x4200000000000000000000000000000000000015).number() > 0, "L1 block");
    }

    function testRefusalsAreDecoded() public {
        string memory tooLong = new string(65);
        VM.expectRevert(abi.encodeWithSelector(Notebook.TextTooLong.selector, 65, 64));
        notebook.write(tooLong);
        VM.expectRevert("only the owner resets");
        notebook.reset();
    }

    function testForkIsWrittenOn() public {
        VM.prank(notebook.owner());
        notebook.reset();
        require(notebook.count() == 0, "reset");
    }

    function testThePastIsThere() public {
        VM.rollFork(VM.envUint("DEPLOYED_AT") - 1);
        require(address(notebook).code.length == 0, "deployed too early");
    }

    function testFuzz_EverythingShortIsWritten(bytes30 text) public {
        uint256 before = notebook.count();
        notebook.write(string(abi.encodePacked(text)));
        require(notebook.count() == before + 1, "not written");
    }
}
