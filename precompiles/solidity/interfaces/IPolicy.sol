// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

address constant POLICY_ADDRESS = 0x1612000000000000000000000000000000000006;

/// @title Versioned parameters; only governance's timelock publishes a version, never retroactively
/// @custom:address 0x1612000000000000000000000000000000000006
interface IPolicy {
    /// @dev Parts per million, seconds, blocks or wei, as each name says. `revealDelay` is in blocks,
    /// `similarity` and `significance` (z squared) in parts per million; `juryDelayBlocks`
    /// are the L1's.
    struct Parameters {
        uint256 platformPpm;
        uint256 providerPpm;
        uint256 ownerPpm;
        uint256 stakersPpm;
        uint256 contributionBond;
        uint256 revealDelayBlocks;
        uint256 indexWindowSeconds;
        uint256 postWindowSeconds;
        uint256 postDelaySeconds;
        uint256 challengeRevealSeconds;
        uint256 challengeBond;
        uint256 slashAmount;
        uint256 challengerPpm;
        uint256 closeDelaySeconds;
        uint256 unbondingSeconds;
        uint256 minimumValidatorStake;
        uint256 minimumProviderStake;
        uint256 similarityPpm;
        uint256 significancePpm;
        uint256 maximumSharePpm;
        uint256 minimumClaim;
        uint256 rolloverLimit;
        uint256 demandWindowSeconds;
        uint256 demandFee;
        uint256 requestWindowSeconds;
        uint256 parentSharePpm;
        uint256 retrievalPpm;
        uint256 auditPpm;
        uint256 jurySeats;
        uint256 juryDelayBlocks;
        uint256 juryCommitSeconds;
        uint256 juryRevealSeconds;
        uint256 jurorFee;
        uint256 absenceSlash;
        uint256 auditFundPpm;
        uint256 selfStakePpm;
    }

    /// @dev A protocol upgrade by name (ASCII, padded with zeros) and the time of its first block; a cancelled one has
    /// no name.
    struct Fork {
        bytes32 name;
        uint256 time;
    }

    event PolicyPublished(uint256 indexed version, bytes32 parametersHash);

    event ForkScheduled(uint256 indexed number, bytes32 indexed name, uint256 time);
    event ForkCancelled(uint256 indexed number, bytes32 indexed name);

    error NotTimelock(address caller);
    error InvalidParameter(string name);
    error VersionNotFound(uint256 version);
    error ForkNotFound(uint256 number);
    error InvalidFork(uint256 earliest);

    /// @notice Timelock only. Versions count from 1, which genesis writes. Windows, bonds and stakes
    /// may not fall below half of version 1's, nor may the contributors' share; the delay of draws may not fall.
    function publish(Parameters calldata parameters) external returns (uint256 version);
    function currentVersion() external view returns (uint256);
    function getParameters(uint256 version) external view returns (Parameters memory);
    /// @notice Timelock only: announces a fork, seven days ahead at least and after every other. A node that does not know
    /// it stops before it.
    function scheduleFork(bytes32 name, uint256 time) external returns (uint256 number);
    /// @notice Timelock only, before its time.
    function cancelFork(uint256 number) external;
    function forkCount() external view returns (uint256);
    function getFork(uint256 number) external view returns (Fork memory);
    function timelock() external view returns (address);
    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external view returns (uint256);
}
