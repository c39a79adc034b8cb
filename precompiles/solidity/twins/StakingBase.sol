// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ATTRIBUTION_ADDRESS, IAttribution} from "../interfaces/IAttribution.sol";
import {IInferenceMetering, INFERENCE_METERING_ADDRESS} from "../interfaces/IInferenceMetering.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Epochs} from "./Epochs.sol";
import {Twin} from "./Twin.sol";

/// @title Storage of the Staking twin, and how pools and rewards are brought up to date
abstract contract StakingBase is Twin {
    struct Pool {
        uint256 value;
        uint256 shares;
        uint256 unbondingShares;
        uint256 pendingShares;
        uint256 pendingEpoch;
        uint256 era;
        uint256 slashed;
        uint256 accumulator;
        uint256 index;
        uint256 commission;
        uint256 nextCommission;
        uint256 commissionAt;
    }

    struct Delegation {
        uint256 shares;
        uint256 pendingShares;
        uint256 pendingEpoch;
        uint256 unbondingShares;
        uint256 withdrawableAt;
        uint256 era;
        uint256 index;
    }

    struct Account {
        uint256 rewards;
        uint256 slashRewardPaid;
    }

    /// @dev Those of all validators together are address zero's.
    struct Checkpoint {
        uint256 time;
        uint256 amount;
    }

    /// @dev The accumulator brought up to this block.
    struct Fees {
        uint256 epoch;
        uint256 touchedEpoch;
        uint256 closing;
        uint256 accumulator;
        uint256 distributed;
        uint256 pending;
    }

    /// @dev A pool brought up to this block; `opening` is its index when what was pending began to earn, or was lost.
    struct Settled {
        Fees fees;
        Pool before;
        Pool pool;
        uint256 commission;
        uint256 returned;
        bool opened;
        uint256 opening;
    }

    /*//////////////////////////////////////////////////////////////
                                 STORAGE
    //////////////////////////////////////////////////////////////*/

    uint256 internal total;
    uint256 internal accumulator;
    uint256 internal distributed;
    mapping(address operator => mapping(uint256 role => Pool)) internal pools;
    mapping(address account => Account) internal accounts;
    mapping(address account => uint256) internal checkpointCounts;
    mapping(address account => mapping(uint256 position => Checkpoint)) internal checkpoints;
    uint256 internal totalPending;
    uint256 internal touchedEpoch;
    mapping(uint256 epoch => uint256) internal accumulatorAt;
    mapping(address operator => mapping(uint256 role => mapping(address delegator => Delegation))) internal
        delegations;
    mapping(address operator => mapping(uint256 role => mapping(uint256 epoch => uint256))) internal indexAt;
    mapping(address operator => mapping(uint256 role => mapping(uint256 era => uint256))) internal lastIndex;

    uint256 internal constant VALIDATOR = 1;
    uint256 internal constant PROVIDER = 2;
    uint256 internal constant SCALE = 2 ** 96;
    uint256 internal constant LEAST_SHARE_WORTH = 2 ** 32;

    /*//////////////////////////////////////////////////////////////
                                  POOLS
    //////////////////////////////////////////////////////////////*/

    function _requireRole(uint256 role) internal pure {
        if (role != VALIDATOR && role != PROVIDER) revert IStaking.InvalidRole(role);
    }

    function _slashedOf(address operator, uint256 role) internal view returns (uint256) {
        IAttribution attribution = IAttribution(ATTRIBUTION_ADDRESS);
        return role == PROVIDER ? attribution.slashedOf(operator) : attribution.validatorSlashedOf(operator);
    }

    /// @dev Wei that so many shares are worth.
    function _worth(Pool memory pool, uint256 shares) internal pure returns (uint256) {
        return shares == 0 ? 0 : pool.value * shares / pool.shares;
    }

    function _active(Pool memory pool) internal pure returns (uint256) {
        return _worth(pool, pool.shares - pool.unbondingShares);
    }

    function _earning(Pool memory pool) internal pure returns (uint256) {
        return _worth(pool, pool.shares - pool.unbondingShares - pool.pendingShares);
    }

    function _activeShares(Delegation memory held) internal pure returns (uint256) {
        return held.shares + held.pendingShares;
    }

    function _netPool(address operator, uint256 role) internal view returns (Pool memory pool) {
        pool = pools[operator][role];
        uint256 slashed = _slashedOf(operator, role);
        pool.value -= slashed - pool.slashed;
        pool.slashed = slashed;
        if (pool.value * LEAST_SHARE_WORTH >= pool.shares) return pool;
        pool.value = 0;
        pool.shares = 0;
        pool.unbondingShares = 0;
        pool.pendingShares = 0;
        pool.era += 1;
    }

    /*//////////////////////////////////////////////////////////////
                                 REWARDS
    //////////////////////////////////////////////////////////////*/

    function _fees() internal view returns (Fees memory fees) {
        IInferenceMetering metering = IInferenceMetering(INFERENCE_METERING_ADDRESS);
        fees = Fees(Epochs.current(), touchedEpoch, 0, accumulator, distributed, totalPending);
        if (fees.epoch != fees.touchedEpoch) {
            _share(fees, metering.stakersTotalIn(fees.touchedEpoch));
            fees.pending = 0;
        }
        fees.closing = fees.accumulator;
        _share(fees, metering.stakersTotal());
    }

    function _share(Fees memory fees, uint256 received) internal view {
        uint256 earning = total - fees.pending;
        if (earning == 0 || received <= fees.distributed) return;
        uint256 growth = (received - fees.distributed) * SCALE / earning;
        fees.accumulator += growth;
        fees.distributed += (growth * earning + SCALE - 1) / SCALE;
    }

    function _settled(address operator, uint256 role) internal view returns (Settled memory settled) {
        settled.fees = _fees();
        settled.before = pools[operator][role];
        settled.pool = _netPool(operator, role);
        _earn(settled);
        Pool memory pool = settled.pool;
        if (pool.commissionAt != 0 && block.timestamp >= pool.commissionAt) {
            pool.commission = pool.nextCommission;
            pool.nextCommission = 0;
            pool.commissionAt = 0;
        }
    }

    function _earn(Settled memory settled) private view {
        Fees memory fees = settled.fees;
        Pool memory before = settled.before;
        Pool memory pool = settled.pool;
        bool opens = before.pendingShares > 0 && before.pendingEpoch < fees.epoch;
        uint256 middle = fees.accumulator;
        if (opens) {
            middle = before.pendingEpoch == fees.touchedEpoch ? fees.closing : accumulatorAt[before.pendingEpoch];
        }
        uint256 early = middle - before.accumulator;
        uint256 late = fees.accumulator - middle;
        settled.returned = (_earning(before) - _earning(pool)) * early / SCALE
            + (_active(before) - _active(pool)) * late / SCALE;
        uint256 activeShares = pool.shares - pool.unbondingShares;
        pool.index += _perShare(settled, _earning(pool) * early / SCALE, activeShares - pool.pendingShares);
        settled.opened = before.pendingShares > 0 && (opens || pool.era != before.era);
        settled.opening = pool.index;
        pool.index += _perShare(settled, _active(pool) * late / SCALE, activeShares);
        pool.accumulator = fees.accumulator;
        if (opens) pool.pendingShares = 0;
    }

    function _perShare(Settled memory settled, uint256 earned, uint256 shares) private pure returns (uint256) {
        uint256 commission = earned * settled.before.commission / PPM;
        settled.commission += commission;
        return shares == 0 ? 0 : (earned - commission) * SCALE / shares;
    }

    function _held(address operator, uint256 role, address delegator, Settled memory settled)
        internal
        view
        returns (Delegation memory held, uint256 earned)
    {
        held = delegations[operator][role][delegator];
        Pool memory pool = settled.pool;
        bool isLost = held.era != pool.era;
        uint256 index = pool.index;
        if (isLost && held.era != settled.before.era) index = lastIndex[operator][role][held.era];
        bool opens = held.pendingShares > 0 && (isLost || held.pendingEpoch < settled.fees.epoch);
        earned = held.shares * (index - held.index);
        if (opens) {
            uint256 opening = settled.opened && held.pendingEpoch == settled.before.pendingEpoch
                ? settled.opening
                : indexAt[operator][role][held.pendingEpoch];
            if (index > opening) earned += held.pendingShares * (index - opening);
        }
        earned /= SCALE;
        if (isLost) {
            held = Delegation(0, 0, 0, 0, 0, pool.era, pool.index);
        } else {
            if (opens) {
                held.shares += held.pendingShares;
                held.pendingShares = 0;
            }
            held.index = pool.index;
        }
    }

    function _storePool(address operator, uint256 role, Settled memory settled) internal {
        Fees memory fees = settled.fees;
        Pool memory before = settled.before;
        Pool memory pool = settled.pool;
        if (fees.epoch != fees.touchedEpoch) {
            accumulatorAt[fees.touchedEpoch] = fees.closing;
            touchedEpoch = fees.epoch;
        }
        accumulator = fees.accumulator;
        distributed = fees.distributed - settled.returned;
        pools[operator][role] = pool;
        if (settled.opened) indexAt[operator][role][before.pendingEpoch] = settled.opening;
        if (pool.era != before.era) lastIndex[operator][role][before.era] = pool.index;
        total = total + _active(pool) - _active(before);
        uint256 wasPending = before.pendingEpoch == fees.epoch ? _active(before) - _earning(before) : 0;
        totalPending = fees.pending + _active(pool) - _earning(pool) - wasPending;
        if (role == VALIDATOR) _noteValidator(operator, _active(before), _active(pool));
        accounts[operator].rewards += settled.commission;
    }

    function _storeHeld(address operator, uint256 role, address delegator, Delegation memory held, uint256 earned)
        internal
    {
        delegations[operator][role][delegator] = held;
        accounts[delegator].rewards += earned;
    }

    /*//////////////////////////////////////////////////////////////
                               CHECKPOINTS
    //////////////////////////////////////////////////////////////*/

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

    /// @dev By what changed in the pool: checkpoints of address zero and of delegations' traces are nobody's pool.
    function _noteValidator(address account, uint256 before, uint256 active) private {
        if (active == before) return;
        _write(account, _newest(account) + active - before);
        _write(address(0), _newest(address(0)) + active - before);
    }

    /// @dev Notes what the caller has delegated to a validator now, and to all of them together.
    function _noteDelegation(address operator, uint256 active) internal {
        address trace = _delegationTrace(operator, msg.sender);
        uint256 before = _newest(trace);
        if (active == before) return;
        _write(trace, active);
        address all = _delegationTrace(address(0), msg.sender);
        _write(all, _newest(all) + active - before);
    }

    function _delegationTrace(address operator, address delegator) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(operator, delegator)))));
    }

    function _newest(address account) private view returns (uint256) {
        uint256 count = checkpointCounts[account];
        return count == 0 ? 0 : checkpoints[account][count - 1].amount;
    }

    function _write(address account, uint256 amount) private {
        uint256 count = checkpointCounts[account];
        bool isNew = count == 0 || checkpoints[account][count - 1].time != block.timestamp;
        if (isNew) checkpointCounts[account] = ++count;
        checkpoints[account][count - 1] = Checkpoint(block.timestamp, amount);
    }
}
