"""Genesis storage holds policy version 1 and the registry, and nothing else."""

from genesis.addresses import POLICY, PRECOMPILE_REGISTRY
from genesis.policy import DEV_POLICY
from genesis.types import Address
from precompiles.genesis_storage import initial_storage

TIMELOCK = Address(b"\x33" * 20)


def test_what_genesis_writes() -> None:
    storage = initial_storage(DEV_POLICY, TIMELOCK)
    assert set(storage) == {POLICY, PRECOMPILE_REGISTRY}
    assert len(storage[POLICY]) == 38
    assert storage[POLICY][0] == 1
    assert storage[POLICY][1] == int.from_bytes(TIMELOCK, "big")
    assert sorted(storage[PRECOMPILE_REGISTRY].values()) == [1] * 7
