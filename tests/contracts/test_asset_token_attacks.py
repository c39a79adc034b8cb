"""Attacks on the shares in a revenue: by holding briefly, by dust, by recipients; each earns nothing."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis.addresses import ASSET_TOKEN_FACTORY, MODEL_REGISTRY
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Hash32
from rollup_bridge.deploy import contract_address
from tests.contracts.machine import Contract, Machine, Reverted
from tests.contracts.rollup import ALICE, BOB
from tests.contracts.test_asset_token import credit, text, token_of
from tests.contracts.twins import CAROL, machine_with_twins, send

HASH = Hash32(b"\x11" * 32)
MALLORY = Address(b"\x6d" * 20)
REFUSES = bytes.fromhex("60006000fd")
SUPPLY = 1_000


@pytest.fixture(scope="module")
def world() -> Machine:
    machine = machine_with_twins()
    send(machine, ALICE, MODEL_REGISTRY, "registerModel", HASH, 0, HASH, [], [], b"uri")
    return machine


@pytest.fixture
def l2(world: Machine) -> Iterator[Machine]:
    with world.rolled_back():
        yield world


def pay(machine: Machine, token: Contract, amount_wei: int) -> None:
    assert machine.transact(CAROL, token.address, b"", amount_wei).ok


def claimed(machine: Machine, token: Contract, holder: Address, recipient: Address | None = None) -> int:
    to = recipient or holder
    before_wei = machine.balance(to)
    token.send(holder, "claim", text(to))
    return machine.balance(to) - before_wei


def reentering_code(token: Address, recipient: Address) -> bytes:
    """Calls `claim(recipient)` of the token whenever it is paid, whatever comes of it; then stops."""
    data = bytes.fromhex("1e83409a") + bytes(12) + recipient
    parts = [
        "7f" + data.ljust(64, b"\0")[:32].hex() + "5f52",
        "7f" + data.ljust(64, b"\0")[32:].hex() + "602052",
        "5f5f60245f5f73" + token.hex() + "5af15000",
    ]
    return bytes.fromhex("".join(parts))


# --- Holding at the right moment --------------------------------------------------------------------------


def test_shares_bought_after_a_payment_carry_nothing_of_it(l2: Machine) -> None:
    """Though nobody called `share` between."""
    token = token_of(l2, supply=SUPPLY)
    pay(l2, token, 8 * OPEN_UNIT)
    token.send(ALICE, "transfer", text(MALLORY), SUPPLY)
    assert claimed(l2, token, MALLORY) == 0
    assert claimed(l2, token, ALICE) == 8 * OPEN_UNIT


def test_shares_held_within_one_block_earn_nothing_of_what_was_there(l2: Machine) -> None:
    """Borrowed, claimed with and given back; the lender loses nothing."""
    token = token_of(l2, supply=SUPPLY)
    pay(l2, token, 8 * OPEN_UNIT)
    for _ in range(3):
        token.send(ALICE, "transfer", text(MALLORY), SUPPLY)
        assert claimed(l2, token, MALLORY) == 0
        token.send(MALLORY, "transfer", text(ALICE), SUPPLY)
    assert claimed(l2, token, ALICE) == 8 * OPEN_UNIT


def test_sending_shares_to_oneself_earns_nothing(l2: Machine) -> None:
    token = token_of(l2, supply=SUPPLY)
    token.send(ALICE, "transfer", text(BOB), 1)
    pay(l2, token, SUPPLY)
    for _ in range(5):
        token.send(BOB, "transfer", text(BOB), 1)
    assert claimed(l2, token, BOB) == 1
    assert claimed(l2, token, BOB) == 0
    assert claimed(l2, token, ALICE) == SUPPLY - 1


def test_revenue_that_waited_stays_with_who_held_the_shares(l2: Machine) -> None:
    """Settled weeks ago and drawn by nobody; the shares are borrowed for one transaction."""
    token = token_of(l2, supply=SUPPLY)
    credit(l2, token.address, 8 * OPEN_UNIT)
    token.send(ALICE, "transfer", text(MALLORY), SUPPLY)
    assert claimed(l2, token, MALLORY) == 0
    token.send(MALLORY, "transfer", text(ALICE), SUPPLY)
    assert claimed(l2, token, ALICE) == 8 * OPEN_UNIT


# --- First holder and dust --------------------------------------------------------------------------------


def test_money_sent_to_a_token_before_it_is_made_is_its_first_holders(l2: Machine) -> None:
    """And does not keep it from being made."""
    nonce = l2.state.get_nonce(ASSET_TOKEN_FACTORY)
    coming = contract_address(ASSET_TOKEN_FACTORY, nonce)
    assert l2.transact(CAROL, coming, b"", OPEN_UNIT).ok
    token = token_of(l2, supply=SUPPLY)
    assert token.address == coming
    token.send(ALICE, "transfer", text(MALLORY), SUPPLY - 1)
    assert claimed(l2, token, MALLORY) == 0
    assert claimed(l2, token, ALICE) == OPEN_UNIT


def test_a_first_holder_cannot_inflate_what_a_share_is_worth(l2: Machine) -> None:
    """The supply is fixed, so a gift is the holders' by balance; what rounding takes of anybody stays wei."""
    token = token_of(l2, supply=3)
    pay(l2, token, OPEN_UNIT)
    token.send(ALICE, "transfer", text(BOB), 1)
    pay(l2, token, 3 * OPEN_UNIT)
    assert OPEN_UNIT - 2 <= claimed(l2, token, BOB) <= OPEN_UNIT


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dust_wei=st.integers(0, 5), supply=st.sampled_from([7, 10**24, 2**96]))
def test_dust_neither_blocks_nor_takes(world: Machine, dust_wei: int, supply: int) -> None:
    """Payments too small to share wait for the next; many of them lose nobody more than a few wei."""
    with world.rolled_back():
        token = token_of(world, supply=supply)
        token.send(ALICE, "transfer", text(BOB), supply // 2)
        for _ in range(4):
            pay(world, token, dust_wei)
            token.send(CAROL, "share")
            token.send(MALLORY, "transfer", text(BOB), 0)
        pay(world, token, OPEN_UNIT)
        total = OPEN_UNIT + 4 * dust_wei
        paid = claimed(world, token, ALICE) + claimed(world, token, BOB)
        assert total - 8 <= paid <= total


# --- Recipients -------------------------------------------------------------------------------------------


def test_a_recipient_that_claims_again_while_it_is_paid_gets_nothing_more(l2: Machine) -> None:
    token = token_of(l2, supply=SUPPLY)
    token.send(ALICE, "transfer", text(MALLORY), SUPPLY // 2)
    l2.state.set_code(MALLORY, reentering_code(token.address, BOB))
    bob_wei = l2.balance(BOB)
    pay(l2, token, 8 * OPEN_UNIT)
    outcome = token.send(MALLORY, "claim", text(MALLORY))
    claims = [each for each in token.events(outcome) if each.name == "RevenueClaimed"]
    assert sorted(each.arguments["amount"] for each in claims) == [0, 4 * OPEN_UNIT]
    assert l2.balance(MALLORY) == 4 * OPEN_UNIT
    assert l2.balance(BOB) == bob_wei
    assert claimed(l2, token, ALICE) == 4 * OPEN_UNIT


def test_a_recipient_that_refuses_money_keeps_its_claim_and_stops_nobody(l2: Machine) -> None:
    token = token_of(l2, supply=SUPPLY)
    token.send(ALICE, "transfer", text(MALLORY), SUPPLY // 2)
    l2.state.set_code(MALLORY, REFUSES)
    pay(l2, token, 8 * OPEN_UNIT)
    assert claimed(l2, token, ALICE) == 4 * OPEN_UNIT
    with pytest.raises(Reverted):
        token.send(MALLORY, "claim", text(MALLORY))
    assert claimed(l2, token, MALLORY, CAROL) == 4 * OPEN_UNIT
