// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title OPEN as an ERC-20, with the interface of WETH9
/// @notice Unlike WETH9, minting and burning also emit `Transfer`, and the zero address cannot receive.
/// @custom:address 0x4200000000000000000000000000000000000006
contract WOPEN is ERC20("", "") {
    event Deposit(address indexed dst, uint256 wad);
    event Withdrawal(address indexed src, uint256 wad);

    receive() external payable {
        deposit();
    }

    fallback() external payable {
        deposit();
    }

    /// @notice Wraps the OPEN sent along.
    function deposit() public payable {
        _mint(msg.sender, msg.value);
        emit Deposit(msg.sender, msg.value);
    }

    /// @notice Unwraps `wad` of the caller's tokens.
    function withdraw(uint256 wad) external {
        _burn(msg.sender, wad);
        emit Withdrawal(msg.sender, wad);
        Address.sendValue(payable(msg.sender), wad);
    }

    /// @dev Constants: a predeploy runs no constructor, so nothing may come from storage.
    function name() public pure override returns (string memory) {
        return "Wrapped OPEN";
    }

    function symbol() public pure override returns (string memory) {
        return "WOPEN";
    }
}
