"""Stake that comes and goes: an operator's own and what others delegate to it, in the same way.

Who adds stake gets shares of the operator's pool; who takes it out asks for wei, waits out the policy's
unbonding time, slashable all the while, and gets what its shares are worth then. A later request delays the
earlier ones too. While an unfinalized post needs a provider's stake its own stays, however long that is; its
delegators' stays for two more unbonding times at most: by then every dispute of a post that was made before
they asked is over, and an operator that keeps posting could hold them for ever. A provider's own stays too
until the unbonding time after its last feature index was retired; delegators' stake answers for no index.
Every call's work is bounded: nothing depends on how many delegators there are.
Source: protocol, section 3 "Staking".
"""

from dataclasses import replace

from genesis.shares import PPM
from genesis.types import Address
from precompiles import gas
from precompiles.checks import require
from precompiles.host import Host
from precompiles.staking_checkpoints import note_delegation
from precompiles.staking_interface import (
    COMMISSION_SET,
    DELEGATED,
    DELEGATION_WITHDRAWN,
    INSUFFICIENT_STAKE,
    NOTHING_TO_CLAIM,
    OPERATOR_NOT_STAKED,
    STAKE_HELD_BY_INDEXES,
    STAKE_LOCKED,
    STAKED,
    TOO_EARLY,
    UNDELEGATION_REQUESTED,
    UNSTAKE_REQUESTED,
    WITHDRAWN,
    check_role,
)
from precompiles.staking_rewards import settled_holding, settled_pool, store_holding, store_pool
from precompiles.views import attribution, models, policy
from precompiles.views import staking as view
from precompiles.views.staking import Delegation

LONGER_UNBONDINGS = 2
"""So many unbonding times longer than usual may open posts hold what delegators took out."""


def stake(host: Host, role: int) -> None:
    """Add the value sent to the caller's own stake."""
    gas.charge(host, gas.STAKING["stake"])
    check_role(role)
    total_wei = _deposit(host, host.caller, role)
    STAKED.emit(host, host.caller, role, host.value_wei, total_wei)


def delegate(host: Host, operator: Address, role: int) -> None:
    """Add the value sent to an operator's pool, as the caller's; the operator has stake of its own there."""
    gas.charge(host, gas.STAKING["delegate"])
    check_role(role)
    own = view.stored_delegation(host, operator, role, operator)
    is_staked = own.era == view.net_pool(host, operator, role).era and own.active_shares > 0
    if not is_staked:
        raise OPERATOR_NOT_STAKED(operator)
    total_wei = _deposit(host, operator, role)
    DELEGATED.emit(host, host.caller, operator, role, host.value_wei, total_wei)


def request_unstake(host: Host, role: int, amount_wei: int) -> None:
    """Move the caller's own active stake into unbonding."""
    gas.charge(host, gas.STAKING["requestUnstake"])
    check_role(role)
    withdrawable_at_s = _unbond(host, host.caller, role, amount_wei)
    UNSTAKE_REQUESTED.emit(host, host.caller, role, amount_wei, withdrawable_at_s)


def undelegate(host: Host, operator: Address, role: int, amount_wei: int) -> None:
    """Move what the caller delegated to an operator into unbonding."""
    gas.charge(host, gas.STAKING["undelegate"])
    check_role(role)
    withdrawable_at_s = _unbond(host, operator, role, amount_wei)
    UNDELEGATION_REQUESTED.emit(host, host.caller, operator, role, amount_wei, withdrawable_at_s)


def withdraw(host: Host, role: int) -> int:
    """Pay out the caller's own unbonded stake, unless it still answers for a post."""
    gas.charge(host, gas.STAKING["withdraw"])
    check_role(role)
    amount_wei = _withdraw(host, host.caller, role)
    WITHDRAWN.emit(host, host.caller, role, amount_wei)
    return amount_wei


def withdraw_delegation(host: Host, operator: Address, role: int) -> int:
    """Pay out what the caller took from an operator's pool and is unbonded."""
    gas.charge(host, gas.STAKING["withdrawDelegation"])
    check_role(role)
    amount_wei = _withdraw(host, operator, role)
    DELEGATION_WITHDRAWN.emit(host, host.caller, operator, role, amount_wei)
    return amount_wei


def set_commission(host: Host, role: int, commission_ppm: int) -> None:
    """Set the caller's share of what its delegators earn. Raising it takes the policy's unbonding time while
    anybody else has a part of the pool, so that they can leave before."""
    gas.charge(host, gas.STAKING["setCommission"])
    check_role(role)
    require(commission_ppm <= PPM, "commission")
    pool = settled_pool(host, host.caller, role)
    own = view.stored_delegation(host, host.caller, role, host.caller)
    own_shares = own.active_shares + own.unbonding_shares if own.era == pool.after.era else 0
    if commission_ppm <= pool.after.commission_ppm or own_shares == pool.after.shares:
        effective_at_s = host.timestamp_s
        changed = (commission_ppm, 0, 0)
    else:
        effective_at_s = host.timestamp_s + policy.current(host, "unbonding_s")
        changed = (pool.after.commission_ppm, commission_ppm, effective_at_s)
    now, later, at_s = changed
    after = replace(pool.after, commission_ppm=now, next_commission_ppm=later, commission_at_s=at_s)
    store_pool(host, host.caller, role, pool, after)
    COMMISSION_SET.emit(host, host.caller, role, commission_ppm, effective_at_s)


def _deposit(host: Host, operator: Address, role: int) -> int:
    """Give the caller shares for the value sent; returns its active stake in the pool."""
    require(host.value_wei > 0, "value")
    pool = settled_pool(host, operator, role)
    holding = settled_holding(host, operator, role, host.caller, pool)
    held = holding.after
    shares = pool.after.shares_for(host.value_wei)
    after = replace(
        pool.after,
        value_wei=pool.after.value_wei + host.value_wei,
        shares=pool.after.shares + shares,
        pending_shares=pool.after.pending_shares + shares,
        pending_epoch=pool.fees.epoch,
    )
    holds = replace(held, pending_shares=held.pending_shares + shares, pending_epoch=pool.fees.epoch)
    store_pool(host, operator, role, pool, after)
    store_holding(host, holding, holds)
    _note(host, operator, role, after.worth(holds.active_shares))
    return after.worth(holds.active_shares)


def _unbond(host: Host, operator: Address, role: int, amount_wei: int) -> int:
    """Move the caller's stake in a pool into unbonding, what does not earn yet first; returns until when."""
    require(amount_wei > 0, "amount")
    pool = settled_pool(host, operator, role)
    holding = settled_holding(host, operator, role, host.caller, pool)
    held = holding.after
    available_wei = pool.after.worth(held.active_shares)
    if amount_wei > available_wei:
        raise INSUFFICIENT_STAKE(amount_wei, available_wei)
    shares = pool.after.shares_of(amount_wei)
    pending_shares = min(shares, held.pending_shares)
    withdrawable_at_s = host.timestamp_s + policy.current(host, "unbonding_s")
    after = replace(
        pool.after,
        unbonding_shares=pool.after.unbonding_shares + shares,
        pending_shares=pool.after.pending_shares - pending_shares,
    )
    holds = replace(
        held,
        shares=held.shares - (shares - pending_shares),
        pending_shares=held.pending_shares - pending_shares,
        unbonding_shares=held.unbonding_shares + shares,
        withdrawable_at_s=withdrawable_at_s,
    )
    store_pool(host, operator, role, pool, after)
    store_holding(host, holding, holds)
    _note(host, operator, role, after.worth(holds.active_shares))
    return withdrawable_at_s


def _note(host: Host, operator: Address, role: int, active_wei: int) -> None:
    """What the caller has delegated to a validator is history too."""
    if role == view.VALIDATOR and operator != host.caller:
        note_delegation(host, operator, host.caller, active_wei)


def _withdraw(host: Host, operator: Address, role: int) -> int:
    """Pay the caller what its unbonded shares are worth."""
    pool = settled_pool(host, operator, role)
    holding = settled_holding(host, operator, role, host.caller, pool)
    held = holding.after
    _check_withdrawable(host, operator, role, held)
    amount_wei = pool.after.worth(held.unbonding_shares)
    after = replace(
        pool.after,
        value_wei=pool.after.value_wei - amount_wei,
        shares=pool.after.shares - held.unbonding_shares,
        unbonding_shares=pool.after.unbonding_shares - held.unbonding_shares,
    )
    holds = replace(held, unbonding_shares=0, withdrawable_at_s=0)
    store_pool(host, operator, role, pool, after)
    store_holding(host, holding, holds)
    if amount_wei > 0:
        host.transfer(host.caller, amount_wei)
    return amount_wei


def _check_withdrawable(host: Host, operator: Address, role: int, held: Delegation) -> None:
    if held.unbonding_shares == 0:
        raise NOTHING_TO_CLAIM()
    if host.timestamp_s < held.withdrawable_at_s:
        raise TOO_EARLY(held.withdrawable_at_s)
    if role != view.PROVIDER:
        return
    if operator == host.caller:
        _check_indexes(host)
    liability_wei = attribution.open_liability_of(host, operator)
    if liability_wei == 0:
        return
    longest_s = held.withdrawable_at_s + LONGER_UNBONDINGS * policy.current(host, "unbonding_s")
    if operator == host.caller or host.timestamp_s < longest_s:
        raise STAKE_LOCKED(liability_wei)


def _check_indexes(host: Host) -> None:
    """The caller's feature indexes are retired, the last of them an unbonding time ago."""
    live, held_until_s = models.indexes_of(host, host.caller)
    if live > 0 or host.timestamp_s < held_until_s:
        raise STAKE_HELD_BY_INDEXES(live, held_until_s)
