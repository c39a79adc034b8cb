"""Scheduled forks: a node goes on until the block before one it does not know, and over one it knows."""

import pytest

from genesis.addresses import POLICY
from openledger_node.chain import fork_watch
from openledger_node.chain.chain import Chain
from openledger_node.chain.fork_watch import UnknownForkError
from openledger_node.evm.records import AccountOverride
from precompiles.slots import field_slot
from precompiles.views import policy
from tests.evm import world

NAME = int.from_bytes(b"aurora".ljust(32, b"\0"), "big")


def scheduled(time_s: int, name: int = NAME) -> Chain:
    """A chain whose policy has one fork."""
    chain = world.open_chain()
    base = policy.fork_slot(1)
    words = {policy.FORK_COUNT_SLOT: 1, base: name, field_slot(base, 1): time_s}
    chain.patch_state({POLICY: AccountOverride(nonce=1, storage=words)})
    return chain


def test_the_node_stops_before_a_fork_it_does_not_know() -> None:
    other = world.open_chain()
    first_s = other.import_block(world.inputs(other)).header.timestamp_s
    chain = scheduled(first_s + 1)
    chain.import_block(world.inputs(chain))
    head = chain.head.header.number
    with pytest.raises(UnknownForkError, match=r"'aurora' starts at .* does not know it"):
        chain.import_block(world.inputs(chain))
    with pytest.raises(UnknownForkError):
        chain.open_block(world.inputs(chain))
    assert chain.head.header.number == head


def test_a_known_fork_is_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_watch, "PROTOCOL_FORKS", frozenset({"aurora"}))
    chain = scheduled(world.GENESIS_TIME_S)
    chain.import_block(world.inputs(chain))


def test_a_cancelled_fork_is_none() -> None:
    chain = scheduled(world.GENESIS_TIME_S, name=0)
    chain.import_block(world.inputs(chain))
