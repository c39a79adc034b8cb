"""The L1's orders to the L2: exact logs, ranges, and the speed limit on fee scalars."""

import pytest

from genesis.keccak import keccak256
from rollup_bridge.deploy import plan_deployment
from tests.contracts.abi import address_of
from tests.contracts.machine import Machine, Reverted
from tests.contracts.rollup import ALICE, BATCHER, BOB, DEPLOYER, OWNER, SIGNER, Rollup, parameters

DAY_S = 86_400
UPDATE_TOPIC = keccak256(b"ConfigUpdate(uint256,uint8,bytes)")


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def wrapped(data: bytes) -> bytes:
    """ABI encoding of one `bytes` argument."""
    return word(32) + word(len(data)) + data


def test_each_change_is_logged_as_op_does(rollup: Rollup) -> None:
    scalar = (1 << 248) | (2_001 << 32) | 1_001
    for name, arguments, kind, data in [
        ("setBatcherHash", (word(7),), 0, word(7)),
        ("setGasConfigEcotone", (1_001, 2_001), 1, word(0) + word(scalar)),
        ("setGasLimit", (40_000_000,), 2, word(40_000_000)),
        ("setUnsafeBlockSigner", (BOB,), 3, BOB.rjust(32, b"\0")),
    ]:
        [log] = rollup.system_config.send(OWNER, name, *arguments).logs
        assert log.topics == (UPDATE_TOPIC, word(0), word(kind))
        assert log.data == wrapped(data)
    assert rollup.system_config.read("scalar") == scalar
    assert rollup.system_config.read("overhead") == 0
    assert rollup.system_config.read("batcherHash") == word(7)
    assert rollup.system_config.read("gasLimit") == 40_000_000
    assert address_of(rollup.system_config.read("unsafeBlockSigner")) == BOB


def test_the_first_values_are_logged_too() -> None:
    creation = plan_deployment(parameters())[2]
    outcome = Machine().transact(DEPLOYER, None, creation.data)
    kinds = {log.topics[2]: log.data for log in outcome.logs if log.topics[0] == UPDATE_TOPIC}
    assert kinds == {
        word(0): wrapped(BATCHER.rjust(32, b"\0")),
        word(1): wrapped(word(0) + word((1 << 248) | (2_000 << 32) | 1_000)),
        word(2): wrapped(word(30_000_000)),
        word(3): wrapped(SIGNER.rjust(32, b"\0")),
    }


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("setBatcherHash", (bytes(32),)),
        ("setGasConfigEcotone", (1, 1)),
        ("setGasLimit", (30_000_000,)),
        ("setUnsafeBlockSigner", (BOB,)),
        ("transferOwnership", (ALICE,)),
    ],
)
def test_only_the_owner_changes_anything(rollup: Rollup, name: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(Reverted, match="OwnableUnauthorizedAccount"):
        rollup.system_config.send(ALICE, name, *arguments)


def test_ownership_passes_in_two_steps(rollup: Rollup) -> None:
    rollup.system_config.send(OWNER, "transferOwnership", ALICE)
    assert address_of(rollup.system_config.read("owner")) == OWNER
    with pytest.raises(Reverted, match="OwnableUnauthorizedAccount"):
        rollup.system_config.send(BOB, "acceptOwnership")
    rollup.system_config.send(ALICE, "acceptOwnership")
    assert address_of(rollup.system_config.read("owner")) == ALICE


def test_a_batcher_is_an_address(rollup: Rollup) -> None:
    with pytest.raises(Reverted, match="NotAnAddress"):
        rollup.system_config.send(OWNER, "setBatcherHash", word(1 << 160))
    rollup.system_config.send(OWNER, "setBatcherHash", word((1 << 160) - 1))


@pytest.mark.parametrize("gas_limit", [0, 20_999_999, 200_000_001])
def test_gas_limit_has_a_range(rollup: Rollup, gas_limit: int) -> None:
    with pytest.raises(Reverted, match="GasLimitOutOfRange"):
        rollup.system_config.send(OWNER, "setGasLimit", gas_limit)


def test_scalars_at_most_double_within_a_day(rollup: Rollup) -> None:
    def set_scalars(base: int, blob: int) -> None:
        rollup.system_config.send(OWNER, "setGasConfigEcotone", base, blob)

    for base, blob in [(2_001, 2_000), (1_000, 4_001)]:
        with pytest.raises(Reverted, match="ScalarRisesTooFast"):
            set_scalars(base, blob)
    set_scalars(2_000, 4_000)
    # Down and up again on one day still counts from the day's first value.
    set_scalars(500, 500)
    with pytest.raises(Reverted, match="ScalarRisesTooFast"):
        set_scalars(2_001, 500)
    set_scalars(2_000, 500)
    rollup.machine.advance(DAY_S)
    set_scalars(4_000, 1_000)
    with pytest.raises(Reverted, match="ScalarRisesTooFast"):
        set_scalars(4_001, 1_000)


def test_a_scalar_can_leave_zero(rollup: Rollup) -> None:
    rollup.system_config.send(OWNER, "setGasConfigEcotone", 0, 0)
    rollup.machine.advance(DAY_S)
    with pytest.raises(Reverted, match="ScalarRisesTooFast"):
        rollup.system_config.send(OWNER, "setGasConfigEcotone", 2, 0)
    rollup.system_config.send(OWNER, "setGasConfigEcotone", 1, 1)
