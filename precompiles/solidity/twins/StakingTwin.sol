// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ATTRIBUTION_ADDRESS, IAttribution} from "../interfaces/IAttribution.sol";
import {IModelRegistry, MODEL_REGISTRY_ADDRESS} from "../interfaces/IModelRegistry.sol";
import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Epochs} from "./Epochs.sol";
import {GasTables} from "./GasTables.sol";
import {StakingBase} from "./StakingBase.sol";

/// @title Twin of the Staking precompile
contract StakingTwin is StakingBase {
    uint256 internal constant LONGER_UNBONDINGS = 2;

    /*//////////////////////////////////////////////////////////////
                                  STAKE
    //////////////////////////////////////////////////////////////*/

    function stake(uint256 role) external payable {
        _requireRole(role);
        uint256 active = _deposit(msg.sender, role);
        emit IStaking.Staked(msg.sender, role, msg.value, active);
    }

    function delegate(address operator, uint256 role) external payable {
        _requireRole(role);
        Delegation memory own = delegations[operator][role][operator];
        if (own.era != _netPool(operator, role).era || _activeShares(own) == 0) {
            revert IStaking.OperatorNotStaked(operator);
        }
        uint256 active = _deposit(operator, role);
        emit IStaking.Delegated(msg.sender, operator, role, msg.value, active);
    }

    function requestUnstake(uint256 role, uint256 amount) external payable nonPayable {
        _requireRole(role);
        emit IStaking.UnstakeRequested(msg.sender, role, amount, _unbond(msg.sender, role, amount));
    }

    function undelegate(address operator, uint256 role, uint256 amount) external payable nonPayable {
        _requireRole(role);
        uint256 withdrawableAt = _unbond(operator, role, amount);
        emit IStaking.UndelegationRequested(msg.sender, operator, role, amount, withdrawableAt);
    }

    function withdraw(uint256 role) external payable nonPayable returns (uint256 amount) {
        _requireRole(role);
        amount = _withdraw(msg.sender, role);
        emit IStaking.Withdrawn(msg.sender, role, amount);
    }

    function withdrawDelegation(address operator, uint256 role)
        external
        payable
        nonPayable
        returns (uint256 amount)
    {
        _requireRole(role);
        amount = _withdraw(operator, role);
        emit IStaking.DelegationWithdrawn(msg.sender, operator, role, amount);
    }

    function setCommission(uint256 role, uint256 commission_) external payable nonPayable {
        _requireRole(role);
        _require(commission_ <= PPM, "commission");
        Settled memory settled = _settled(msg.sender, role);
        Pool memory pool = settled.pool;
        Delegation memory own = delegations[msg.sender][role][msg.sender];
        uint256 ownShares = own.era == pool.era ? _activeShares(own) + own.unbondingShares : 0;
        uint256 effectiveAt = block.timestamp;
        if (commission_ <= pool.commission || ownShares == pool.shares) {
            (pool.commission, pool.nextCommission, pool.commissionAt) = (commission_, 0, 0);
        } else {
            effectiveAt += _unbondingSeconds();
            (pool.nextCommission, pool.commissionAt) = (commission_, effectiveAt);
        }
        _storePool(msg.sender, role, settled);
        emit IStaking.CommissionSet(msg.sender, role, commission_, effectiveAt);
    }

    function checkpoint(address operator, uint256 role) external payable nonPayable {
        _requireRole(role);
        _storePool(operator, role, _settled(operator, role));
    }

    /*//////////////////////////////////////////////////////////////
                                 CLAIMS
    //////////////////////////////////////////////////////////////*/

    function collectRewards(address operator, uint256 role) external payable nonPayable returns (uint256 amount) {
        _requireRole(role);
        amount = _collect(operator, role);
        emit IStaking.RewardsCollected(msg.sender, operator, role, amount);
    }

    function claimRewards(address recipient) external payable nonPayable returns (uint256 amount) {
        _require(recipient != address(0), "recipient");
        _collect(msg.sender, VALIDATOR);
        _collect(msg.sender, PROVIDER);
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

    /*//////////////////////////////////////////////////////////////
                                READINGS
    //////////////////////////////////////////////////////////////*/

    function position(address operator, uint256 role)
        external
        payable
        nonPayable
        returns (IStaking.Position memory)
    {
        _requireRole(role);
        Pool memory pool = _netPool(operator, role);
        Delegation storage own = delegations[operator][role][operator];
        uint256 active = _active(pool);
        return IStaking.Position(
            active, pool.value - active, own.era == pool.era ? own.withdrawableAt : 0, pool.slashed
        );
    }

    function stakeOf(address operator, uint256 role) external payable nonPayable returns (uint256) {
        _requireRole(role);
        return _active(_netPool(operator, role));
    }

    function delegation(address operator, uint256 role, address delegator)
        external
        payable
        nonPayable
        returns (IStaking.DelegationPosition memory)
    {
        _requireRole(role);
        Settled memory settled = _settled(operator, role);
        (Delegation memory held, uint256 earned) = _held(operator, role, delegator, settled);
        return IStaking.DelegationPosition(
            _worth(settled.pool, _activeShares(held)),
            _worth(settled.pool, held.pendingShares),
            _worth(settled.pool, held.unbondingShares),
            held.withdrawableAt,
            earned
        );
    }

    function commission(address operator, uint256 role)
        external
        payable
        nonPayable
        returns (uint256 current, uint256 next, uint256 effectiveAt)
    {
        _requireRole(role);
        Pool memory pool = _settled(operator, role).pool;
        return (pool.commission, pool.nextCommission, pool.commissionAt);
    }

    function totalStake() external payable nonPayable returns (uint256) {
        return total;
    }

    function pendingRewards(address account) external payable nonPayable returns (uint256) {
        return accounts[account].rewards + _pending(account, VALIDATOR) + _pending(account, PROVIDER);
    }

    function epoch() external payable nonPayable returns (uint256 number, uint256 duration) {
        return (Epochs.current(), Epochs.duration());
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

    function _deposit(address operator, uint256 role) internal returns (uint256) {
        _require(msg.value > 0, "value");
        Settled memory settled = _settled(operator, role);
        (Delegation memory held, uint256 earned) = _held(operator, role, msg.sender, settled);
        Pool memory pool = settled.pool;
        uint256 shares = pool.shares == 0 ? msg.value : msg.value * pool.shares / pool.value;
        pool.value += msg.value;
        pool.shares += shares;
        pool.pendingShares += shares;
        pool.pendingEpoch = settled.fees.epoch;
        held.pendingShares += shares;
        held.pendingEpoch = settled.fees.epoch;
        _storePool(operator, role, settled);
        _storeHeld(operator, role, msg.sender, held, earned);
        _note(operator, role, _worth(pool, _activeShares(held)));
        return _worth(pool, _activeShares(held));
    }

    function _unbond(address operator, uint256 role, uint256 amount) internal returns (uint256) {
        _require(amount > 0, "amount");
        Settled memory settled = _settled(operator, role);
        (Delegation memory held, uint256 earned) = _held(operator, role, msg.sender, settled);
        Pool memory pool = settled.pool;
        uint256 available = _worth(pool, _activeShares(held));
        if (amount > available) revert IStaking.InsufficientStake(amount, available);
        uint256 shares = (amount * pool.shares + pool.value - 1) / pool.value;
        uint256 pending = shares < held.pendingShares ? shares : held.pendingShares;
        pool.unbondingShares += shares;
        pool.pendingShares -= pending;
        held.shares -= shares - pending;
        held.pendingShares -= pending;
        held.unbondingShares += shares;
        held.withdrawableAt = block.timestamp + _unbondingSeconds();
        _storePool(operator, role, settled);
        _storeHeld(operator, role, msg.sender, held, earned);
        _note(operator, role, _worth(pool, _activeShares(held)));
        return held.withdrawableAt;
    }

    function _note(address operator, uint256 role, uint256 active) internal {
        if (role == VALIDATOR && operator != msg.sender) _noteDelegation(operator, active);
    }

    function _withdraw(address operator, uint256 role) internal returns (uint256 amount) {
        Settled memory settled = _settled(operator, role);
        (Delegation memory held, uint256 earned) = _held(operator, role, msg.sender, settled);
        if (held.unbondingShares == 0) revert IStaking.NothingToClaim();
        if (block.timestamp < held.withdrawableAt) revert IStaking.TooEarly(held.withdrawableAt);
        if (role == PROVIDER && operator == msg.sender) _requireRetired();
        uint256 liability = role == PROVIDER ? IAttribution(ATTRIBUTION_ADDRESS).openLiabilityOf(operator) : 0;
        if (liability > 0) {
            uint256 longest = held.withdrawableAt + LONGER_UNBONDINGS * _unbondingSeconds();
            if (operator == msg.sender || block.timestamp < longest) revert IStaking.StakeLocked(liability);
        }
        Pool memory pool = settled.pool;
        amount = _worth(pool, held.unbondingShares);
        pool.value -= amount;
        pool.shares -= held.unbondingShares;
        pool.unbondingShares -= held.unbondingShares;
        held.unbondingShares = 0;
        held.withdrawableAt = 0;
        _storePool(operator, role, settled);
        _storeHeld(operator, role, msg.sender, held, earned);
        _pay(msg.sender, amount);
    }

    function _requireRetired() internal view {
        (uint256 live, uint256 until) = IModelRegistry(MODEL_REGISTRY_ADDRESS).indexesOf(msg.sender);
        if (live > 0 || block.timestamp < until) revert IStaking.StakeHeldByIndexes(live, until);
    }

    function _collect(address operator, uint256 role) internal returns (uint256 earned) {
        Settled memory settled = _settled(operator, role);
        Delegation memory held;
        (held, earned) = _held(operator, role, msg.sender, settled);
        _storePool(operator, role, settled);
        _storeHeld(operator, role, msg.sender, held, earned);
    }

    function _pending(address account, uint256 role) internal view returns (uint256) {
        Settled memory settled = _settled(account, role);
        (, uint256 earned) = _held(account, role, account, settled);
        return settled.commission + earned;
    }

    function _unbondingSeconds() internal view returns (uint256) {
        IPolicy policy = IPolicy(POLICY_ADDRESS);
        return policy.getParameters(policy.currentVersion()).unbondingSeconds;
    }
}
