// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IERC5805} from "@openzeppelin/contracts/interfaces/IERC5805.sol";

/// @title Grants from the treasury, paid by milestone unless voters object
/// @notice A proposal sends OPEN here and creates the grant in the same batch. The recipient reports each milestone;
/// for the objection window any holder of votes may object with what it held when the report was made. A milestone with
/// few objections is paid; one with many waits for governance, which may pay or end it. What ends goes back.
/// @custom:address 0x1612000000000000000000000000000000000105
contract Grants {
    struct Grant {
        address recipient;
        uint256 milestones;
        uint256 next;
        uint256 remaining;
        uint256 reportedAt;
        uint256 objections;
    }

    event GrantCreated(uint256 indexed grantId, address indexed recipient, uint256[] amounts, string uri);
    event MilestoneReported(uint256 indexed grantId, uint256 indexed milestone, string uri);
    event Objected(uint256 indexed grantId, uint256 indexed milestone, address indexed voter, uint256 votes);
    event MilestonePaid(uint256 indexed grantId, uint256 indexed milestone, uint256 amount);
    event GrantEnded(uint256 indexed grantId, uint256 returned);

    error NotTimelock(address caller);
    error NotRecipient(address caller);
    error GrantNotFound(uint256 grantId);
    error NothingReported(uint256 grantId);
    error AlreadyReported(uint256 grantId);
    error AlreadyObjected(address voter);
    error WindowOpen(uint256 until);
    error WindowClosed(uint256 until);
    error TooManyObjections(uint256 votes);
    error NotFunded(uint256 required, uint256 free);
    error InvalidGrant();

    address public constant TIMELOCK = 0x1612000000000000000000000000000000000101;
    address payable public constant TREASURY = payable(0x1612000000000000000000000000000000000100);
    IERC5805 public constant VOTES = IERC5805(0x1612000000000000000000000000000000000102);
    uint256 public constant OBJECTION_WINDOW = 3 days;
    /// @notice Objections of one part in so many of all votes stop a milestone.
    uint256 public constant OBJECTION_PARTS = 100;

    uint256 public grantCount;
    uint256 public committed;
    mapping(uint256 grantId => Grant) internal _grants;
    mapping(uint256 grantId => mapping(uint256 milestone => uint256)) public amountOf;
    mapping(uint256 grantId => mapping(uint256 milestone => mapping(address voter => bool))) public hasObjected;

    receive() external payable {}

    modifier onlyTimelock() {
        require(msg.sender == TIMELOCK, NotTimelock(msg.sender));
        _;
    }

    /// @notice Timelock only. The sum must be here and promised to nobody.
    function create(address recipient, uint256[] calldata amounts, string calldata uri)
        external
        onlyTimelock
        returns (uint256 grantId)
    {
        require(recipient != address(0) && amounts.length > 0 && amounts.length <= 32, InvalidGrant());
        grantId = ++grantCount;
        uint256 total;
        for (uint256 i = 0; i < amounts.length; ++i) {
            total += amounts[i];
            amountOf[grantId][i] = amounts[i];
        }
        uint256 free = address(this).balance - committed;
        require(total <= free, NotFunded(total, free));
        committed += total;
        _grants[grantId] = Grant(recipient, amounts.length, 0, total, 0, 0);
        emit GrantCreated(grantId, recipient, amounts, uri);
    }

    /// @notice Recipient only: the next milestone is reached; starts the objection window.
    function report(uint256 grantId, string calldata uri) external {
        Grant storage grant = _open(grantId);
        require(msg.sender == grant.recipient, NotRecipient(msg.sender));
        require(grant.reportedAt == 0, AlreadyReported(grantId));
        grant.reportedAt = block.timestamp;
        grant.objections = 0;
        emit MilestoneReported(grantId, grant.next, uri);
    }

    /// @notice Objects with the votes the caller had just before the report.
    function object(uint256 grantId) external {
        Grant storage grant = _reported(grantId);
        uint256 until = grant.reportedAt + OBJECTION_WINDOW;
        require(block.timestamp <= until, WindowClosed(until));
        require(!hasObjected[grantId][grant.next][msg.sender], AlreadyObjected(msg.sender));
        hasObjected[grantId][grant.next][msg.sender] = true;
        uint256 votes = VOTES.getPastVotes(msg.sender, grant.reportedAt - 1);
        grant.objections += votes;
        emit Objected(grantId, grant.next, msg.sender, votes);
    }

    /// @notice Anyone, after the window and without many objections.
    function release(uint256 grantId) external {
        Grant storage grant = _reported(grantId);
        uint256 until = grant.reportedAt + OBJECTION_WINDOW;
        require(block.timestamp > until, WindowOpen(until));
        uint256 all = VOTES.getPastTotalSupply(grant.reportedAt - 1);
        require(grant.objections * OBJECTION_PARTS <= all, TooManyObjections(grant.objections));
        _payNext(grantId, grant);
    }

    /// @notice Timelock only: pays a reported milestone whatever the objections.
    function approve(uint256 grantId) external onlyTimelock {
        _payNext(grantId, _reported(grantId));
    }

    /// @notice Timelock only: what was not paid goes back to the treasury.
    function end(uint256 grantId) external onlyTimelock {
        Grant storage grant = _open(grantId);
        uint256 returned = grant.remaining;
        grant.next = grant.milestones;
        grant.remaining = 0;
        committed -= returned;
        emit GrantEnded(grantId, returned);
        Address.sendValue(TREASURY, returned);
    }

    function getGrant(uint256 grantId) external view returns (Grant memory) {
        require(grantId > 0 && grantId <= grantCount, GrantNotFound(grantId));
        return _grants[grantId];
    }

    function _payNext(uint256 grantId, Grant storage grant) private {
        uint256 milestone = grant.next;
        uint256 amount = amountOf[grantId][milestone];
        grant.next = milestone + 1;
        grant.reportedAt = 0;
        grant.remaining -= amount;
        committed -= amount;
        emit MilestonePaid(grantId, milestone, amount);
        Address.sendValue(payable(grant.recipient), amount);
    }

    function _open(uint256 grantId) private view returns (Grant storage grant) {
        grant = _grants[grantId];
        require(grant.next < grant.milestones, GrantNotFound(grantId));
    }

    function _reported(uint256 grantId) private view returns (Grant storage grant) {
        grant = _open(grantId);
        require(grant.reportedAt != 0, NothingReported(grantId));
    }
}
