// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

address constant STAKING_ADDRESS = 0x1612000000000000000000000000000000000005;

/// @title Stake that secures AI work; it is slashed only by verdicts of the Attribution precompile
/// @notice Roles: 1 validator, 2 provider. An operator's pool in a role is its own stake and what others delegated
/// to it; slashing falls on all of it in proportion, unbonding stake included.
/// @custom:address 0x1612000000000000000000000000000000000005
interface IStaking {
    /// @dev An operator's pool, net of slashing; `withdrawableAt` is the operator's own.
    struct Position {
        uint256 active;
        uint256 unbonding;
        uint256 withdrawableAt;
        uint256 slashed;
    }

    /// @dev What one account has in a pool. `pending`, part of `active`, earns from the next epoch on; `rewards` is
    /// what `collectRewards` would credit.
    struct DelegationPosition {
        uint256 active;
        uint256 pending;
        uint256 unbonding;
        uint256 withdrawableAt;
        uint256 rewards;
    }

    event Staked(address indexed account, uint256 indexed role, uint256 amount, uint256 total);
    event UnstakeRequested(address indexed account, uint256 indexed role, uint256 amount, uint256 withdrawableAt);
    event Withdrawn(address indexed account, uint256 indexed role, uint256 amount);
    event Delegated(
        address indexed delegator, address indexed operator, uint256 indexed role, uint256 amount, uint256 total
    );
    event UndelegationRequested(
        address indexed delegator,
        address indexed operator,
        uint256 indexed role,
        uint256 amount,
        uint256 withdrawableAt
    );
    event DelegationWithdrawn(
        address indexed delegator, address indexed operator, uint256 indexed role, uint256 amount
    );
    event CommissionSet(
        address indexed operator, uint256 indexed role, uint256 commission, uint256 effectiveAt
    );
    event RewardsCollected(
        address indexed delegator, address indexed operator, uint256 indexed role, uint256 amount
    );
    event RewardsClaimed(address indexed account, address indexed recipient, uint256 amount);
    event SlashRewardPaid(address indexed account, address indexed recipient, uint256 amount);

    error InvalidRole(uint256 role);
    error InvalidArgument(string name);
    error InsufficientStake(uint256 requested, uint256 available);
    error TooEarly(uint256 earliest);
    error StakeLocked(uint256 liability);
    error StakeHeldByIndexes(uint256 indexes, uint256 until);
    error NothingToClaim();
    error OperatorNotStaked(address operator);

    function stake(uint256 role) external payable;
    function requestUnstake(uint256 role, uint256 amount) external;
    /// @notice Unbonded own stake, once no unfinalized post needs it and, a provider's, an unbonding time after its last
    /// feature index was retired.
    function withdraw(uint256 role) external returns (uint256 amount);
    /// @notice Adds to the pool of an operator that has stake of its own there.
    function delegate(address operator, uint256 role) external payable;
    function undelegate(address operator, uint256 role, uint256 amount) external;
    /// @notice Unbonded delegated stake. Unfinalized posts of the operator hold it for two more unbonding times at most.
    function withdrawDelegation(address operator, uint256 role) external returns (uint256 amount);
    /// @notice The operator's share of what its delegators earn, in parts per million. A higher one waits for the
    /// unbonding time, so that delegators can leave before.
    function setCommission(uint256 role, uint256 commission) external;
    /// @notice Credits the caller with what its part of an operator's pool earned; `claimRewards` pays it.
    function collectRewards(address operator, uint256 role) external returns (uint256 amount);
    /// @notice Pays what the caller's own stake earned, its commissions, and what it collected.
    function claimRewards(address recipient) external returns (uint256 amount);
    /// @notice Pays the caller what verdicts owe it from slashed stake. With the treasury as `recipient` it pays the
    /// treasury's own; anyone may send that.
    function claimSlashReward(address recipient) external returns (uint256 amount);
    /// @notice Brings an operator's slashing into its weight; by anybody.
    function checkpoint(address operator, uint256 role) external;

    function position(address operator, uint256 role) external view returns (Position memory);
    /// @notice Own and delegated active stake less slashing: what a role's minimum is compared with.
    function stakeOf(address operator, uint256 role) external view returns (uint256);
    function delegation(address operator, uint256 role, address delegator)
        external
        view
        returns (DelegationPosition memory);
    /// @notice Parts per million now, the next ones, and from when; the last two are zero when none comes.
    function commission(address operator, uint256 role)
        external
        view
        returns (uint256 current, uint256 next, uint256 effectiveAt);
    function totalStake() external view returns (uint256);
    function pendingRewards(address account) external view returns (uint256);
    /// @notice The rewards epoch of this block, and how many seconds an epoch has.
    function epoch() external view returns (uint256 number, uint256 duration);
    /// @notice A validator's stake, own and delegated, at the end of a second that is over. What `delegator` had delegated to
    /// validator `operator` is kept under the low 20 bytes of `keccak256(abi.encode(operator, delegator))`, to all validators
    /// with operator 0; worth what it was when the delegator last changed it.
    function stakeAt(address account, uint256 timestamp) external view returns (uint256);
    /// @notice All validators' stake at the end of a second that is over.
    function totalStakeAt(uint256 timestamp) external view returns (uint256);
    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external view returns (uint256);
}
