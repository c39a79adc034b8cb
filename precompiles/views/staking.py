"""Where Staking keeps pools and delegations, and how others read them net of slashing.

A pool is an operator's stake in one role: its own, what others delegated to it, what of both is unbonding.
Whoever has part of it holds shares; slashing makes every share worth less, so it falls on all in proportion.
Slashing is pulled: Attribution records what an operator lost, and every reading here subtracts what the pool
has not given yet.
"""

from dataclasses import dataclass, replace

from genesis.addresses import STAKING
from genesis.commitments import address_word
from genesis.keccak import keccak256
from genesis.shares import PPM
from genesis.types import ZERO_ADDRESS, Address
from precompiles.abi import Struct
from precompiles.host import Host
from precompiles.slots import load_struct, mapping_slot
from precompiles.views import attribution, policy

TOTAL_STAKE_SLOT = 0
ACCUMULATOR_SLOT = 1
DISTRIBUTED_SLOT = 2
POOLS_SLOT = 3
ACCOUNTS_SLOT = 4
CHECKPOINT_COUNTS_SLOT = 5
CHECKPOINTS_SLOT = 6
TOTAL_PENDING_SLOT = 7
TOUCHED_EPOCH_SLOT = 8
ACCUMULATOR_AT_SLOT = 9
DELEGATIONS_SLOT = 10
INDEX_AT_SLOT = 11
LAST_INDEX_SLOT = 12

TOTAL = ZERO_ADDRESS
"""Whose checkpoints are those of all validators' stake together."""

VALIDATOR = 1
PROVIDER = 2
ROLES = (VALIDATOR, PROVIDER)

LEAST_SHARE_WORTH = 2**32
"""A pool whose shares are more than so many times its wei is over: its shares are void, and the next stake
starts it anew. This bounds shares, and with them every product of this precompile."""


@dataclass(frozen=True, slots=True)
class Position:
    """An operator's pool in one role as the interface shows it, net of slashing."""

    active_wei: int
    unbonding_wei: int
    withdrawable_at_s: int
    slashed_wei: int


@dataclass(frozen=True, slots=True)
class Pool:
    """An operator's stake in one role as stored: slashing not yet taken is still in it.

    `value_wei` is all of it and `shares` all shares; of these `unbonding_shares` are leaving, and
    `pending_shares` came in `pending_epoch` and earn from the next one on. `era` counts how often the pool
    was lost wholly, `slashed_wei` what it has given. `accumulator` is Staking's when the pool was last
    settled, `index` what one share has earned. `next_commission_ppm` takes over at `commission_at_s`.
    """

    value_wei: int
    shares: int
    unbonding_shares: int
    pending_shares: int
    pending_epoch: int
    era: int
    slashed_wei: int
    accumulator: int
    index: int
    commission_ppm: int
    next_commission_ppm: int
    commission_at_s: int

    @property
    def active_shares(self) -> int:
        """Shares that are not leaving."""
        return self.shares - self.unbonding_shares

    @property
    def earning_shares(self) -> int:
        """Shares that earn in the epoch in which others are pending."""
        return self.active_shares - self.pending_shares

    @property
    def active_wei(self) -> int:
        """What is not unbonding: what minimums are compared with and what weighs in a draw."""
        return self.worth(self.active_shares)

    @property
    def earning_wei(self) -> int:
        """What fees are shared by in the epoch in which other stake is pending."""
        return self.worth(self.earning_shares)

    @property
    def pending_wei(self) -> int:
        """Active stake that does not earn yet."""
        return self.active_wei - self.earning_wei

    def worth(self, shares: int) -> int:
        """Wei that so many shares are worth, rounded down."""
        return self.value_wei * shares // self.shares if shares else 0

    def shares_for(self, amount_wei: int) -> int:
        """Shares that so many new wei are given, rounded down; never fewer than wei."""
        return amount_wei * self.shares // self.value_wei if self.shares else amount_wei

    def shares_of(self, amount_wei: int) -> int:
        """Shares that so many wei in the pool are, rounded up."""
        return -(-amount_wei * self.shares // self.value_wei)


@dataclass(frozen=True, slots=True)
class Delegation:
    """What an account has in a pool, as stored; its operator's own stake is one too.

    `shares` earn, `pending_shares` do from the epoch after `pending_epoch` on, `unbonding_shares` leave. All
    of it is void when `era` is not the pool's; `index` is the pool's when it was last settled.
    """

    shares: int
    pending_shares: int
    pending_epoch: int
    unbonding_shares: int
    withdrawable_at_s: int
    era: int
    index: int

    @property
    def active_shares(self) -> int:
        """Shares that are not leaving."""
        return self.shares + self.pending_shares


@dataclass(frozen=True, slots=True)
class DelegationPosition:
    """What an account has in a pool as the interface shows it, net of slashing. `pending_wei`, part of
    `active_wei`, earns from the next epoch on; `rewards_wei` is what `collectRewards` would credit."""

    active_wei: int
    pending_wei: int
    unbonding_wei: int
    withdrawable_at_s: int
    rewards_wei: int


@dataclass(frozen=True, slots=True)
class Account:
    """What an account may claim here, and what of its part of slashed stake it was paid."""

    rewards_wei: int
    slash_reward_paid_wei: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A validator's stake, or all validators', from `time_s` until the next checkpoint."""

    time_s: int
    stake_wei: int


POSITION = Struct(
    "Position", Position, "uint256 active, uint256 unbonding, uint256 withdrawableAt, uint256 slashed"
)
POOL = Struct(
    "Pool",
    Pool,
    "uint256 value, uint256 shares, uint256 unbondingShares, uint256 pendingShares, uint256 pendingEpoch, "
    "uint256 era, uint256 slashed, uint256 accumulator, uint256 index, uint256 commission, "
    "uint256 nextCommission, uint256 commissionAt",
)
DELEGATION = Struct(
    "Delegation",
    Delegation,
    "uint256 shares, uint256 pendingShares, uint256 pendingEpoch, uint256 unbondingShares, "
    "uint256 withdrawableAt, uint256 era, uint256 index",
)
DELEGATION_POSITION = Struct(
    "DelegationPosition",
    DelegationPosition,
    "uint256 active, uint256 pending, uint256 unbonding, uint256 withdrawableAt, uint256 rewards",
)
ACCOUNT = Struct("Account", Account, "uint256 rewards, uint256 slashRewardPaid")
CHECKPOINT = Struct("Checkpoint", Checkpoint, "uint256 time, uint256 amount")


def pool_slot(operator: Address, role: int) -> int:
    """Base slot of an operator's pool."""
    return mapping_slot(POOLS_SLOT, operator, role)


def delegation_slot(operator: Address, role: int, delegator: Address) -> int:
    """Base slot of what an account has in a pool."""
    return mapping_slot(DELEGATIONS_SLOT, operator, role, delegator)


def account_slot(account: Address) -> int:
    """Base slot of what an account may claim."""
    return mapping_slot(ACCOUNTS_SLOT, account)


def stored_pool(host: Host, operator: Address, role: int) -> Pool:
    """The pool as stored."""
    return load_struct(host, STAKING, pool_slot(operator, role), POOL)


def stored_delegation(host: Host, operator: Address, role: int, delegator: Address) -> Delegation:
    """What an account has in a pool, as stored."""
    return load_struct(host, STAKING, delegation_slot(operator, role, delegator), DELEGATION)


def stored_account(host: Host, account: Address) -> Account:
    """What an account may claim, as stored."""
    return load_struct(host, STAKING, account_slot(account), ACCOUNT)


def slashed_of(host: Host, operator: Address, role: int) -> int:
    """Wei that verdicts, or missed jury duty, took from an operator's stake in a role, ever."""
    if role == PROVIDER:
        return attribution.slashed_of(host, operator)
    return attribution.validator_slashed_of(host, operator)


def net_of(host: Host, operator: Address, role: int, pool: Pool) -> Pool:
    """A stored pool less the slashing it has not given; void, in a new era, when next to nothing is left."""
    slashed_wei = slashed_of(host, operator, role)
    value_wei = pool.value_wei - (slashed_wei - pool.slashed_wei)
    net = replace(pool, value_wei=value_wei, slashed_wei=slashed_wei)
    if value_wei * LEAST_SHARE_WORTH >= pool.shares:
        return net
    return replace(net, value_wei=0, shares=0, unbonding_shares=0, pending_shares=0, era=pool.era + 1)


def net_pool(host: Host, operator: Address, role: int) -> Pool:
    """A pool less the slashing it has not given yet."""
    return net_of(host, operator, role, stored_pool(host, operator, role))


def active_stake(host: Host, operator: Address, role: int) -> int:
    """Own and delegated stake of an operator, net of slashing, without what is unbonding."""
    return net_pool(host, operator, role).active_wei


def own_and_active(host: Host, operator: Address, role: int) -> tuple[int, int]:
    """An operator's own active stake, and its pool's with what others delegated; net of slashing."""
    pool = net_pool(host, operator, role)
    own = stored_delegation(host, operator, role, operator)
    return pool.worth(own.active_shares) if own.era == pool.era else 0, pool.active_wei


def answering_stake(host: Host, operator: Address, version: int) -> int:
    """A provider's active stake as far as it counts for its posts: so much of it has to be its own."""
    own_wei, active_wei = own_and_active(host, operator, PROVIDER)
    return min(active_wei, own_wei * PPM // policy.parameter(host, version, "self_stake_ppm"))


def slashable(host: Host, operator: Address, role: int = PROVIDER) -> int:
    """Stake a verdict can still take: own, delegated and unbonding."""
    return net_pool(host, operator, role).value_wei


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


def delegation_trace(operator: Address, delegator: Address) -> Address:
    """Under whose name the checkpoints are kept of what an account delegated to a validator, or with `TOTAL`
    as operator to all validators: a hash, so it is nobody's address."""
    return Address(keccak256(address_word(operator) + address_word(delegator))[12:])


def delegated_at(host: Host, operator: Address, delegator: Address, time_s: int) -> int:
    """What an account had delegated to a validator, or with `TOTAL` to all, at the end of a second: worth
    what it was when the account last changed it. Reads as `validator_weight_at`."""
    return validator_weight_at(host, delegation_trace(operator, delegator), time_s)


def validator_total_at(host: Host, time_s: int) -> int:
    """All validators' stake at the end of a second; reads as `validator_weight_at`."""
    return validator_weight_at(host, TOTAL, time_s)
