// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

address constant STAKING_ADDRESS = 0x1612000000000000000000000000000000000005;

/// @title Stake that secures AI work; it is slashed only by verdicts of the Attribution precompile
/// @custom:address 0x1612000000000000000000000000000000000005
interface IStaking {
    /// @dev role 1 validator, 2 provider. `active` is net of slashing.
    struct Position {
        uint256 active;
        uint256 unbonding;
        uint256 withdrawableAt;
        uint256 slashed;
    }

    event Staked(address indexed account, uint256 indexed role, uint256 amount, uint256 total);
    event UnstakeRequested(address indexed account, uint256 indexed role, uint256 amount, uint256 withdrawableAt);
    event Withdrawn(address indexed account, uint256 indexed role, uint256 amount);
    event RewardsClaimed(address indexed account, address indexed recipient, uint256 amount);
    event SlashRewardPaid(address indexed account, address indexed recipient, uint256 amount);

    error InvalidRole(uint256 role);
    error InvalidArgument(string name);
    error InsufficientStake(uint256 requested, uint256 available);
    error TooEarly(uint256 earliest);
    error StakeLocked(uint256 liability);
    error NothingToClaim();

    function stake(uint256 role) external payable;
    function requestUnstake(uint256 role, uint256 amount) external;
    /// @notice Unbonded stake, once no unfinalized post needs it.
    function withdraw(uint256 role) external returns (uint256 amount);
    /// @notice Pays the caller's part of the stakers' fees.
    function claimRewards(address recipient) external returns (uint256 amount);
    /// @notice Pays the caller what verdicts owe it from slashed stake. With the treasury as `recipient` it pays the
    /// treasury's own; anyone may send that.
    function claimSlashReward(address recipient) external returns (uint256 amount);

    function position(address account, uint256 role) external view returns (Position memory);
    /// @notice Active stake less slashing: what a role's minimum is compared with.
    function stakeOf(address account, uint256 role) external view returns (uint256);
    function totalStake() external view returns (uint256);
    function pendingRewards(address account) external view returns (uint256);
    /// @notice A validator's stake, own and delegated, at the end of a second that is over.
    function stakeAt(address account, uint256 timestamp) external view returns (uint256);
    /// @notice All validators' stake at the end of a second that is over.
    function totalStakeAt(uint256 timestamp) external view returns (uint256);
    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external view returns (uint256);
}
