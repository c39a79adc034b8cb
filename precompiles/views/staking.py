"""Where Staking keeps stakes and rewards, and how others read them net of slashing.

Slashing is pulled: Attribution records what an account lost, and every reading here subtracts what the
stake has not given yet, from active stake first, then from unbonding stake.
"""

from dataclasses import dataclass

from genesis.addresses import STAKING
from genesis.types import ZERO_ADDRESS, Address
from precompiles.abi import Struct
from precompiles.host import Host
from precompiles.slots import load_struct, mapping_slot
from precompiles.views import attribution

TOTAL_STAKE_SLOT = 0
ACCUMULATOR_SLOT = 1
DISTRIBUTED_SLOT = 2
STAKES_SLOT = 3
ACCOUNTS_SLOT = 4
CHECKPOINT_COUNTS_SLOT = 5
CHECKPOINTS_SLOT = 6

TOTAL = ZERO_ADDRESS
"""Whose checkpoints are those of all validators' stake together."""
VALIDATOR = 1
PROVIDER = 2
ROLES = (VALIDATOR, PROVIDER)


@dataclass(frozen=True, slots=True)
class Position:
    """An account's stake in one role as the interface shows it, net of slashing."""

    active_wei: int
    unbonding_wei: int
    withdrawable_at_s: int
    slashed_wei: int


@dataclass(frozen=True, slots=True)
class Stake:
    """An account's stake in one role as stored: slashing not yet taken is still in it."""

    active_wei: int
    unbonding_wei: int
    withdrawable_at_s: int


@dataclass(frozen=True, slots=True)
class Account:
    """An account's reward book; `slashed_wei` is how much of its slashing the stake has already given."""

    accumulator: int
    rewards_wei: int
    slashed_wei: int
    slash_reward_paid_wei: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A validator's stake, or all validators', from `time_s` until the next checkpoint."""

    time_s: int
    stake_wei: int


POSITION = Struct(
    "Position", Position, "uint256 active, uint256 unbonding, uint256 withdrawableAt, uint256 slashed"
)
STAKE = Struct("Stake", Stake, "uint256 active, uint256 unbonding, uint256 withdrawableAt")
ACCOUNT = Struct(
    "Account", Account, "uint256 accumulator, uint256 rewards, uint256 slashed, uint256 slashRewardPaid"
)

CHECKPOINT = Struct("Checkpoint", Checkpoint, "uint256 time, uint256 amount")


def stake_slot(account: Address, role: int) -> int:
    """Base slot of an account's stake in a role."""
    return mapping_slot(STAKES_SLOT, account, role)


def account_slot(account: Address) -> int:
    """Base slot of an account's reward book."""
    return mapping_slot(ACCOUNTS_SLOT, account)


def stored_stake(host: Host, account: Address, role: int) -> Stake:
    """The stake as stored."""
    return load_struct(host, STAKING, stake_slot(account, role), STAKE)


def stored_account(host: Host, account: Address) -> Account:
    """The reward book as stored."""
    return load_struct(host, STAKING, account_slot(account), ACCOUNT)


def net_stake(host: Host, account: Address, role: int) -> Stake:
    """The stake less the slashing it has not given yet. Validator stake is not slashed on this chain."""
    stake = stored_stake(host, account, role)
    if role != PROVIDER:
        return stake
    owed = attribution.slashed_of(host, account) - stored_account(host, account).slashed_wei
    from_active = min(owed, stake.active_wei)
    return Stake(
        stake.active_wei - from_active, stake.unbonding_wei - (owed - from_active), stake.withdrawable_at_s
    )


def slashable(host: Host, account: Address) -> int:
    """Provider stake a verdict can still take, unbonding stake included."""
    stake = net_stake(host, account, PROVIDER)
    return stake.active_wei + stake.unbonding_wei


def checkpoint_count_slot(account: Address) -> int:
    """Slot of how many checkpoints an account has."""
    return mapping_slot(CHECKPOINT_COUNTS_SLOT, account)


def checkpoint_slot(account: Address, position: int) -> int:
    """Base slot of an account's checkpoint, counted from 0."""
    return mapping_slot(CHECKPOINTS_SLOT, account, position)


def checkpoint(host: Host, account: Address, position: int) -> Checkpoint:
    """One of an account's checkpoints."""
    return load_struct(host, STAKING, checkpoint_slot(account, position), CHECKPOINT)


def validator_weight_at(host: Host, account: Address, time_s: int) -> int:
    """A validator's stake at the end of a second, as its last checkpoint until then has it.

    Own and delegated, net of the slashing it had given by then. Reads at most `gas.CHECKPOINT_READS` words.
    """
    low, high = 0, host.load(STAKING, checkpoint_count_slot(account))
    while low < high:
        middle = (low + high) // 2
        if host.load(STAKING, checkpoint_slot(account, middle)) <= time_s:
            low = middle + 1
        else:
            high = middle
    return checkpoint(host, account, low - 1).stake_wei if low else 0


def validator_total_at(host: Host, time_s: int) -> int:
    """All validators' stake at the end of a second; reads as `validator_weight_at`."""
    return validator_weight_at(host, TOTAL, time_s)
