"""Staking (05): stake that secures AI work, its rewards, and the payment of slashed stake.

Covered: stake in two roles, unbonding, rewards by an accumulator, slashing pulled from Attribution.
Stake that answers for open posts cannot leave; unbonding stake stays slashable. While nobody is staked the
stakers' part waits and goes to the next who stake. A slash reaches the reward weights when the account's
stake next moves; what the lost part earned until then goes back to the stakers.
Not covered: delegation, epochs (rewards run from the moment of staking), juries.
Source: protocol, section 3 "Staking".
"""

from dataclasses import replace

from genesis.addresses import STAKING, TREASURY
from genesis.types import Address
from precompiles import gas
from precompiles.checks import INVALID_ARGUMENT, require, require_recipient
from precompiles.contract import Contract, Error, Event, Method
from precompiles.host import Host
from precompiles.slots import update_struct
from precompiles.staking_checkpoints import note_validator, stake_at, total_stake_at
from precompiles.views import attribution, metering, policy
from precompiles.views import staking as view
from precompiles.views.staking import Account, Position, Stake

STAKED = Event("event Staked(address indexed account, uint256 indexed role, uint256 amount, uint256 total)")
UNSTAKE_REQUESTED = Event(
    "event UnstakeRequested(address indexed account, uint256 indexed role, uint256 amount, "
    "uint256 withdrawableAt)"
)
WITHDRAWN = Event("event Withdrawn(address indexed account, uint256 indexed role, uint256 amount)")
REWARDS_CLAIMED = Event(
    "event RewardsClaimed(address indexed account, address indexed recipient, uint256 amount)"
)
SLASH_REWARD_PAID = Event(
    "event SlashRewardPaid(address indexed account, address indexed recipient, uint256 amount)"
)

INVALID_ROLE = Error("error InvalidRole(uint256 role)")
INSUFFICIENT_STAKE = Error("error InsufficientStake(uint256 requested, uint256 available)")
TOO_EARLY = Error("error TooEarly(uint256 earliest)")
STAKE_LOCKED = Error("error StakeLocked(uint256 liability)")
NOTHING_TO_CLAIM = Error("error NothingToClaim()")

SCALE = 2**64
"""The accumulator counts wei per staked wei times this."""


def stake(host: Host, role: int) -> None:
    """Add the value sent to the caller's stake."""
    gas.charge(host, gas.STAKING["stake"])
    _check_role(role)
    require(host.value_wei > 0, "value")
    _settle_account(host, host.caller)
    before = view.stored_stake(host, host.caller, role)
    after = replace(before, active_wei=before.active_wei + host.value_wei)
    _store_stake(host, role, before, after)
    _add_to_total(host, host.value_wei)
    STAKED.emit(host, host.caller, role, host.value_wei, after.active_wei)


def request_unstake(host: Host, role: int, amount_wei: int) -> None:
    """Move active stake into unbonding; a later request delays the earlier ones too."""
    gas.charge(host, gas.STAKING["requestUnstake"])
    _check_role(role)
    require(amount_wei > 0, "amount")
    _settle_account(host, host.caller)
    before = view.stored_stake(host, host.caller, role)
    if amount_wei > before.active_wei:
        raise INSUFFICIENT_STAKE(amount_wei, before.active_wei)
    withdrawable_at_s = host.timestamp_s + policy.current(host, "unbonding_s")
    after = Stake(before.active_wei - amount_wei, before.unbonding_wei + amount_wei, withdrawable_at_s)
    _store_stake(host, role, before, after)
    _add_to_total(host, -amount_wei)
    UNSTAKE_REQUESTED.emit(host, host.caller, role, amount_wei, withdrawable_at_s)


def withdraw(host: Host, role: int) -> int:
    """Pay out unbonded stake, unless it still answers for a post."""
    gas.charge(host, gas.STAKING["withdraw"])
    _check_role(role)
    _settle_account(host, host.caller)
    before = view.stored_stake(host, host.caller, role)
    if before.unbonding_wei == 0:
        raise NOTHING_TO_CLAIM()
    if host.timestamp_s < before.withdrawable_at_s:
        raise TOO_EARLY(before.withdrawable_at_s)
    liability = attribution.open_liability_of(host, host.caller) if role == view.PROVIDER else 0
    if liability > 0:
        raise STAKE_LOCKED(liability)
    _store_stake(host, role, before, Stake(before.active_wei, 0, 0))
    host.transfer(host.caller, before.unbonding_wei)
    WITHDRAWN.emit(host, host.caller, role, before.unbonding_wei)
    return before.unbonding_wei


def claim_rewards(host: Host, recipient: Address) -> int:
    """Pay the caller's part of the stakers' fees."""
    gas.charge(host, gas.STAKING["claimRewards"])
    require_recipient(recipient)
    account = _settle_account(host, host.caller)
    if account.rewards_wei == 0:
        raise NOTHING_TO_CLAIM()
    _store_account(host, host.caller, account, replace(account, rewards_wei=0))
    host.transfer(recipient, account.rewards_wei)
    REWARDS_CLAIMED.emit(host, host.caller, recipient, account.rewards_wei)
    return account.rewards_wei


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
    _store_account(host, beneficiary, account, replace(account, slash_reward_paid_wei=earned))
    host.transfer(recipient, amount)
    SLASH_REWARD_PAID.emit(host, beneficiary, recipient, amount)
    return amount


def position(host: Host, account: Address, role: int) -> Position:
    """An account's stake in a role, net of slashing."""
    gas.charge(host, gas.STAKING["position"])
    _check_role(role)
    stake = view.net_stake(host, account, role)
    slashed = attribution.slashed_of(host, account) if role == view.PROVIDER else 0
    return Position(stake.active_wei, stake.unbonding_wei, stake.withdrawable_at_s, slashed)


def stake_of(host: Host, account: Address, role: int) -> int:
    """Active stake less slashing."""
    gas.charge(host, gas.STAKING["stakeOf"])
    _check_role(role)
    return view.net_stake(host, account, role).active_wei


def total_stake(host: Host) -> int:
    """All active stake that earns rewards."""
    gas.charge(host, gas.STAKING["totalStake"])
    return host.load(STAKING, view.TOTAL_STAKE_SLOT)


def pending_rewards(host: Host, account: Address) -> int:
    """What `claimRewards` would pay an account now."""
    gas.charge(host, gas.STAKING["pendingRewards"])
    accumulator, _ = _accumulated(host)
    book = view.stored_account(host, account)
    return book.rewards_wei + _earned(_net_weight(host, account), accumulator - book.accumulator)


def _check_role(role: int) -> None:
    if role not in view.ROLES:
        raise INVALID_ROLE(role)


def _accumulated(host: Host) -> tuple[int, int]:
    """The accumulator brought up to date, and the stakers' fees it has distributed.

    What does not divide evenly stays undistributed for the next time; so does everything while no stake is
    there to receive it.
    """
    accumulator = host.load(STAKING, view.ACCUMULATOR_SLOT)
    distributed = host.load(STAKING, view.DISTRIBUTED_SLOT)
    total = host.load(STAKING, view.TOTAL_STAKE_SLOT)
    if total == 0:
        return accumulator, distributed
    growth = (metering.stakers_total(host) - distributed) * SCALE // total
    used = (growth * total + SCALE - 1) // SCALE
    return accumulator + growth, distributed + used


def _earned(weight_wei: int, growth: int) -> int:
    return weight_wei * growth // SCALE


def _net_weight(host: Host, account: Address) -> int:
    """Active stake in both roles, net of slashing: what rewards are shared by."""
    return sum(view.net_stake(host, account, role).active_wei for role in view.ROLES)


def _settle_account(host: Host, address: Address) -> Account:
    """Credit an account's rewards so far and take the slashing its stake still owes."""
    accumulator, distributed = _accumulated(host)
    before = view.stored_account(host, address)
    growth = accumulator - before.accumulator
    stored = view.stored_stake(host, address, view.PROVIDER)
    net = view.net_stake(host, address, view.PROVIDER)
    lost_wei = stored.active_wei - net.active_wei
    after = Account(
        accumulator,
        before.rewards_wei + _earned(_net_weight(host, address), growth),
        attribution.slashed_of(host, address),
        before.slash_reward_paid_wei,
    )
    host.store(view.ACCUMULATOR_SLOT, accumulator)
    host.store(view.DISTRIBUTED_SLOT, distributed - _earned(lost_wei, growth))
    _add_to_total(host, -lost_wei)
    update_struct(host, view.stake_slot(address, view.PROVIDER), view.STAKE, stored, net)
    _store_account(host, address, before, after)
    return after


def _add_to_total(host: Host, change_wei: int) -> None:
    host.store(view.TOTAL_STAKE_SLOT, host.load(STAKING, view.TOTAL_STAKE_SLOT) + change_wei)


def _store_stake(host: Host, role: int, before: Stake, after: Stake) -> None:
    if role == view.VALIDATOR:
        note_validator(host, host.caller, before.active_wei, after.active_wei)
    update_struct(host, view.stake_slot(host.caller, role), view.STAKE, before, after)


def _store_account(host: Host, address: Address, before: Account, after: Account) -> None:
    update_struct(host, view.account_slot(address), view.ACCOUNT, before, after)


CONTRACT = Contract(
    name="Staking",
    address=STAKING,
    prices=gas.STAKING,
    methods=(
        Method("function stake(uint256 role) payable", stake),
        Method("function requestUnstake(uint256 role, uint256 amount)", request_unstake),
        Method("function withdraw(uint256 role) returns (uint256 amount)", withdraw),
        Method("function claimRewards(address recipient) returns (uint256 amount)", claim_rewards),
        Method("function claimSlashReward(address recipient) returns (uint256 amount)", claim_slash_reward),
        Method(
            "function position(address account, uint256 role) view returns (Position)",
            position,
            {"Position": view.POSITION},
        ),
        Method("function stakeOf(address account, uint256 role) view returns (uint256)", stake_of),
        Method("function totalStake() view returns (uint256)", total_stake),
        Method("function pendingRewards(address account) view returns (uint256)", pending_rewards),
        Method("function stakeAt(address account, uint256 timestamp) view returns (uint256)", stake_at),
        Method("function totalStakeAt(uint256 timestamp) view returns (uint256)", total_stake_at),
    ),
    events=(STAKED, UNSTAKE_REQUESTED, WITHDRAWN, REWARDS_CLAIMED, SLASH_REWARD_PAID),
    errors=(
        INVALID_ROLE,
        INVALID_ARGUMENT,
        INSUFFICIENT_STAKE,
        TOO_EARLY,
        STAKE_LOCKED,
        NOTHING_TO_CLAIM,
    ),
)
