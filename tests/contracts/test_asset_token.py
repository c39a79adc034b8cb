"""Asset tokens: who may make one, and that revenue reaches holders by what they held when it came."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from genesis.addresses import (
    ASSET_TOKEN_FACTORY,
    DATANET_REGISTRY,
    INFERENCE_METERING,
    MODEL_REGISTRY,
)
from genesis.keccak import keccak256
from genesis.predeploys import ARTIFACTS
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Hash32
from precompiles.slots import mapping_slot
from precompiles.views import metering
from tests.contracts.abi import address_of
from tests.contracts.machine import Contract, Machine, Reverted
from tests.contracts.rollup import ALICE, BOB
from tests.contracts.twins import CAROL, PEOPLE, machine_with_twins, send

HASH = Hash32(b"\x11" * 32)
MODEL, DATANET = 1, 2


@pytest.fixture(scope="module")
def world() -> Machine:
    machine = machine_with_twins()
    send(machine, ALICE, MODEL_REGISTRY, "registerModel", HASH, 0, HASH, [], [], b"uri")
    send(machine, ALICE, DATANET_REGISTRY, "createDatanet", b"name", b"uri", HASH, HASH, 0, 2)
    send(machine, ALICE, DATANET_REGISTRY, "setUsage", 1, 2, OPEN_UNIT)
    return machine


@pytest.fixture
def l2(world: Machine) -> Iterator[Machine]:
    with world.rolled_back():
        yield world


def token_of(machine: Machine, kind: int = MODEL, supply: int = 1_000) -> Contract:
    factory = Contract.at(machine, ASSET_TOKEN_FACTORY, ARTIFACTS, "AssetTokenFactory")
    factory.send(ALICE, "create", kind, 1, "Asset", "ASSET", supply)
    address = Address(address_of(factory.read("tokenOf", kind, 1)))
    return Contract.at(machine, address, ARTIFACTS, "AssetToken")


def text(account: Address) -> str:
    return "0x" + account.hex()


def credit(machine: Machine, account: Address, amount_wei: int) -> None:
    """Put earnings into InferenceMetering's books, with the money behind them."""
    slot = mapping_slot(metering.EARNINGS_SLOT, account)
    before = machine.storage_at(INFERENCE_METERING, slot)
    machine.state.set_storage(INFERENCE_METERING, slot, before + amount_wei)
    machine.state.set_balance(INFERENCE_METERING, machine.balance(INFERENCE_METERING) + amount_wei)


def test_only_the_owner_makes_a_token_and_only_one(l2: Machine) -> None:
    factory = Contract.at(l2, ASSET_TOKEN_FACTORY, ARTIFACTS, "AssetTokenFactory")
    for kind in (MODEL, DATANET):
        with pytest.raises(Reverted) as refused:
            factory.send(BOB, "create", kind, 1, "Asset", "ASSET", 1)
        assert refused.value.error.name == "NotOwner"
    for supply in (0, 2**96 + 1):
        with pytest.raises(Reverted) as refused:
            factory.send(ALICE, "create", MODEL, 1, "Asset", "ASSET", supply)
        assert refused.value.error.name == "InvalidSupply"
    token = token_of(l2)
    assert token.read("balanceOf", text(ALICE)) == token.read("totalSupply") == 1_000
    with pytest.raises(Reverted) as refused:
        factory.send(ALICE, "create", MODEL, 1, "Asset", "ASSET", 1)
    assert refused.value.error.name == "TokenExists"


def test_a_models_revenue_reaches_the_holders(l2: Machine) -> None:
    token = token_of(l2)
    send(l2, ALICE, MODEL_REGISTRY, "setRevenueRecipient", 1, token.address)
    token.send(ALICE, "transfer", text(BOB), 250)
    credit(l2, token.address, 8 * OPEN_UNIT)
    before = l2.balance(BOB)
    token.send(BOB, "claim", text(BOB))
    assert l2.balance(BOB) == before + 2 * OPEN_UNIT
    token.send(ALICE, "transfer", text(BOB), 750)
    assert token.read("claimable", text(ALICE)) == 6 * OPEN_UNIT
    credit(l2, token.address, OPEN_UNIT)
    token.send(CAROL, "share")
    assert token.read("claimable", text(BOB)) == OPEN_UNIT
    assert token.read("claimable", text(ALICE)) == 6 * OPEN_UNIT


def test_a_datanets_sales_reach_the_holders(l2: Machine) -> None:
    token = token_of(l2, DATANET)
    send(l2, ALICE, DATANET_REGISTRY, "transferDatanet", 1, token.address)
    send(l2, BOB, DATANET_REGISTRY, "buyUsage", 1, value=OPEN_UNIT)
    before = l2.balance(CAROL)
    token.send(ALICE, "claim", text(CAROL))
    assert l2.balance(CAROL) == before + OPEN_UNIT


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(
    supply=st.sampled_from([3, 1_000, 10**24, 2**96]),
    steps=st.lists(
        st.tuples(st.sampled_from(["pay", "move", "claim"]), st.integers(0, 2), st.integers(0, 10**20)),
        max_size=14,
    ),
)
def test_nobody_gets_more_than_came_in_and_nothing_is_stuck(
    world: Machine, supply: int, steps: list[tuple[str, int, int]]
) -> None:
    with world.rolled_back():
        token = token_of(world, supply=supply)
        received = claimed = 0
        for kind, who, amount in steps:
            person, other = PEOPLE[who], PEOPLE[(who + 1) % 3]
            if kind == "pay":
                world.state.set_balance(token.address, world.balance(token.address) + amount)
                received += amount
            elif kind == "move":
                held = token.read("balanceOf", text(person))
                token.send(person, "transfer", text(other), amount % (held + 1))
            else:
                before = world.balance(person)
                token.send(person, "claim", text(person))
                claimed += world.balance(person) - before
            open_ = sum(token.read("claimable", text(each)) for each in PEOPLE)
            assert open_ <= token.read("owed") <= world.balance(token.address) == received - claimed
        for person in PEOPLE:
            token.send(person, "claim", text(person))
        assert world.balance(token.address) <= 4 * (len(steps) + 3)


def test_permit_is_erc_2612(l2: Machine) -> None:
    token = token_of(l2)
    _, name, version, chain_id, contract, _, _ = token.read("eip712Domain")
    assert (name, version, chain_id) == ("Asset", "1", 31337)
    assert address_of(contract) == token.address
    assert token.read("nonces", text(ALICE)) == 0
    assert keccak256(b"permit(address,address,uint256,uint256,uint8,bytes32,bytes32)")[:4].hex() == "d505accf"
