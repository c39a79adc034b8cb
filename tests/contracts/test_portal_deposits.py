"""Deposits: the event's exact bytes, the vault's counters, sender aliases and the gas market."""

from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis.contracts.artifact import read_artifact
from genesis.keccak import keccak256
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Wei
from tests.contracts.abi import Abi, address_of
from tests.contracts.machine import Contract, Outcome, Reverted
from tests.contracts.rollup import ALICE, BOB, DEPLOYER, GENESIS_ALLOCATION, Rollup, account
from tests.contracts.test_artifacts import TEST_ARTIFACTS

MINT = 5 * OPEN_UNIT
ZERO = account(0)
DEPOSITED_TOPIC = keccak256(b"TransactionDeposited(address,address,uint256,bytes)")
MAX_RESOURCE = 20_000_000


@pytest.fixture
def funded(rollup: Rollup) -> Rollup:
    """Alice has OPEN and has approved the portal for it."""
    rollup.give_open(ALICE, 100 * OPEN_UNIT)
    rollup.approve(ALICE, 100 * OPEN_UNIT)
    return rollup


def deposit(rollup: Rollup, mint: int = MINT, gas_limit: int = 100_000, data: bytes = b"") -> Outcome:
    return rollup.portal.send(ALICE, "depositERC20Transaction", BOB, mint, mint, gas_limit, False, data)


def sender_on_l2(rollup: Rollup, outcome: Outcome) -> bytes:
    [event] = rollup.portal.events(outcome)
    return address_of(event.arguments["from"])


def test_event_is_byte_for_byte_ops(funded: Rollup) -> None:
    outcome = funded.portal.send(
        ALICE, "depositERC20Transaction", BOB, MINT, 3, 123_456, False, b"\x01\x02\x03"
    )
    [log] = [log for log in outcome.logs if log.address == funded.at.portal]
    assert DEPOSITED_TOPIC.hex() == "b3813568d9991fc951961fcb4c784893574240a28925604d09fc577c55bb7c32"
    assert log.topics == (DEPOSITED_TOPIC, ALICE.rjust(32, b"\0"), BOB.rjust(32, b"\0"), bytes(32))
    opaque = (
        MINT.to_bytes(32, "big")
        + (3).to_bytes(32, "big")
        + (123_456).to_bytes(8, "big")
        + b"\0"
        + b"\x01\x02\x03"
    )
    head = (32).to_bytes(32, "big") + len(opaque).to_bytes(32, "big")
    assert log.data == head + opaque + bytes(-len(opaque) % 32)


def test_forced_transaction_brings_nothing(rollup: Rollup) -> None:
    outcome = rollup.portal.send(ALICE, "depositTransaction", BOB, 9, 50_000, False, b"\xff")
    [event] = rollup.portal.events(outcome)
    assert (
        event.arguments["opaqueData"]
        == bytes(32) + (9).to_bytes(32, "big") + (50_000).to_bytes(8, "big") + b"\0\xff"
    )
    assert rollup.vault.read("accountedDeposits") == GENESIS_ALLOCATION


def test_creation_is_marked_and_has_no_target(rollup: Rollup) -> None:
    outcome = rollup.portal.send(ALICE, "depositTransaction", ZERO, 0, 200_000, True, b"\x60\x00")
    [event] = rollup.portal.events(outcome)
    assert event.arguments["opaqueData"][72:73] == b"\x01"
    with pytest.raises(Reverted, match="CreationWithTarget"):
        rollup.portal.send(ALICE, "depositTransaction", BOB, 0, 200_000, True, b"\x60\x00")


def test_deposit_moves_open_into_the_vault_and_is_counted(funded: Rollup) -> None:
    deposit(funded)
    assert funded.balance(ALICE) == 95 * OPEN_UNIT
    assert funded.balance(funded.at.open_vault) == GENESIS_ALLOCATION + MINT
    assert funded.vault.read("accountedDeposits") == GENESIS_ALLOCATION + MINT
    assert funded.balance(funded.at.portal) == 0


def test_open_sent_to_the_vault_is_nobodys_deposit(rollup: Rollup) -> None:
    rollup.token.send(DEPLOYER, "transfer", rollup.at.open_vault, 10)
    assert rollup.vault.read("accountedDeposits") == GENESIS_ALLOCATION


def test_deposit_needs_open_and_approval(rollup: Rollup) -> None:
    with pytest.raises(
        Reverted, match=keccak256(b"ERC20InsufficientAllowance(address,uint256,uint256)")[:4].hex()
    ):
        deposit(rollup)
    rollup.approve(ALICE, MINT)
    with pytest.raises(
        Reverted, match=keccak256(b"ERC20InsufficientBalance(address,uint256,uint256)")[:4].hex()
    ):
        deposit(rollup)


@pytest.mark.parametrize("name", ["depositTransaction", "depositERC20Transaction", ""])
def test_ether_is_refused(rollup: Rollup, name: str) -> None:
    rollup.machine.state.set_balance(ALICE, Wei(10**18))
    arguments: tuple[object, ...] = (BOB, 0, 50_000, False, b"")
    if name == "depositERC20Transaction":
        arguments = (BOB, 0, 0, 50_000, False, b"")
    data = rollup.portal.abi.call_data(name, *arguments) if name else b""
    assert rollup.machine.transact(ALICE, rollup.at.portal, data).ok == bool(name)
    assert not rollup.machine.transact(ALICE, rollup.at.portal, data, value=1).ok


@pytest.mark.parametrize("size", [0, 1, 100, 120_000])
def test_gas_limit_has_a_floor_by_size(rollup: Rollup, size: int) -> None:
    minimum = rollup.portal.read("minimumGasLimit", size)
    assert minimum == 21_000 + 40 * size
    rollup.portal.send(ALICE, "depositTransaction", BOB, 0, minimum, False, bytes(size))
    with pytest.raises(Reverted, match="GasLimitTooLow"):
        rollup.portal.send(ALICE, "depositTransaction", BOB, 0, minimum - 1, False, bytes(size))


def test_data_has_a_ceiling(rollup: Rollup) -> None:
    with pytest.raises(Reverted, match="DataTooLong"):
        rollup.portal.send(ALICE, "depositTransaction", BOB, 0, 10_000_000, False, bytes(120_001))


def test_key_holders_keep_their_address_and_contracts_get_an_alias(rollup: Rollup) -> None:
    state = rollup.machine.state
    contract, delegated = account(0xC0DE), account(0x7702)
    state.set_code(contract, b"\x60\x00")
    state.set_code(delegated, b"\xef\x01\x00" + BOB)

    def from_sender(sender: Address, origin: Address) -> bytes:
        outcome = rollup.portal.send(sender, "depositTransaction", BOB, 0, 50_000, False, b"", origin=origin)
        return sender_on_l2(rollup, outcome)

    offset = int("1111000000000000000000000000000000001111", 16)
    assert from_sender(ALICE, ALICE) == ALICE
    assert from_sender(delegated, delegated) == delegated
    assert from_sender(delegated, ALICE) == delegated
    assert from_sender(contract, ALICE) == (int.from_bytes(contract, "big") + offset).to_bytes(20, "big")
    highest = Address(b"\xff" * 20)
    state.set_code(highest, b"\x60\x00")
    assert from_sender(highest, ALICE) == (offset - 1).to_bytes(20, "big")


def test_one_block_sells_twenty_million_gas(rollup: Rollup) -> None:
    def buy(gas_limit: int) -> None:
        rollup.portal.send(ALICE, "depositTransaction", BOB, 0, gas_limit, False, b"")

    rollup.machine.set_base_fee(10**12)  # so that little is burned
    buy(15_000_000)
    buy(5_000_000)
    with pytest.raises(Reverted, match="ResourceLimitExceeded"):
        buy(21_000)
    rollup.machine.advance(2)
    buy(100_000)


def test_l2_gas_is_paid_by_burning_l1_gas(rollup: Rollup) -> None:
    cheap = deposit_gas(rollup, 100_000)
    dear = deposit_gas(rollup, 3_000_000)
    assert cheap < 130_000
    assert 3_000_000 <= dear < 3_030_000
    rollup.machine.set_base_fee(10**10)
    assert 300_000 <= deposit_gas(rollup, 3_000_000) < 330_000


def test_gas_does_not_depend_on_when_the_last_deposit_was(rollup: Rollup) -> None:
    """What a wallet estimates on one block is enough on the next, whoever deposited meanwhile."""
    buy = partial(rollup.portal.send, ALICE, "depositTransaction", BOB, 0, 100_000, False, b"")
    buy()
    used = set()
    for blocks in (0, 1, 2, 7, 0, 1):
        rollup.machine.advance(2 * blocks, blocks=blocks)
        used.add(buy().gas_used)
    assert len(used) == 1


def test_too_little_gas_for_the_price_is_refused(rollup: Rollup) -> None:
    """Of what is left a call gets 63 parts of 64, so the price cannot be evaded by a tight gas limit."""
    rollup.portal.send(ALICE, "depositTransaction", BOB, 0, 1_000_000, False, b"")
    rollup.machine.advance(2)
    for gas in range(1_000_000, 1_020_000, 1_000):
        with rollup.machine.rolled_back():
            data = rollup.portal.abi.call_data("depositTransaction", BOB, 0, 1_000_000, False, b"")
            outcome = rollup.machine.transact(ALICE, rollup.at.portal, data, gas=gas)
            assert not outcome.ok or outcome.gas_used >= 1_000_000
    rollup.portal.send(ALICE, "depositTransaction", BOB, 0, 1_000_000, False, b"", gas=1_030_000)


def deposit_gas(rollup: Rollup, gas_limit: int) -> int:
    rollup.machine.advance(1_000, blocks=1_000)
    return rollup.portal.send(ALICE, "depositTransaction", BOB, 0, gas_limit, False, b"").gas_used


def next_price(price: int, bought: int, blocks: int) -> int:
    """The model the contract is held against, in signed arithmetic."""
    target, step = MAX_RESOURCE // 10, MAX_RESOURCE // 10 * 8
    price += price * (bought - target) // step if bought > target else -(price * (target - bought) // step)
    for _ in range(blocks - 1):
        if price > 10**9:
            price -= price // 8
    return max(price, 10**9)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(21_000, 4_000_000), st.integers(1, 5)), min_size=1, max_size=5))
def test_price_follows_its_model(rollup: Rollup, purchases: list[tuple[int, int]]) -> None:
    with rollup.machine.rolled_back():
        rollup.machine.set_base_fee(10**12)
        rollup.machine.advance(10**6, blocks=10**6)
        price, bought = 10**9, 0
        for index, (gas_limit, blocks) in enumerate(purchases):
            if index:
                rollup.machine.advance(blocks, blocks=blocks)
                price = next_price(price, bought, blocks)
            rollup.portal.send(ALICE, "depositTransaction", BOB, 0, gas_limit, False, b"", gas=60_000_000)
            bought = gas_limit
            assert rollup.portal.read("params") == (price, gas_limit, rollup.machine.block_number)


def test_price_rises_after_full_blocks_and_falls_back(rollup: Rollup) -> None:
    rollup.machine.set_base_fee(10**12)
    prices = []
    for _ in range(3):
        rollup.machine.advance(2)
        rollup.portal.send(ALICE, "depositTransaction", BOB, 0, MAX_RESOURCE, False, b"")
        prices.append(rollup.portal.read("params")[0])
    # Nine targets above the target: 1 + 9/8 of the price before.
    assert prices[1] == prices[0] * 17 // 8
    assert prices[2] == prices[1] + prices[1] * 9 // 8
    rollup.machine.advance(2_000, blocks=1_000)
    rollup.portal.send(ALICE, "depositTransaction", BOB, 0, 21_000, False, b"")
    assert rollup.portal.read("params")[0] == 10**9


def hostile_token(rollup: Rollup) -> Contract:
    """OPEN's code replaced, its balances kept."""
    code = read_artifact(TEST_ARTIFACTS, "HostileToken")
    rollup.machine.state.set_code(rollup.at.open_token, code.deployed_bytecode)
    return Contract(rollup.machine, rollup.at.open_token, Abi(code.abi))


def test_a_token_that_keeps_a_part_is_refused(funded: Rollup) -> None:
    hostile_token(funded)
    with pytest.raises(Reverted, match="UnexpectedAmountReceived") as refused:
        deposit(funded)
    assert refused.value.error.arguments == {"expected": MINT, "received": MINT - MINT // 100}
    assert funded.vault.read("accountedDeposits") == GENESIS_ALLOCATION


def test_a_token_cannot_deposit_while_it_is_deposited(funded: Rollup) -> None:
    token = hostile_token(funded)
    again = funded.portal.abi.call_data("depositTransaction", BOB, 0, 50_000, False, b"")
    token.send(ALICE, "callBackWith", funded.at.portal, again)
    deposit(funded)
    called, succeeded, output = token.read("lastCallBack")
    assert called
    assert not succeeded
    assert funded.portal.abi.decode_error(output).name == "ReentrancyGuardReentrantCall"


def test_only_the_portal_moves_the_vault(rollup: Rollup) -> None:
    for sender in (ALICE, DEPLOYER, rollup.at.open_token):
        with pytest.raises(Reverted, match="NotPortal"):
            rollup.vault.send(sender, "recordDeposit", 1)
        with pytest.raises(Reverted, match="NotPortal"):
            rollup.vault.send(sender, "pay", sender, 1)


def test_vault_never_pays_more_than_was_deposited(rollup: Rollup) -> None:
    rollup.token.send(DEPLOYER, "transfer", rollup.at.open_vault, 10)
    with pytest.raises(Reverted, match="PaymentExceedsDeposits"):
        rollup.vault.send(rollup.at.portal, "pay", ALICE, GENESIS_ALLOCATION + 1)
    rollup.vault.send(rollup.at.portal, "pay", ALICE, GENESIS_ALLOCATION)
    assert rollup.balance(ALICE) == GENESIS_ALLOCATION
    with pytest.raises(Reverted, match="PaymentExceedsDeposits"):
        rollup.vault.send(rollup.at.portal, "pay", ALICE, 1)
