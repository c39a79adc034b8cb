// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPolicy} from "../interfaces/IPolicy.sol";
import {GasTables} from "./GasTables.sol";
import {Twin} from "./Twin.sol";

/// @title Twin of the Policy precompile
contract PolicyTwin is Twin {
    /*//////////////////////////////////////////////////////////////
                                 STORAGE
    //////////////////////////////////////////////////////////////*/

    uint256 internal newestVersion;
    address internal publisher;
    mapping(uint256 version => IPolicy.Parameters) internal versions;
    uint256 internal forksScheduled;
    mapping(uint256 number => IPolicy.Fork) internal forks;

    /*//////////////////////////////////////////////////////////////
                                  LOGIC
    //////////////////////////////////////////////////////////////*/

    uint256 internal constant NOTICE_SECONDS = 7 days;
    uint256 internal constant MAXIMUM_PLATFORM_PPM = 200_000;
    uint256 internal constant MAXIMUM_CHALLENGER_PPM = 300_000;
    uint256 internal constant MAXIMUM_SIGNIFICANCE_PPM = 100 * PPM;
    uint256 internal constant MAXIMUM_BLOCKS = 1_000_000;
    uint256 internal constant MAXIMUM_SECONDS = 315_360_000;
    uint256 internal constant MAXIMUM_CLAIM = 1 ether;
    uint256 internal constant MAXIMUM_ROLLOVERS = 1_000;
    uint256 internal constant MAXIMUM_PARENT_PPM = 500_000;
    uint256 internal constant MAXIMUM_RETRIEVAL_PPM = 500_000;
    uint256 internal constant MAXIMUM_JURY_SEATS = 1_000;
    uint256 internal constant MAXIMUM_JURY_DELAY_BLOCKS = 6_000;
    uint256 internal constant JURY_SEATS_PER_CASE = 3;

    function publish(IPolicy.Parameters calldata parameters) external payable nonPayable returns (uint256 version) {
        _checkTimelock();
        _check(parameters, versions[1]);
        version = ++newestVersion;
        versions[version] = parameters;
        emit IPolicy.PolicyPublished(version, keccak256(abi.encode(parameters)));
    }

    function currentVersion() external payable nonPayable returns (uint256) {
        return newestVersion;
    }

    function getParameters(uint256 version) external payable nonPayable returns (IPolicy.Parameters memory) {
        if (version == 0 || version > newestVersion) revert IPolicy.VersionNotFound(version);
        return versions[version];
    }

    function timelock() external payable nonPayable returns (address) {
        return publisher;
    }

    function scheduleFork(bytes32 name, uint256 time) external payable nonPayable returns (uint256 number) {
        _checkTimelock();
        uint256 earliest = block.timestamp + NOTICE_SECONDS;
        if (forksScheduled > 0 && forks[forksScheduled].time >= earliest) earliest = forks[forksScheduled].time + 1;
        if (name == 0 || time < earliest || time > type(uint64).max) revert IPolicy.InvalidFork(earliest);
        number = ++forksScheduled;
        forks[number] = IPolicy.Fork(name, time);
        emit IPolicy.ForkScheduled(number, name, time);
    }

    function cancelFork(uint256 number) external payable nonPayable {
        _checkTimelock();
        IPolicy.Fork storage found = _existingFork(number);
        bytes32 name = found.name;
        if (name == 0 || block.timestamp >= found.time) revert IPolicy.ForkNotFound(number);
        found.name = 0;
        emit IPolicy.ForkCancelled(number, name);
    }

    function forkCount() external payable nonPayable returns (uint256) {
        return forksScheduled;
    }

    function getFork(uint256 number) external payable nonPayable returns (IPolicy.Fork memory) {
        return _existingFork(number);
    }

    function _checkTimelock() internal view {
        if (msg.sender != publisher) revert IPolicy.NotTimelock(msg.sender);
    }

    function _existingFork(uint256 number) internal view returns (IPolicy.Fork storage) {
        if (number == 0 || number > forksScheduled) revert IPolicy.ForkNotFound(number);
        return forks[number];
    }

    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external payable nonPayable returns (uint256) {
        return GasTables.policy(selector, elementCounts);
    }

    function _check(IPolicy.Parameters calldata p, IPolicy.Parameters memory first) internal pure {
        _within(p.platformPpm, 0, MAXIMUM_PLATFORM_PPM, "platformPpm");
        _within(p.providerPpm, 0, PPM, "providerPpm");
        _within(p.ownerPpm, 0, PPM, "ownerPpm");
        _within(p.stakersPpm, 0, PPM, "stakersPpm");
        _within(p.contributionBond, first.contributionBond / 2, MAXIMUM_WEI, "contributionBond");
        _within(p.revealDelayBlocks, first.revealDelayBlocks / 2, MAXIMUM_BLOCKS, "revealDelayBlocks");
        _within(p.indexWindowSeconds, first.indexWindowSeconds / 2, MAXIMUM_SECONDS, "indexWindowSeconds");
        _within(p.postWindowSeconds, first.postWindowSeconds / 2, MAXIMUM_SECONDS, "postWindowSeconds");
        _within(p.postDelaySeconds, first.postDelaySeconds / 2, MAXIMUM_SECONDS, "postDelaySeconds");
        _within(p.challengeRevealSeconds, first.challengeRevealSeconds / 2, MAXIMUM_SECONDS, "challengeRevealSeconds");
        _within(p.challengeBond, first.challengeBond / 2, MAXIMUM_WEI, "challengeBond");
        _within(p.slashAmount, first.slashAmount / 2, MAXIMUM_WEI, "slashAmount");
        _within(p.challengerPpm, 0, MAXIMUM_CHALLENGER_PPM, "challengerPpm");
        _within(p.closeDelaySeconds, first.closeDelaySeconds / 2, MAXIMUM_SECONDS, "closeDelaySeconds");
        _within(p.unbondingSeconds, first.unbondingSeconds / 2, MAXIMUM_SECONDS, "unbondingSeconds");
        _within(p.minimumValidatorStake, first.minimumValidatorStake / 2, MAXIMUM_WEI, "minimumValidatorStake");
        _within(p.minimumProviderStake, first.minimumProviderStake / 2, MAXIMUM_WEI, "minimumProviderStake");
        _within(p.similarityPpm, 1, PPM, "similarityPpm");
        _within(p.significancePpm, 0, MAXIMUM_SIGNIFICANCE_PPM, "significancePpm");
        _within(p.maximumSharePpm, 1, PPM, "maximumSharePpm");
        _within(p.minimumClaim, 0, MAXIMUM_CLAIM, "minimumClaim");
        _within(p.rolloverLimit, 1, MAXIMUM_ROLLOVERS, "rolloverLimit");
        _within(p.demandWindowSeconds, first.demandWindowSeconds / 2, MAXIMUM_SECONDS, "demandWindowSeconds");
        _within(p.demandFee, first.demandFee / 2, MAXIMUM_WEI, "demandFee");
        _within(p.requestWindowSeconds, first.requestWindowSeconds / 2, MAXIMUM_SECONDS, "requestWindowSeconds");
        _within(p.parentSharePpm, 0, MAXIMUM_PARENT_PPM, "parentSharePpm");
        _checkJury(p, first);
        uint256 others = p.providerPpm + p.ownerPpm + p.stakersPpm;
        uint256 least = (PPM - first.providerPpm - first.ownerPpm - first.stakersPpm) / 2;
        if (others + least > PPM) revert IPolicy.InvalidParameter("contributorsPpm");
        if (p.slashAmount > p.minimumProviderStake) revert IPolicy.InvalidParameter("slashAmount");
        if (p.demandWindowSeconds < p.challengeRevealSeconds) {
            revert IPolicy.InvalidParameter("demandWindowSeconds");
        }
        uint256 juries = 2 * (p.juryCommitSeconds + p.juryRevealSeconds);
        uint256 contested = p.postWindowSeconds + p.demandWindowSeconds + 2 * p.challengeRevealSeconds + juries;
        if (p.unbondingSeconds < contested) revert IPolicy.InvalidParameter("unbondingSeconds");
        if (JURY_SEATS_PER_CASE * p.jurySeats * p.jurorFee > p.challengeBond) {
            revert IPolicy.InvalidParameter("jurorFee");
        }
        if (p.absenceSlash > p.minimumValidatorStake) revert IPolicy.InvalidParameter("absenceSlash");
    }

    function _checkJury(IPolicy.Parameters calldata p, IPolicy.Parameters memory first) internal pure {
        _within(p.retrievalPpm, 0, MAXIMUM_RETRIEVAL_PPM, "retrievalPpm");
        _within(p.auditPpm, 0, PPM, "auditPpm");
        _within(p.jurySeats, (first.jurySeats + 1) / 2, MAXIMUM_JURY_SEATS, "jurySeats");
        _within(p.juryDelayBlocks, first.juryDelayBlocks, MAXIMUM_JURY_DELAY_BLOCKS, "juryDelayBlocks");
        _within(p.juryCommitSeconds, first.juryCommitSeconds / 2, MAXIMUM_SECONDS, "juryCommitSeconds");
        _within(p.juryRevealSeconds, first.juryRevealSeconds / 2, MAXIMUM_SECONDS, "juryRevealSeconds");
        _within(p.jurorFee, first.jurorFee / 2, MAXIMUM_WEI, "jurorFee");
        _within(p.absenceSlash, 0, MAXIMUM_WEI, "absenceSlash");
        _within(p.auditFundPpm, 0, PPM, "auditFundPpm");
        _within(p.selfStakePpm, 1, PPM, "selfStakePpm");
    }

    function _within(uint256 value, uint256 low, uint256 high, string memory name) internal pure {
        if (value < low || value > high) revert IPolicy.InvalidParameter(name);
    }
}
