// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {GovernorVotesQuorumFraction} from
    "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

interface IVotesLock {
    function lock(address voter, uint256 until) external;
}

/// @title Governance: proposals decided by OPEN in the votes token, carried out by the timelock
/// @notice The quorum is a share of the votes that exist, and never less than a fixed number of them. A vote counts what
/// its voter had at the snapshot and still has: that stays locked until voting ends, so nobody votes with votes that were
/// lent for the moment of the snapshot.
/// @custom:address 0x1612000000000000000000000000000000000103
contract OpenGovernor is
    Governor,
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorTimelockControl
{
    address internal constant VOTES = 0x1612000000000000000000000000000000000102;
    address payable internal constant TIMELOCK = payable(0x1612000000000000000000000000000000000101);
    uint256 internal constant QUORUM_PERCENT = 4;

    uint256 public immutable MINIMUM_QUORUM;

    constructor(uint48 votingDelaySeconds, uint32 votingPeriodSeconds, uint256 threshold, uint256 minimumQuorum)
        Governor("OpenLedger Governor")
        GovernorSettings(votingDelaySeconds, votingPeriodSeconds, threshold)
        GovernorVotes(IVotes(VOTES))
        GovernorVotesQuorumFraction(QUORUM_PERCENT)
        GovernorTimelockControl(TimelockController(TIMELOCK))
    {
        MINIMUM_QUORUM = minimumQuorum;
    }

    function quorum(uint256 timepoint)
        public
        view
        override(Governor, GovernorVotesQuorumFraction)
        returns (uint256)
    {
        uint256 share = super.quorum(timepoint);
        return share > MINIMUM_QUORUM ? share : MINIMUM_QUORUM;
    }

    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    function state(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (ProposalState)
    {
        return super.state(proposalId);
    }

    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    function _castVote(uint256 proposalId, address account, uint8 support, string memory reason, bytes memory params)
        internal
        override
        returns (uint256 weight)
    {
        weight = super._castVote(proposalId, account, support, reason, params);
        IVotesLock(VOTES).lock(account, proposalDeadline(proposalId));
    }

    function _countVote(uint256 proposalId, address account, uint8 support, uint256 totalWeight, bytes memory params)
        internal
        override(Governor, GovernorCountingSimple)
        returns (uint256)
    {
        uint256 present = IVotes(VOTES).getVotes(account);
        return super._countVote(proposalId, account, support, present < totalWeight ? present : totalWeight, params);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}
