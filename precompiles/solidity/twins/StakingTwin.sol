// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ATTRIBUTION_ADDRESS, IAttribution} from "../interfaces/IAttribution.sol";
import {IInferenceMetering, INFERENCE_METERING_ADDRESS} from "../interfaces/IInferenceMetering.sol";
import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {GasTables} from "./GasTables.sol";
import {Twin} from "./Twin.sol";

/// @title Twin of the Staking precompile
contract StakingTwin is Twin {
    struct Stake {
        uint256 active;
        uint256 unbonding;
        uint256 withdrawableAt;
    }

    struct Account {
        uint256 accumulator;
        uint256 rewards;
        uint256 slashed;
        uint256 slashRewardPaid;
    }

    /// @dev Those of all validators together are address zero's.
    struct Checkpoint {
        uint256 time;
        uint256 amount;
    }

    /*//////////////////////////////////////////////////////////////
                                 STORAGE
    //////////////////////////////////////////////////////////////*/

    uint256 internal total;
    uint256 internal accumulator;
    uint256 internal distributed;
    mapping(address account => mapping(uint256 role => Stake)) internal stakes;
    mapping(address account => Account) internal accounts;
    mapping(address account => uint256) internal checkpointCounts;
    mapping(address account => mapping(uint256 position => Checkpoint)) internal checkpoints;

    /*//////////////////////////////////////////////////////////////
                                  LOGIC
    //////////////////////////////////////////////////////////////*/

    uint256 internal constant VALIDATOR = 1;
    uint256 internal constant PROVIDER = 2;
    uint256 internal constant SCALE = 2 ** 64;

    function stake(uint256 role) external payable {
        _requireRole(role);
        _require(msg.value > 0, "value");
        _settleAccount(msg.sender);
        uint256 active = stakes[msg.sender][role].active += msg.value;
        total += msg.value;
        if (role == VALIDATOR) _noteValidator(msg.sender, active);
        emit IStaking.Staked(msg.sender, role, msg.value, active);
    }

    function requestUnstake(uint256 role, uint256 amount) external payable nonPayable {
        _requireRole(role);
        _require(amount > 0, "amount");
        _settleAccount(msg.sender);
        Stake storage position_ = stakes[msg.sender][role];
        if (amount > position_.active) revert IStaking.InsufficientStake(amount, position_.active);
        IPolicy policy = IPolicy(POLICY_ADDRESS);
        position_.active -= amount;
        position_.unbonding += amount;
        position_.withdrawableAt =
            block.timestamp + policy.getParameters(policy.currentVersion()).unbondingSeconds;
        total -= amount;
        if (role == VALIDATOR) _noteValidator(msg.sender, position_.active);
        emit IStaking.UnstakeRequested(msg.sender, role, amount, position_.withdrawableAt);
    }

    function withdraw(uint256 role) external payable nonPayable returns (uint256 amount) {
        _requireRole(role);
        _settleAccount(msg.sender);
        Stake storage position_ = stakes[msg.sender][role];
        amount = position_.unbonding;
        if (amount == 0) revert IStaking.NothingToClaim();
        if (block.timestamp < position_.withdrawableAt) revert IStaking.TooEarly(position_.withdrawableAt);
        uint256 liability =
            role == PROVIDER ? IAttribution(ATTRIBUTION_ADDRESS).openLiabilityOf(msg.sender) : 0;
        if (liability > 0) revert IStaking.StakeLocked(liability);
        position_.unbonding = 0;
        position_.withdrawableAt = 0;
        _pay(msg.sender, amount);
        emit IStaking.Withdrawn(msg.sender, role, amount);
    }

    function claimRewards(address recipient) external payable nonPayable returns (uint256 amount) {
        _require(recipient != address(0), "recipient");
        _settleAccount(msg.sender);
        amount = accounts[msg.sender].rewards;
        if (amount == 0) revert IStaking.NothingToClaim();
        accounts[msg.sender].rewards = 0;
        _pay(recipient, amount);
        emit IStaking.RewardsClaimed(msg.sender, recipient, amount);
    }

    function claimSlashReward(address recipient) external payable nonPayable returns (uint256 amount) {
        _require(recipient != address(0), "recipient");
        address beneficiary = recipient == TREASURY ? TREASURY : msg.sender;
        uint256 earned = IAttribution(ATTRIBUTION_ADDRESS).rewardOf(beneficiary);
        amount = earned - accounts[beneficiary].slashRewardPaid;
        if (amount == 0) revert IStaking.NothingToClaim();
        accounts[beneficiary].slashRewardPaid = earned;
        _pay(recipient, amount);
        emit IStaking.SlashRewardPaid(beneficiary, recipient, amount);
    }

    function position(address account, uint256 role)
        external
        payable
        nonPayable
        returns (IStaking.Position memory)
    {
        _requireRole(role);
        Stake memory net = _netStake(account, role);
        return IStaking.Position(
            net.active, net.unbonding, net.withdrawableAt, role == PROVIDER ? _slashedOf(account) : 0
        );
    }

    function stakeOf(address account, uint256 role) external payable nonPayable returns (uint256) {
        _requireRole(role);
        return _netStake(account, role).active;
    }

    function totalStake() external payable nonPayable returns (uint256) {
        return total;
    }

    function pendingRewards(address account) external payable nonPayable returns (uint256) {
        (uint256 newest,) = _accumulated();
        return accounts[account].rewards + _earned(_netWeight(account), newest - accounts[account].accumulator);
    }

    function stakeAt(address account, uint256 timestamp) external payable nonPayable returns (uint256) {
        _require(timestamp < block.timestamp, "timestamp");
        return _stakeAt(account, timestamp);
    }

    function totalStakeAt(uint256 timestamp) external payable nonPayable returns (uint256) {
        _require(timestamp < block.timestamp, "timestamp");
        return _stakeAt(address(0), timestamp);
    }

    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external payable nonPayable returns (uint256) {
        return GasTables.staking(selector, elementCounts);
    }

    /*//////////////////////////////////////////////////////////////
                                INTERNALS
    //////////////////////////////////////////////////////////////*/

    function _requireRole(uint256 role) internal pure {
        if (role != VALIDATOR && role != PROVIDER) revert IStaking.InvalidRole(role);
    }

    function _slashedOf(address account) internal view returns (uint256) {
        return IAttribution(ATTRIBUTION_ADDRESS).slashedOf(account);
    }

    function _netStake(address account, uint256 role) internal view returns (Stake memory net) {
        net = stakes[account][role];
        if (role != PROVIDER) return net;
        uint256 owed = _slashedOf(account) - accounts[account].slashed;
        uint256 fromActive = owed < net.active ? owed : net.active;
        net.active -= fromActive;
        net.unbonding -= owed - fromActive;
    }

    function _netWeight(address account) internal view returns (uint256) {
        return _netStake(account, VALIDATOR).active + _netStake(account, PROVIDER).active;
    }

    function _accumulated() internal view returns (uint256, uint256) {
        if (total == 0) return (accumulator, distributed);
        uint256 fresh = IInferenceMetering(INFERENCE_METERING_ADDRESS).stakersTotal() - distributed;
        uint256 growth = fresh * SCALE / total;
        return (accumulator + growth, distributed + (growth * total + SCALE - 1) / SCALE);
    }

    function _earned(uint256 weight, uint256 growth) internal pure returns (uint256) {
        return weight * growth / SCALE;
    }

    function _settleAccount(address account) internal {
        (uint256 newest, uint256 given) = _accumulated();
        Account storage book = accounts[account];
        uint256 growth = newest - book.accumulator;
        Stake memory net = _netStake(account, PROVIDER);
        uint256 lost = stakes[account][PROVIDER].active - net.active;
        book.rewards += _earned(_netWeight(account), growth);
        book.accumulator = newest;
        book.slashed = _slashedOf(account);
        accumulator = newest;
        distributed = given - _earned(lost, growth);
        total -= lost;
        stakes[account][PROVIDER] = net;
    }

    function _stakeAt(address account, uint256 timestamp) internal view returns (uint256) {
        uint256 low;
        uint256 high = checkpointCounts[account];
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (checkpoints[account][middle].time <= timestamp) low = middle + 1;
            else high = middle;
        }
        return low == 0 ? 0 : checkpoints[account][low - 1].amount;
    }

    function _noteValidator(address account, uint256 active) internal {
        uint256 before = _newest(account);
        if (active == before) return;
        _write(account, active);
        _write(address(0), _newest(address(0)) + active - before);
    }

    function _newest(address account) internal view returns (uint256) {
        uint256 count = checkpointCounts[account];
        return count == 0 ? 0 : checkpoints[account][count - 1].amount;
    }

    function _write(address account, uint256 amount) internal {
        uint256 count = checkpointCounts[account];
        bool isNew = count == 0 || checkpoints[account][count - 1].time != block.timestamp;
        if (isNew) checkpointCounts[account] = ++count;
        checkpoints[account][count - 1] = Checkpoint(block.timestamp, amount);
    }
}
