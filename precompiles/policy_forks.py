"""Scheduled forks: which protocol upgrades governance has announced, by name and time.

A node that does not know a fork stops before its first block (`openledger_node.chain.fork_watch`), so
its operator has a week at least to install one that does.
Source: protocol, section 3 "Policy" (06).
"""

from dataclasses import replace

from genesis.addresses import POLICY
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles import gas
from precompiles.contract import Error, Event
from precompiles.host import Host
from precompiles.slots import load_address, store_struct, update_struct
from precompiles.views import policy as view
from precompiles.views.policy import ScheduledFork

FORK_SCHEDULED = Event("event ForkScheduled(uint256 indexed number, bytes32 indexed name, uint256 time)")
FORK_CANCELLED = Event("event ForkCancelled(uint256 indexed number, bytes32 indexed name)")

NOT_TIMELOCK = Error("error NotTimelock(address caller)")
FORK_NOT_FOUND = Error("error ForkNotFound(uint256 number)")
INVALID_FORK = Error("error InvalidFork(uint256 earliest)")

NOTICE_S = 7 * 86_400
"""How long before its time a fork must be announced."""
LATEST_TIME_S = 2**64 - 1


def schedule_fork(host: Host, name: Hash32, time_s: int) -> int:
    """Announce a fork, a week ahead at least and after every other; returns its number, from 1."""
    gas.charge(host, gas.POLICY["scheduleFork"])
    check_timelock(host)
    count = view.fork_count(host)
    previous_s = view.fork(host, count).time_s if count else 0
    earliest_s = max(host.timestamp_s + NOTICE_S, previous_s + 1)
    if name == ZERO_HASH or not earliest_s <= time_s <= LATEST_TIME_S:
        raise INVALID_FORK(earliest_s)
    number = count + 1
    host.store(view.FORK_COUNT_SLOT, number)
    store_struct(host, view.fork_slot(number), view.FORK, ScheduledFork(name, time_s))
    FORK_SCHEDULED.emit(host, number, name, time_s)
    return number


def cancel_fork(host: Host, number: int) -> None:
    """Take back a fork before its time: its name becomes zero, which every node knows."""
    gas.charge(host, gas.POLICY["cancelFork"])
    check_timelock(host)
    found = _existing(host, number)
    if found.name == ZERO_HASH or host.timestamp_s >= found.time_s:
        raise FORK_NOT_FOUND(number)
    update_struct(host, view.fork_slot(number), view.FORK, found, replace(found, name=ZERO_HASH))
    FORK_CANCELLED.emit(host, number, found.name)


def fork_count(host: Host) -> int:
    """How many forks were ever scheduled."""
    gas.charge(host, gas.POLICY["forkCount"])
    return view.fork_count(host)


def get_fork(host: Host, number: int) -> ScheduledFork:
    """One fork; a cancelled one has no name."""
    gas.charge(host, gas.POLICY["getFork"])
    return _existing(host, number)


def check_timelock(host: Host) -> Address:
    """The caller is governance's timelock, or a revert."""
    timelock = load_address(host, POLICY, view.TIMELOCK_SLOT)
    if host.caller != timelock:
        raise NOT_TIMELOCK(host.caller)
    return timelock


def _existing(host: Host, number: int) -> ScheduledFork:
    if not 0 < number <= view.fork_count(host):
        raise FORK_NOT_FOUND(number)
    return view.fork(host, number)
