"""The callback caller: once, with the gas that was asked for, whatever the consumer does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from genesis.addresses import CALLBACK_CALLER, INFERENCE_METERING, MODEL_REGISTRY, STAKING
from genesis.contracts.artifact import read_artifact
from genesis.predeploys import ARTIFACTS
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Hash32
from tests.contracts.machine import Contract, Machine, Reverted
from tests.contracts.rollup import ALICE, BOB
from tests.contracts.twins import CAROL, machine_with_twins, send
from tests.precompiles.calls import calldata

HASH = Hash32(b"\x11" * 32)
OUTPUT = Hash32(b"\x22" * 32)
TEST_ARTIFACTS = Path(__file__).with_name("artifacts")
CALLBACK_GAS = 100_000
TIP_WEI = OPEN_UNIT


@pytest.fixture(scope="module")
def world() -> Machine:
    """Alice's model, Bob as its provider."""
    machine = machine_with_twins()
    send(machine, ALICE, STAKING, "stake", 2, value=100 * OPEN_UNIT)
    send(machine, ALICE, MODEL_REGISTRY, "registerModel", HASH, 0, HASH, [], [], b"uri")
    send(machine, ALICE, MODEL_REGISTRY, "setPrice", 1, OPEN_UNIT, OPEN_UNIT)
    arguments = (1, HASH, HASH, HASH, HASH, 1, 1, 1, b"uri")
    send(machine, ALICE, MODEL_REGISTRY, "commitFeatureIndex", *arguments)
    send(machine, BOB, STAKING, "stake", 2, value=100 * OPEN_UNIT)
    machine.advance(10)
    return machine


@pytest.fixture
def l2(world: Machine) -> Iterator[Machine]:
    with world.rolled_back():
        yield world


@pytest.fixture
def consumer(l2: Machine) -> Contract:
    """A contract whose request is answered and whose callback waits."""
    artifact = Contract.at(l2, Address(bytes(20)), TEST_ARTIFACTS, "Consumer")
    created = l2.transact(CAROL, None, read_artifact(TEST_ARTIFACTS, "Consumer").bytecode).created
    assert created is not None
    contract = Contract(l2, created, artifact.abi)
    asked = calldata(INFERENCE_METERING, "requestInference", 1, BOB, HASH, 100, CALLBACK_GAS, TIP_WEI, b"uri")
    contract.send(CAROL, "ask", asked, value=TIP_WEI + 10 * OPEN_UNIT)
    send(l2, BOB, INFERENCE_METERING, "fulfil", 1, OUTPUT, 1_000, 1_000, HASH, b"uri")
    return contract


def caller(machine: Machine) -> Contract:
    return Contract.at(machine, CALLBACK_CALLER, ARTIFACTS, "CallbackCaller")


def test_the_consumer_is_told_once_and_the_deliverer_gets_the_tip(consumer: Contract) -> None:
    machine = consumer.machine
    before = machine.balance(CAROL)
    outcome = caller(machine).send(CAROL, "deliver", 1)
    (event,) = caller(machine).events(outcome)
    assert event.arguments["succeeded"] is True
    assert machine.balance(CAROL) == before + TIP_WEI
    assert (consumer.read("answered"), consumer.read("output")) == (1, OUTPUT)
    assert 0 < consumer.read("gasGiven") <= CALLBACK_GAS
    with pytest.raises(Reverted):
        caller(machine).send(CAROL, "deliver", 1)


@pytest.mark.parametrize("mode", [1, 2, 3, 4])
def test_a_bad_consumer_harms_only_itself(consumer: Contract, mode: int) -> None:
    machine = consumer.machine
    consumer.send(CAROL, "setMode", mode)
    outcome = caller(machine).send(CAROL, "deliver", 1)
    (event,) = caller(machine).events(outcome)
    assert event.arguments["succeeded"] is (mode == 4)
    assert outcome.gas_used < CALLBACK_GAS + 250_000
    machine.advance(10)
    send(machine, CAROL, INFERENCE_METERING, "settleRequest", 1)


def test_too_little_gas_delivers_nothing(consumer: Contract) -> None:
    """At every gas a delivery either gives the consumer all it asked for or leaves the request as it was."""
    machine = consumer.machine
    for gas in range(100_000, 400_000, 7_919):
        with machine.rolled_back():
            data = caller(machine).abi.call_data("deliver", 1)
            outcome = machine.transact(CAROL, CALLBACK_CALLER, data, gas=gas)
            answered = consumer.read("answered") == 1
            assert answered == outcome.ok
            if answered:
                assert consumer.read("gasGiven") > CALLBACK_GAS - 5_000


def test_it_holds_nothing(consumer: Contract) -> None:
    machine = consumer.machine
    assert not machine.transact(CAROL, CALLBACK_CALLER, b"", 1).ok
    assert machine.balance(CALLBACK_CALLER) == 0
