"""Staking (05): stake that secures AI work, delegation, its rewards, and the payment of slashed stake.

Covered: stake in two roles, own and delegated, unbonding, commission, rewards by epochs, slashing pulled from
Attribution, checkpoints of validators' stake. Stake that answers for open posts cannot leave; unbonding and
delegated stake stays slashable. The methods are in the `staking_…` modules; here are claims, readings and the
table.
Source: protocol, section 3 "Staking".
"""

from dataclasses import replace

from genesis.addresses import STAKING, TREASURY
from genesis.types import Address
from precompiles import gas
from precompiles import staking_interface as interface
from precompiles.checks import INVALID_ARGUMENT, require_recipient
from precompiles.contract import Contract, Method
from precompiles.host import Host
from precompiles.slots import update_struct
from precompiles.staking_checkpoints import stake_at, total_stake_at
from precompiles.staking_interface import (
    NOTHING_TO_CLAIM,
    REWARDS_CLAIMED,
    REWARDS_COLLECTED,
    SLASH_REWARD_PAID,
    check_role,
)
from precompiles.staking_moves import (
    delegate,
    request_unstake,
    set_commission,
    stake,
    undelegate,
    withdraw,
    withdraw_delegation,
)
from precompiles.staking_rewards import settled_holding, settled_pool, store_holding, store_pool
from precompiles.views import attribution, metering
from precompiles.views import staking as view
from precompiles.views.staking import DelegationPosition, Position


def claim_rewards(host: Host, recipient: Address) -> int:
    """Pay what the caller's own stake earned, its commissions, and what it collected from other pools."""
    gas.charge(host, gas.STAKING["claimRewards"])
    require_recipient(recipient)
    for role in view.ROLES:
        _collect(host, host.caller, role, host.caller)
    account = view.stored_account(host, host.caller)
    if account.rewards_wei == 0:
        raise NOTHING_TO_CLAIM()
    host.store(view.account_slot(host.caller), 0)
    host.transfer(recipient, account.rewards_wei)
    REWARDS_CLAIMED.emit(host, host.caller, recipient, account.rewards_wei)
    return account.rewards_wei


def collect_rewards(host: Host, operator: Address, role: int) -> int:
    """Credit the caller with what its part of an operator's pool earned; `claimRewards` pays it."""
    gas.charge(host, gas.STAKING["collectRewards"])
    check_role(role)
    earned_wei = _collect(host, operator, role, host.caller)
    REWARDS_COLLECTED.emit(host, host.caller, operator, role, earned_wei)
    return earned_wei


def checkpoint(host: Host, operator: Address, role: int) -> None:
    """Bring an operator's slashing and rewards into its pool, and so into its weight; by anybody."""
    gas.charge(host, gas.STAKING["checkpoint"])
    check_role(role)
    pool = settled_pool(host, operator, role)
    store_pool(host, operator, role, pool, pool.after)


def claim_slash_reward(host: Host, recipient: Address) -> int:
    """Pay what verdicts owe the caller; with the treasury as recipient, the treasury's own, by anybody."""
    gas.charge(host, gas.STAKING["claimSlashReward"])
    require_recipient(recipient)
    beneficiary = TREASURY if recipient == TREASURY else host.caller
    account = view.stored_account(host, beneficiary)
    earned = attribution.reward_of(host, beneficiary)
    amount = earned - account.slash_reward_paid_wei
    if amount == 0:
        raise NOTHING_TO_CLAIM()
    after = replace(account, slash_reward_paid_wei=earned)
    update_struct(host, view.account_slot(beneficiary), view.ACCOUNT, account, after)
    host.transfer(recipient, amount)
    SLASH_REWARD_PAID.emit(host, beneficiary, recipient, amount)
    return amount


def position(host: Host, operator: Address, role: int) -> Position:
    """An operator's own and delegated stake in a role, net of slashing."""
    gas.charge(host, gas.STAKING["position"])
    check_role(role)
    pool = view.net_pool(host, operator, role)
    own = view.stored_delegation(host, operator, role, operator)
    withdrawable_at_s = own.withdrawable_at_s if own.era == pool.era else 0
    unbonding_wei = pool.value_wei - pool.active_wei
    return Position(pool.active_wei, unbonding_wei, withdrawable_at_s, pool.slashed_wei)


def stake_of(host: Host, operator: Address, role: int) -> int:
    """Own and delegated active stake less slashing."""
    gas.charge(host, gas.STAKING["stakeOf"])
    check_role(role)
    return view.active_stake(host, operator, role)


def delegation(host: Host, operator: Address, role: int, delegator: Address) -> DelegationPosition:
    """What an account has in an operator's pool, the operator's own stake included."""
    gas.charge(host, gas.STAKING["delegation"])
    check_role(role)
    pool = settled_pool(host, operator, role)
    holding = settled_holding(host, operator, role, delegator, pool)
    held = holding.after
    return DelegationPosition(
        pool.after.worth(held.active_shares),
        pool.after.worth(held.pending_shares),
        pool.after.worth(held.unbonding_shares),
        held.withdrawable_at_s,
        holding.earned_wei,
    )


def commission(host: Host, operator: Address, role: int) -> tuple[int, int, int]:
    """An operator's commission in parts per million, the next one, and from when; zeros when none comes."""
    gas.charge(host, gas.STAKING["commission"])
    check_role(role)
    pool = settled_pool(host, operator, role).after
    return pool.commission_ppm, pool.next_commission_ppm, pool.commission_at_s


def total_stake(host: Host) -> int:
    """All active stake in both roles, as far as slashing was taken."""
    gas.charge(host, gas.STAKING["totalStake"])
    return host.load(STAKING, view.TOTAL_STAKE_SLOT)


def pending_rewards(host: Host, account: Address) -> int:
    """What `claimRewards` would pay an account now."""
    gas.charge(host, gas.STAKING["pendingRewards"])
    rewards_wei = view.stored_account(host, account).rewards_wei
    for role in view.ROLES:
        pool = settled_pool(host, account, role)
        own = settled_holding(host, account, role, account, pool)
        rewards_wei += pool.commission_wei + own.earned_wei
    return rewards_wei


def epoch(host: Host) -> tuple[int, int]:
    """The rewards epoch of this block, and how many seconds an epoch has."""
    gas.charge(host, gas.STAKING["epoch"])
    return metering.epoch(host), metering.epoch_seconds(host)


def _collect(host: Host, operator: Address, role: int, delegator: Address) -> int:
    pool = settled_pool(host, operator, role)
    holding = settled_holding(host, operator, role, delegator, pool)
    store_pool(host, operator, role, pool, pool.after)
    store_holding(host, holding, holding.after)
    return holding.earned_wei


CONTRACT = Contract(
    name="Staking",
    address=STAKING,
    prices=gas.STAKING,
    methods=(
        Method("function stake(uint256 role) payable", stake),
        Method("function requestUnstake(uint256 role, uint256 amount)", request_unstake),
        Method("function withdraw(uint256 role) returns (uint256 amount)", withdraw),
        Method("function delegate(address operator, uint256 role) payable", delegate),
        Method("function undelegate(address operator, uint256 role, uint256 amount)", undelegate),
        Method(
            "function withdrawDelegation(address operator, uint256 role) returns (uint256 amount)",
            withdraw_delegation,
        ),
        Method("function setCommission(uint256 role, uint256 commission)", set_commission),
        Method(
            "function collectRewards(address operator, uint256 role) returns (uint256 amount)",
            collect_rewards,
        ),
        Method("function claimRewards(address recipient) returns (uint256 amount)", claim_rewards),
        Method("function claimSlashReward(address recipient) returns (uint256 amount)", claim_slash_reward),
        Method("function checkpoint(address operator, uint256 role)", checkpoint),
        Method(
            "function position(address operator, uint256 role) view returns (Position)",
            position,
            {"Position": view.POSITION},
        ),
        Method("function stakeOf(address operator, uint256 role) view returns (uint256)", stake_of),
        Method(
            "function delegation(address operator, uint256 role, address delegator) view "
            "returns (DelegationPosition)",
            delegation,
            {"DelegationPosition": view.DELEGATION_POSITION},
        ),
        Method(
            "function commission(address operator, uint256 role) view "
            "returns (uint256 current, uint256 next, uint256 effectiveAt)",
            commission,
        ),
        Method("function totalStake() view returns (uint256)", total_stake),
        Method("function pendingRewards(address account) view returns (uint256)", pending_rewards),
        Method("function epoch() view returns (uint256 number, uint256 duration)", epoch),
        Method("function stakeAt(address account, uint256 timestamp) view returns (uint256)", stake_at),
        Method("function totalStakeAt(uint256 timestamp) view returns (uint256)", total_stake_at),
    ),
    events=(
        interface.STAKED,
        interface.UNSTAKE_REQUESTED,
        interface.WITHDRAWN,
        interface.DELEGATED,
        interface.UNDELEGATION_REQUESTED,
        interface.DELEGATION_WITHDRAWN,
        interface.COMMISSION_SET,
        interface.REWARDS_COLLECTED,
        REWARDS_CLAIMED,
        SLASH_REWARD_PAID,
    ),
    errors=(
        interface.INVALID_ROLE,
        INVALID_ARGUMENT,
        interface.INSUFFICIENT_STAKE,
        interface.TOO_EARLY,
        interface.STAKE_LOCKED,
        interface.STAKE_HELD_BY_INDEXES,
        NOTHING_TO_CLAIM,
        interface.OPERATOR_NOT_STAKED,
    ),
)
