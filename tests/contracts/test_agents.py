"""Agents: registration as in ERC-8004, a wallet each, and the limits its key cannot pass."""

from collections.abc import Iterator

import pytest

from genesis.addresses import AGENT_REGISTRY, OP_WETH9
from genesis.keccak import keccak256
from genesis.predeploys import ARTIFACTS
from genesis.spec import OPEN_UNIT
from genesis.types import Address
from tests.contracts.abi import address_of
from tests.contracts.machine import Contract, Machine, Reverted
from tests.contracts.rollup import ALICE, BOB
from tests.contracts.twins import CAROL, machine_with_twins

KEY = CAROL
PAYMENT = bytes(4)
DEPOSIT = keccak256(b"deposit()")[:4]
DAY_S = 86_400


@pytest.fixture(scope="module")
def world() -> Machine:
    return machine_with_twins()


@pytest.fixture
def l2(world: Machine) -> Iterator[Machine]:
    with world.rolled_back():
        yield world


@pytest.fixture
def registry(l2: Machine) -> Contract:
    contract = Contract.at(l2, AGENT_REGISTRY, ARTIFACTS, "AgentRegistry")
    contract.send(ALICE, "register", "ipfs://agent")
    return contract


@pytest.fixture
def account(registry: Contract) -> Contract:
    """Alice's agent's wallet with ten OPEN, and Carol as its key."""
    machine = registry.machine
    expected = registry.read("accountOf", 1)
    registry.send(BOB, "createAccount", 1)
    wallet = Contract.at(machine, Address(address_of(expected)), ARTIFACTS, "AgentAccount")
    assert machine.transact(BOB, wallet.address, b"", 10 * OPEN_UNIT).ok
    wallet.send(ALICE, "setKey", text(KEY))
    return wallet


def text(address: Address) -> str:
    return "0x" + address.hex()


def refused(wallet: Contract, sender: Address, target: Address, value: int, data: bytes = b"") -> str:
    with pytest.raises(Reverted) as problem:
        wallet.send(sender, "execute", text(target), value, data)
    return problem.value.error.name


def test_an_agent_is_an_erc_721_with_a_registration_file(registry: Contract) -> None:
    assert address_of(registry.read("ownerOf", 1)) == ALICE
    assert registry.read("tokenURI", 1) == "ipfs://agent"
    for interface in ("01ffc9a7", "80ac58cd", "5b5e139f"):
        assert registry.read("supportsInterface", bytes.fromhex(interface))
    registry.send(ALICE, "setMetadata", 1, "agentName", b"name")
    registry.send(ALICE, "setProfile", 1, (7, b"\x01" * 32, 5, b"\x02" * 32))
    assert registry.read("getMetadata", 1, "agentName") == b"name"
    assert registry.read("getProfile", 1) == (7, b"\x01" * 32, 5, b"\x02" * 32)
    for name, arguments in (
        ("setAgentURI", (1, "x")),
        ("setMetadata", (1, "k", b"")),
        ("setProfile", (1, (1, bytes(32), 1, bytes(32)))),
    ):
        with pytest.raises(Reverted) as problem:
            registry.send(BOB, name, *arguments)
        assert problem.value.error.name == "NotAgentOwner"


def test_the_owner_has_no_limits_and_nobody_else_any_right(account: Contract) -> None:
    before = account.machine.balance(BOB)
    account.send(ALICE, "execute", text(BOB), OPEN_UNIT, b"")
    assert account.machine.balance(BOB) == before + OPEN_UNIT
    assert refused(account, BOB, BOB, 1) == "NotAllowed"
    for name, arguments in (
        ("setKey", (text(BOB),)),
        ("setDailyLimit", (1,)),
        ("setTargetLimit", (text(BOB), 1)),
        ("setAllowed", (text(BOB), PAYMENT, True)),
    ):
        with pytest.raises(Reverted) as problem:
            account.send(KEY, name, *arguments)
        assert problem.value.error.name == "NotOwner"


def test_the_key_spends_within_its_limits_per_day_target_and_selector(account: Contract) -> None:
    assert refused(account, KEY, BOB, 1) == "SelectorNotAllowed"
    account.send(ALICE, "setAllowed", text(BOB), PAYMENT, True)
    assert refused(account, KEY, BOB, 1) == "DailyLimitReached"
    account.send(ALICE, "setDailyLimit", 3 * OPEN_UNIT)
    assert refused(account, KEY, BOB, 1) == "TargetLimitReached"
    account.send(ALICE, "setTargetLimit", text(BOB), 2 * OPEN_UNIT)
    account.send(KEY, "execute", text(BOB), 2 * OPEN_UNIT, b"")
    assert refused(account, KEY, BOB, 1) == "TargetLimitReached"
    assert refused(account, KEY, BOB, 0, PAYMENT + b"calldata") == "SelectorNotAllowed"
    account.send(ALICE, "setAllowed", text(OP_WETH9), DEPOSIT, True)
    account.send(ALICE, "setTargetLimit", text(OP_WETH9), 5 * OPEN_UNIT)
    assert refused(account, KEY, OP_WETH9, 2 * OPEN_UNIT, DEPOSIT) == "DailyLimitReached"
    account.send(KEY, "execute", text(OP_WETH9), OPEN_UNIT, DEPOSIT)
    assert refused(account, KEY, OP_WETH9, 0, DEPOSIT[:3]) == "SelectorNotAllowed"
    assert refused(account, KEY, OP_WETH9, 0, keccak256(b"withdraw(uint256)")[:4]) == "SelectorNotAllowed"
    account.machine.advance(DAY_S)
    account.send(KEY, "execute", text(BOB), OPEN_UNIT, b"")


def test_the_key_cannot_call_the_wallet_itself(account: Contract) -> None:
    account.send(ALICE, "setAllowed", text(account.address), PAYMENT, True)
    assert refused(account, KEY, account.address, 0) == "NotAllowed"


def test_a_sold_agents_key_has_no_rights_left(registry: Contract, account: Contract) -> None:
    account.send(ALICE, "setAllowed", text(BOB), PAYMENT, True)
    account.send(KEY, "execute", text(BOB), 0, b"")
    registry.send(ALICE, "transferFrom", text(ALICE), text(BOB), 1)
    assert refused(account, KEY, BOB, 0) == "NotAllowed"
    assert refused(account, ALICE, BOB, 0) == "NotAllowed"
    account.send(BOB, "execute", text(BOB), 10 * OPEN_UNIT, b"")


def test_a_failed_call_costs_no_allowance(account: Contract) -> None:
    account.send(ALICE, "setDailyLimit", 10**24)
    account.send(ALICE, "setTargetLimit", text(BOB), 10**24)
    account.send(ALICE, "setAllowed", text(BOB), PAYMENT, True)
    refused(account, KEY, BOB, 11 * OPEN_UNIT)
    account.send(KEY, "execute", text(BOB), 10 * OPEN_UNIT, b"")
