// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {IOptimismMintableERC20} from "../../rollup_bridge/contracts/bridge/IMintableERC20.sol";

/// @title An L2 token that stands for one on L1: only the bridge makes and unmakes it
contract OptimismMintableERC20 is ERC20, IOptimismMintableERC20, IERC165 {
    event Mint(address indexed account, uint256 amount);
    event Burn(address indexed account, uint256 amount);

    error NotBridge(address caller);

    address public immutable bridge;
    address public immutable remoteToken;
    uint8 private immutable DECIMALS;

    modifier onlyBridge() {
        require(msg.sender == bridge, NotBridge(msg.sender));
        _;
    }

    constructor(address bridge_, address remoteToken_, string memory name_, string memory symbol_, uint8 decimals_)
        ERC20(name_, symbol_)
    {
        bridge = bridge_;
        remoteToken = remoteToken_;
        DECIMALS = decimals_;
    }

    function mint(address to, uint256 amount) external onlyBridge {
        _mint(to, amount);
        emit Mint(to, amount);
    }

    function burn(address from, uint256 amount) external onlyBridge {
        _burn(from, amount);
        emit Burn(from, amount);
    }

    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC165).interfaceId || interfaceId == type(IOptimismMintableERC20).interfaceId;
    }

    function decimals() public view override returns (uint8) {
        return DECIMALS;
    }
}
