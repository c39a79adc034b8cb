"""What validators' stake was at a time past: the weights that juries are drawn by.

A checkpoint is written whenever a validator's stake changes, one a second at most, and one for all of them
together. A slash reaches the checkpoints when the stake gives it: at the account's next touch. What an
account delegates to a validator, and to all of them, is noted as well, so that a party's stake does not count
in its case; there a slash is seen when the account changes it.
Covered: history of validators' stake, in O(log n) reads. Not covered: providers' (nothing is drawn by it).
Source: protocol, section 3 "Challenges" (jury and draws: the stake checkpoint before the request).
"""

from genesis.addresses import STAKING
from genesis.types import Address
from precompiles import gas
from precompiles.checks import require
from precompiles.host import Host
from precompiles.slots import store_struct
from precompiles.views import staking as view
from precompiles.views.staking import Checkpoint


def note_validator(host: Host, account: Address, before_wei: int, after_wei: int) -> None:
    """Write down that a validator's stake changed, and with it all validators' together."""
    if before_wei != after_wei:
        _change(host, account, after_wei - before_wei)
        _change(host, view.TOTAL, after_wei - before_wei)


def note_delegation(host: Host, operator: Address, delegator: Address, after_wei: int) -> None:
    """Write down what an account has delegated to a validator now, and with it to all of them together."""
    trace = view.delegation_trace(operator, delegator)
    change_wei = after_wei - _newest(host, trace)[1].stake_wei
    if change_wei:
        _change(host, trace, change_wei)
        _change(host, view.delegation_trace(view.TOTAL, delegator), change_wei)


def _newest(host: Host, account: Address) -> tuple[int, Checkpoint]:
    """How many checkpoints there are, and the last."""
    count = host.load(STAKING, view.checkpoint_count_slot(account))
    return count, view.checkpoint(host, account, count - 1) if count else Checkpoint(0, 0)


def _change(host: Host, account: Address, change_wei: int) -> None:
    count, newest = _newest(host, account)
    position = count - 1 if count and newest.time_s == host.timestamp_s else count
    after = Checkpoint(host.timestamp_s, newest.stake_wei + change_wei)
    store_struct(host, view.checkpoint_slot(account, position), view.CHECKPOINT, after)
    host.store(view.checkpoint_count_slot(account), position + 1)


def stake_at(host: Host, account: Address, time_s: int) -> int:
    """A validator's stake, own and delegated, at the end of a second that is over."""
    gas.charge(host, gas.STAKING["stakeAt"])
    require(time_s < host.timestamp_s, "timestamp")
    return view.validator_weight_at(host, account, time_s)


def total_stake_at(host: Host, time_s: int) -> int:
    """All validators' stake at the end of a second that is over."""
    gas.charge(host, gas.STAKING["totalStakeAt"])
    require(time_s < host.timestamp_s, "timestamp")
    return view.validator_total_at(host, time_s)
