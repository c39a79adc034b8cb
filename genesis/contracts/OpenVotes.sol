// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// @title Votes: OPEN put in one for one, and out again once it no longer votes
/// @notice Whoever never delegated votes for itself. What voted on a proposal, by its owner or by the delegate, can be
/// neither moved nor withdrawn until that proposal's voting ends. Its owner may leave the delegate at any time, though
/// until then to nobody: what voted stays locked and votes for nobody else, and no later vote of the former delegate
/// holds it. Time is counted in seconds.
/// @custom:address 0x1612000000000000000000000000000000000102
contract OpenVotes is ERC20, ERC20Permit, ERC20Votes {
    event Deposited(address indexed from, address indexed account, uint256 amount);
    event Withdrawn(address indexed account, address indexed recipient, uint256 amount);
    event Locked(address indexed voter, uint256 until);

    error NotGovernor(address caller);
    error StillVoting(address voter, uint256 until);

    address public constant GOVERNOR = 0x1612000000000000000000000000000000000103;

    /// @notice Until when what an account owns or votes for stays where it is.
    mapping(address voter => uint256) public lockedUntil;

    constructor() ERC20("OpenLedger Votes", "vOPEN") ERC20Permit("OpenLedger Votes") {}

    receive() external payable {
        depositFor(msg.sender);
    }

    /// @notice Mints the OPEN sent, one for one, to `account`.
    function depositFor(address account) public payable {
        if (delegates(account) == address(0) && !_isLocked(account)) _delegate(account, account);
        _mint(account, msg.value);
        emit Deposited(msg.sender, account, msg.value);
    }

    /// @notice Burns `amount` and sends as much OPEN to `recipient`.
    function withdrawTo(address payable recipient, uint256 amount) external {
        _burn(msg.sender, amount);
        emit Withdrawn(msg.sender, recipient, amount);
        Address.sendValue(recipient, amount);
    }

    /// @notice Governor only: `voter` has voted on something that is decided at `until`.
    function lock(address voter, uint256 until) external {
        require(msg.sender == GOVERNOR, NotGovernor(msg.sender));
        _lock(voter, until);
    }

    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        if (from != address(0)) {
            _requireUnlocked(from);
            _requireUnlocked(delegates(from));
        }
        super._update(from, to, value);
    }

    /// @dev Were the delegate not to be left while it votes, one that always votes on something could keep its delegators
    /// for ever. Were what voted to count for another delegate, it could stand in for votes that were withdrawn.
    function _delegate(address account, address delegatee) internal override {
        _lock(account, lockedUntil[delegates(account)]);
        if (delegatee != address(0)) _requireUnlocked(account);
        super._delegate(account, delegatee);
    }

    function _lock(address voter, uint256 until) private {
        if (until > lockedUntil[voter]) {
            lockedUntil[voter] = until;
            emit Locked(voter, until);
        }
    }

    function _isLocked(address voter) private view returns (bool) {
        return block.timestamp <= lockedUntil[voter];
    }

    function _requireUnlocked(address voter) private view {
        require(!_isLocked(voter), StillVoting(voter, lockedUntil[voter]));
    }
}
