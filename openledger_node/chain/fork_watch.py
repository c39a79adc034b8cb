"""Does this build know the rules of the next block: forks that governance scheduled, read before it is made.

A node that went on under old rules after a fork would leave the network without noticing; it stops instead,
one block before.
Source: protocol, section 3 "Policy": scheduled forks.
"""

from datetime import UTC, datetime

from genesis.addresses import POLICY
from genesis.forks import PROTOCOL_FORKS
from openledger_node.errors import CriticalError
from openledger_node.evm.snapshot import Snapshot
from precompiles.slots import field_slot
from precompiles.views import policy


class UnknownForkError(CriticalError):
    """The network upgrades to rules that this build lacks."""

    code = "OL-1412"


def assert_forks_known(state: Snapshot, timestamp_s: int) -> None:
    """Raises `UnknownForkError` if a fork at or before `timestamp_s` is not one of this build's."""
    count = state.storage_at(POLICY, policy.FORK_COUNT_SLOT)
    for number in range(1, count + 1):
        base = policy.fork_slot(number)
        name = state.storage_at(POLICY, base).to_bytes(32, "big").rstrip(b"\0").decode("ascii", "replace")
        time_s = state.storage_at(POLICY, field_slot(base, 1))
        if name and time_s <= timestamp_s and name not in PROTOCOL_FORKS:
            when = datetime.fromtimestamp(time_s, UTC).isoformat()
            raise UnknownForkError(
                f"the network's fork {name!r} starts at {when}, and this version does not know it",
                "install a version that does and start again; nothing is lost",
            )
