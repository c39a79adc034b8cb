"""What stake earns: the stakers' fees, shared by epochs through operators' pools to whoever has a share.

Fees of an epoch are shared by the stake that was there when it began, so a deposit just before a payment
earns nothing of it. Two accumulators do it in bounded work: Staking's counts wei per staked wei, a pool's wei
per share, after its operator's commission. Stake that came in an epoch is pending in it; the value that each
accumulator had when an epoch ended is kept where somebody's stake began to earn then.

Covered: fees while nobody is staked (they wait for the next who stake), slashes (what lost stake earned until
its pool is settled goes back to the stakers), pools lost wholly (their shares earn up to that moment). All
divisions round down: what they leave stays in the precompile.
Not covered: stake of other times (weights of juries: `staking_checkpoints`).
Source: protocol, section 3 "Staking" (rewards by an accumulator from the next epoch on).
"""

from dataclasses import dataclass, replace

from genesis.addresses import STAKING
from genesis.shares import PPM
from genesis.types import Address
from precompiles.host import Host
from precompiles.slots import add_to_slot, mapping_slot, update_struct
from precompiles.staking_checkpoints import note_validator
from precompiles.views import metering
from precompiles.views import staking as view
from precompiles.views.staking import Delegation, Pool

SCALE = 2**96
"""Accumulators count wei times this."""


@dataclass(frozen=True, slots=True)
class Fees:
    """Staking's accumulator brought up to this block. `closing` is its value at the end of `touched_epoch`,
    the one in which it last was, when that is over; `pending_wei` does not earn in this epoch."""

    epoch: int
    touched_epoch: int
    closing: int
    accumulator: int
    distributed_wei: int
    pending_wei: int


@dataclass(frozen=True, slots=True)
class Settled:
    """A pool brought up to this block: `before` as stored, `after` with slashing taken and rewards counted.

    `opening` is the pool's index when what was pending began to earn, or was lost; None when nothing was.
    """

    fees: Fees
    before: Pool
    after: Pool
    commission_wei: int
    returned_wei: int
    opening: int | None


@dataclass(frozen=True, slots=True)
class Holding:
    """An account's part of a pool brought up to this block: `before` as stored, `after` as it is now."""

    operator: Address
    role: int
    delegator: Address
    before: Delegation
    after: Delegation
    earned_wei: int


def current_fees(host: Host) -> Fees:
    """The accumulator now: first what came in the epoch it was last touched in, then what came since."""
    epoch = metering.epoch(host)
    touched = host.load(STAKING, view.TOUCHED_EPOCH_SLOT)
    accumulator = host.load(STAKING, view.ACCUMULATOR_SLOT)
    distributed_wei = host.load(STAKING, view.DISTRIBUTED_SLOT)
    total_wei = host.load(STAKING, view.TOTAL_STAKE_SLOT)
    pending_wei = host.load(STAKING, view.TOTAL_PENDING_SLOT)
    if epoch != touched:
        received_wei = metering.stakers_total_in(host, touched)
        accumulator, distributed_wei = _share(
            accumulator, distributed_wei, received_wei, total_wei - pending_wei
        )
        pending_wei = 0
    closing = accumulator
    received_wei = metering.stakers_total(host)
    accumulator, distributed_wei = _share(accumulator, distributed_wei, received_wei, total_wei - pending_wei)
    return Fees(epoch, touched, closing, accumulator, distributed_wei, pending_wei)


def settled_pool(host: Host, operator: Address, role: int) -> Settled:
    """What a pool is now, without writing it."""
    fees = current_fees(host)
    before = view.stored_pool(host, operator, role)
    net = view.net_of(host, operator, role, before)
    opens = before.pending_shares > 0 and before.pending_epoch < fees.epoch
    middle = _accumulator_at(host, fees, before.pending_epoch) if opens else fees.accumulator
    early, late = middle - before.accumulator, fees.accumulator - middle
    early_wei, late_wei = net.earning_wei * early // SCALE, net.active_wei * late // SCALE
    early_fee_wei, late_fee_wei = (part * net.commission_ppm // PPM for part in (early_wei, late_wei))
    opening = before.index + _per_share(early_wei - early_fee_wei, net.earning_shares)
    index = opening + _per_share(late_wei - late_fee_wei, net.active_shares)
    is_lost = net.era != before.era
    after = replace(net, accumulator=fees.accumulator, index=index)
    if opens:
        after = replace(after, pending_shares=0)
    return Settled(
        fees,
        before,
        _with_commission(host, after),
        early_fee_wei + late_fee_wei,
        (before.earning_wei - net.earning_wei) * early // SCALE
        + (before.active_wei - net.active_wei) * late // SCALE,
        opening if before.pending_shares and (opens or is_lost) else None,
    )


def settled_holding(host: Host, operator: Address, role: int, delegator: Address, pool: Settled) -> Holding:
    """What an account has in a settled pool, and what it has earned since it was last settled."""
    held = view.stored_delegation(host, operator, role, delegator)
    now = pool.after
    is_lost = held.era != now.era
    index = _last_index(host, operator, role, held.era, pool) if is_lost else now.index
    opens = held.pending_shares > 0 and (is_lost or held.pending_epoch < pool.fees.epoch)
    earned = held.shares * (index - held.index)
    if opens:
        opening = _index_at(host, operator, role, held.pending_epoch, pool)
        earned += held.pending_shares * max(0, index - opening)
    if is_lost:
        after = Delegation(0, 0, 0, 0, 0, now.era, now.index)
    elif opens:
        shares = held.shares + held.pending_shares
        after = replace(held, shares=shares, pending_shares=0, index=now.index)
    else:
        after = replace(held, index=now.index)
    return Holding(operator, role, delegator, held, after, earned // SCALE)


def store_pool(host: Host, operator: Address, role: int, pool: Settled, after: Pool) -> None:
    """Write a settled pool, changed to `after`, and everything that follows from it."""
    _store_fees(host, pool)
    before = pool.before
    update_struct(host, view.pool_slot(operator, role), view.POOL, before, after)
    if pool.opening is not None:
        at = mapping_slot(view.INDEX_AT_SLOT, operator, role, before.pending_epoch)
        host.store(at, pool.opening)
    if after.era != before.era:
        host.store(mapping_slot(view.LAST_INDEX_SLOT, operator, role, before.era), pool.after.index)
    add_to_slot(host, STAKING, view.TOTAL_STAKE_SLOT, after.active_wei - before.active_wei)
    was_pending_wei = before.pending_wei if before.pending_epoch == pool.fees.epoch else 0
    host.store(view.TOTAL_PENDING_SLOT, pool.fees.pending_wei + after.pending_wei - was_pending_wei)
    if role == view.VALIDATOR:
        note_validator(host, operator, before.active_wei, after.active_wei)
    credit(host, operator, pool.commission_wei)


def store_holding(host: Host, holding: Holding, after: Delegation) -> None:
    """Write what an account has in a pool, and credit what it earned there."""
    slot = view.delegation_slot(holding.operator, holding.role, holding.delegator)
    update_struct(host, slot, view.DELEGATION, holding.before, after)
    credit(host, holding.delegator, holding.earned_wei)


def credit(host: Host, account: Address, amount_wei: int) -> None:
    """Add to what an account may claim: the first field of its record."""
    add_to_slot(host, STAKING, view.account_slot(account), amount_wei)


def _share(accumulator: int, distributed_wei: int, received_wei: int, stake_wei: int) -> tuple[int, int]:
    """Share what came and was not shared yet. What does not divide evenly stays for the next time; so does
    everything while no stake is there."""
    if stake_wei == 0 or received_wei <= distributed_wei:
        return accumulator, distributed_wei
    growth = (received_wei - distributed_wei) * SCALE // stake_wei
    return accumulator + growth, distributed_wei + (growth * stake_wei + SCALE - 1) // SCALE


def _per_share(amount_wei: int, shares: int) -> int:
    return amount_wei * SCALE // shares if shares else 0


def _with_commission(host: Host, pool: Pool) -> Pool:
    """A raised commission takes over when its time has come, for what is earned from then on."""
    if pool.commission_at_s == 0 or host.timestamp_s < pool.commission_at_s:
        return pool
    return replace(pool, commission_ppm=pool.next_commission_ppm, next_commission_ppm=0, commission_at_s=0)


def _accumulator_at(host: Host, fees: Fees, epoch: int) -> int:
    """Staking's accumulator at the end of an epoch in which it was touched."""
    if epoch == fees.touched_epoch:
        return fees.closing
    return host.load(STAKING, mapping_slot(view.ACCUMULATOR_AT_SLOT, epoch))


def _index_at(host: Host, operator: Address, role: int, epoch: int, pool: Settled) -> int:
    """A pool's index when stake that came in an epoch began to earn."""
    if pool.opening is not None and epoch == pool.before.pending_epoch:
        return pool.opening
    return host.load(STAKING, mapping_slot(view.INDEX_AT_SLOT, operator, role, epoch))


def _last_index(host: Host, operator: Address, role: int, era: int, pool: Settled) -> int:
    """A pool's index when an era of it ended."""
    if era == pool.before.era:
        return pool.after.index
    return host.load(STAKING, mapping_slot(view.LAST_INDEX_SLOT, operator, role, era))


def _store_fees(host: Host, pool: Settled) -> None:
    fees = pool.fees
    if fees.epoch != fees.touched_epoch:
        host.store(mapping_slot(view.ACCUMULATOR_AT_SLOT, fees.touched_epoch), fees.closing)
        host.store(view.TOUCHED_EPOCH_SLOT, fees.epoch)
    host.store(view.ACCUMULATOR_SLOT, fees.accumulator)
    host.store(view.DISTRIBUTED_SLOT, fees.distributed_wei - pool.returned_wei)
