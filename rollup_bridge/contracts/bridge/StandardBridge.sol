// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

import {CrossDomainMessenger} from "./CrossDomainMessenger.sol";
import {IOptimismMintableERC20} from "./IMintableERC20.sol";

/// @title ERC-20 tokens across: locked where they are at home, minted where they stand for them
/// @notice Function and event names are those of the OP Stack's StandardBridge. There is no ether in it.
/// @dev Covered: what leaves a pair of tokens is at most what came in for that very pair, so that a token that lies
///      about what it stands for harms itself only; tokens that take a fee, by counting what arrived; reentrant ones.
///      Not covered: tokens whose balances change by themselves. What they lose, their last holders lose.
abstract contract StandardBridge is ReentrancyGuard {
    using SafeERC20 for IERC20;

    event ERC20BridgeInitiated(
        address indexed localToken,
        address indexed remoteToken,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );
    event ERC20BridgeFinalized(
        address indexed localToken,
        address indexed remoteToken,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    error NotOtherBridge(address caller);
    error NothingArrived();
    error WrongRemoteToken(address expected, address given);
    error NotEnoughLocked(uint256 amount, uint256 locked);
    error InvalidRecipient(address to);

    /// @dev Slot 0, so that an L2 genesis can name the bridge on L1.
    address internal _otherBridge;
    mapping(address localToken => mapping(address remoteToken => uint256)) public deposits;

    modifier onlyOtherBridge() {
        bool trusted = msg.sender == address(messenger());
        require(trusted && messenger().xDomainMessageSender() == _otherBridge, NotOtherBridge(msg.sender));
        _;
    }

    /// @notice Sends `amount` of a token to the same address on the other chain.
    function bridgeERC20(
        address localToken,
        address remoteToken,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external {
        _initiate(localToken, remoteToken, msg.sender, amount, minGasLimit, extraData);
    }

    /// @notice Sends `amount` of a token to `to` on the other chain.
    function bridgeERC20To(
        address localToken,
        address remoteToken,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external {
        _initiate(localToken, remoteToken, to, amount, minGasLimit, extraData);
    }

    /// @notice Pays out what the other bridge took in.
    function finalizeBridgeERC20(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes calldata extraData
    ) external onlyOtherBridge nonReentrant {
        require(to != address(this), InvalidRecipient(to));
        emit ERC20BridgeFinalized(localToken, remoteToken, from, to, amount, extraData);
        if (_isMintable(localToken)) {
            _requireRemote(localToken, remoteToken);
            IOptimismMintableERC20(localToken).mint(to, amount);
        } else {
            uint256 locked = deposits[localToken][remoteToken];
            require(amount <= locked, NotEnoughLocked(amount, locked));
            deposits[localToken][remoteToken] = locked - amount;
            IERC20(localToken).safeTransfer(to, amount);
        }
    }

    function otherBridge() external view returns (address) {
        return _otherBridge;
    }

    function messenger() public view virtual returns (CrossDomainMessenger);

    function _initiate(
        address localToken,
        address remoteToken,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) internal nonReentrant {
        require(to != address(0) && to != _otherBridge, InvalidRecipient(to));
        uint256 arrived = _take(localToken, remoteToken, amount);
        emit ERC20BridgeInitiated(localToken, remoteToken, msg.sender, to, arrived, extraData);
        bytes memory call =
            abi.encodeCall(this.finalizeBridgeERC20, (remoteToken, localToken, msg.sender, to, arrived, extraData));
        messenger().sendMessage(_otherBridge, call, minGasLimit);
    }

    function _take(address localToken, address remoteToken, uint256 amount) private returns (uint256 arrived) {
        if (_isMintable(localToken)) {
            _requireRemote(localToken, remoteToken);
            IOptimismMintableERC20(localToken).burn(msg.sender, amount);
            arrived = amount;
        } else {
            uint256 before = IERC20(localToken).balanceOf(address(this));
            IERC20(localToken).safeTransferFrom(msg.sender, address(this), amount);
            arrived = IERC20(localToken).balanceOf(address(this)) - before;
            deposits[localToken][remoteToken] += arrived;
        }
        require(arrived > 0, NothingArrived());
    }

    function _isMintable(address token) private view returns (bool) {
        return ERC165Checker.supportsInterface(token, type(IOptimismMintableERC20).interfaceId)
            && IOptimismMintableERC20(token).bridge() == address(this);
    }

    function _requireRemote(address localToken, address remoteToken) private view {
        address expected = IOptimismMintableERC20(localToken).remoteToken();
        require(expected == remoteToken, WrongRemoteToken(expected, remoteToken));
    }
}
