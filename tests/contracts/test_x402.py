"""x402 payments on chain: signed by x402's own client, collected once, split among everybody."""

from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account as EthAccount
from x402.mechanisms.evm.upto import UptoEvmClientScheme
from x402.schemas import PaymentRequirements

from genesis.addresses import (
    INFERENCE_METERING,
    MODEL_REGISTRY,
    OP_WETH9,
    PERMIT2,
    STAKING,
    X402_RECEIVERS,
    X402_UPTO_PROXY,
)
from genesis.predeploys import ARTIFACTS
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Hash32
from tests.contracts.machine import Contract, Machine, Reverted
from tests.contracts.rollup import ALICE, BOB
from tests.contracts.twins import CAROL, machine_with_twins, precompile, send

HASH = Hash32(b"\x11" * 32)
MODEL = 1
CUSTOMER = EthAccount.from_key(b"\x77" * 32)
PAYER = Address(bytes.fromhex(CUSTOMER.address[2:]))
MOST_WEI = 3 * OPEN_UNIT


@pytest.fixture(scope="module")
def world() -> Machine:
    """Alice's model, Bob as its provider with a receiver, a payer with WOPEN that trusts Permit2."""
    machine = machine_with_twins()
    send(machine, ALICE, STAKING, "stake", 2, value=100 * OPEN_UNIT)
    send(machine, ALICE, MODEL_REGISTRY, "registerModel", HASH, 0, HASH, [], [], b"uri")
    send(machine, ALICE, MODEL_REGISTRY, "setPrice", MODEL, OPEN_UNIT, OPEN_UNIT)
    send(machine, ALICE, MODEL_REGISTRY, "commitFeatureIndex", MODEL, HASH, HASH, HASH, HASH, 1, 1, 1, b"uri")
    send(machine, BOB, STAKING, "stake", 2, value=100 * OPEN_UNIT)
    machine.advance(10)
    machine.state.set_balance(PAYER, 100 * OPEN_UNIT)
    token = Contract.at(machine, OP_WETH9, ARTIFACTS, "WOPEN")
    token.send(PAYER, "deposit", value=10 * OPEN_UNIT)
    token.send(PAYER, "approve", PERMIT2, 2**256 - 1)
    Contract.at(machine, X402_RECEIVERS, ARTIFACTS, "X402Receivers").send(CAROL, "create", BOB, MODEL)
    return machine


@pytest.fixture
def l2(world: Machine) -> Iterator[Machine]:
    with world.rolled_back():
        yield world


def receiver(machine: Machine) -> Contract:
    factory = Contract.at(machine, X402_RECEIVERS, ARTIFACTS, "X402Receivers")
    return Contract.at(machine, address(factory.read("receiverOf", BOB, MODEL)), ARTIFACTS, "X402Receiver")


def address(text: str) -> Address:
    return Address(bytes.fromhex(text[2:]))


def signed(pay_to: Address, facilitator: Address | None = None, amount_wei: int = MOST_WEI) -> dict[str, Any]:
    """What x402's client sends for a payment of at most so much."""
    requirements = PaymentRequirements(
        scheme="upto",
        network="eip155:31337",
        asset=f"0x{OP_WETH9.hex()}",
        amount=str(amount_wei),
        pay_to=f"0x{pay_to.hex()}",
        max_timeout_seconds=300,
        extra={"facilitatorAddress": f"0x{(facilitator or pay_to).hex()}"},
    )
    return UptoEvmClientScheme(CUSTOMER).create_payment_payload(requirements)


def permit(payment: dict[str, Any]) -> tuple[Any, ...]:
    said = payment["permit2Authorization"]
    permitted = (OP_WETH9, int(said["permitted"]["amount"]))
    return (permitted, int(said["nonce"]), int(said["deadline"]))


def signature(payment: dict[str, Any]) -> bytes:
    return bytes.fromhex(payment["signature"][2:])


def collect(
    machine: Machine, payment: dict[str, Any], amount_wei: int, sender: Address = BOB, payer: Address = PAYER
) -> None:
    contract = receiver(machine)
    arguments = (permit(payment), amount_wei, payer, 0, signature(payment))
    contract.send(sender, "collect", contract.read("channelOf", PAYER), *arguments)


def test_what_was_used_becomes_the_payers_channel_and_no_more(l2: Machine) -> None:
    contract, metering = receiver(l2), precompile(l2, INFERENCE_METERING)
    contract.send(BOB, "openChannel", PAYER, value=1)
    payment = signed(contract.address)
    collect(l2, payment, 2 * OPEN_UNIT)
    token = Contract.at(l2, OP_WETH9, ARTIFACTS, "WOPEN")
    assert token.read("balanceOf", PAYER) == 8 * OPEN_UNIT
    channel = metering.read("getChannel", contract.read("channelOf", PAYER))
    assert [address(each) for each in channel[:3]] == [contract.address, BOB, BOB]
    assert channel[8] == 2 * OPEN_UNIT + 1
    assert contract.read("collectedOf", PAYER, permit(payment)[1]) == 2 * OPEN_UNIT
    assert l2.balance(contract.address) == 0


def test_a_payment_is_collected_once(l2: Machine) -> None:
    receiver(l2).send(BOB, "openChannel", PAYER, value=1)
    payment = signed(receiver(l2).address)
    collect(l2, payment, OPEN_UNIT)
    with pytest.raises(Reverted):
        collect(l2, payment, OPEN_UNIT)


def test_more_than_was_signed_is_refused(l2: Machine) -> None:
    receiver(l2).send(BOB, "openChannel", PAYER, value=1)
    with pytest.raises(Reverted):
        collect(l2, signed(receiver(l2).address), MOST_WEI + 1)


def test_nobody_but_the_provider_collects(l2: Machine) -> None:
    contract = receiver(l2)
    contract.send(BOB, "openChannel", PAYER, value=1)
    with pytest.raises(Reverted, match="NotProvider"):
        collect(l2, signed(contract.address), OPEN_UNIT, sender=CAROL)
    with pytest.raises(Reverted, match="NotProvider"):
        contract.send(CAROL, "openChannel", PAYER, value=1)
    assert not l2.transact(CAROL, contract.address, value=1).ok, "it takes no gifts"


def test_a_payment_goes_to_its_own_payers_channel_only(l2: Machine) -> None:
    contract = receiver(l2)
    contract.send(BOB, "openChannel", CAROL, value=1)
    payment = signed(contract.address)
    with pytest.raises(Reverted, match="NotPayersChannel"):
        arguments = (permit(payment), OPEN_UNIT, PAYER, 0, signature(payment))
        contract.send(BOB, "collect", contract.read("channelOf", CAROL), *arguments)


def test_a_payment_for_somebody_else_cannot_be_taken(l2: Machine) -> None:
    """Neither by another recipient's signature nor by who is not the facilitator it names."""
    contract = receiver(l2)
    contract.send(BOB, "openChannel", PAYER, value=1)
    with pytest.raises(Reverted):
        collect(l2, signed(CAROL), OPEN_UNIT)
    proxy = Contract.at(l2, X402_UPTO_PROXY, ARTIFACTS, "X402UptoPermit2Proxy")
    payment = signed(contract.address)
    witness = (contract.address, contract.address, 0)
    with pytest.raises(Reverted, match="UnauthorizedFacilitator"):
        proxy.send(BOB, "settle", permit(payment), OPEN_UNIT, PAYER, witness, signature(payment))


@pytest.mark.parametrize(
    ("amount", "owner", "to", "valid_after", "error"),
    [
        (0, PAYER, CAROL, 0, "InvalidAmount"),
        (MOST_WEI + 1, PAYER, CAROL, 0, "AmountExceedsPermitted"),
        (1, Address(bytes(20)), CAROL, 0, "InvalidOwner"),
        (1, PAYER, Address(bytes(20)), 0, "InvalidDestination"),
        (1, PAYER, CAROL, 2**40, "PaymentTooEarly"),
    ],
)
def test_the_proxy_refuses_by_x402s_names(  # noqa: PLR0917 - a case
    l2: Machine, amount: int, owner: Address, to: Address, valid_after: int, error: str
) -> None:
    proxy = Contract.at(l2, X402_UPTO_PROXY, ARTIFACTS, "X402UptoPermit2Proxy")
    payment = signed(CAROL, BOB)
    with pytest.raises(Reverted, match=error):
        proxy.send(BOB, "settle", permit(payment), amount, owner, (to, BOB, valid_after), signature(payment))


def test_the_proxy_pays_anybody_a_client_of_x402_signed_for(l2: Machine) -> None:
    proxy = Contract.at(l2, X402_UPTO_PROXY, ARTIFACTS, "X402UptoPermit2Proxy")
    payment = signed(CAROL, BOB)
    proxy.send(BOB, "settle", permit(payment), 5, PAYER, (CAROL, BOB, 0), signature(payment))
    assert Contract.at(l2, OP_WETH9, ARTIFACTS, "WOPEN").read("balanceOf", CAROL) == 5


def test_a_token_without_permits_is_paid_by_its_approval(l2: Machine) -> None:
    proxy = Contract.at(l2, X402_UPTO_PROXY, ARTIFACTS, "X402UptoPermit2Proxy")
    payment = signed(CAROL, BOB)
    approval = (MOST_WEI, 2**40, HASH, HASH, 27)
    arguments = (permit(payment), 5, PAYER, (CAROL, BOB, 0), signature(payment))
    proxy.send(BOB, "settleWithPermit", approval, *arguments)
    with pytest.raises(Reverted, match="Permit2612AmountMismatch"):
        proxy.send(BOB, "settleWithPermit", (1, *approval[1:]), *arguments)


def test_a_receiver_is_made_once_by_anybody(l2: Machine) -> None:
    factory = Contract.at(l2, X402_RECEIVERS, ARTIFACTS, "X402Receivers")
    where = address(factory.read("receiverOf", CAROL, 7))
    assert where != receiver(l2).address
    for _ in range(2):
        factory.send(ALICE, "create", CAROL, 7)
    made = Contract.at(l2, where, ARTIFACTS, "X402Receiver")
    assert (address(made.read("provider")), made.read("modelId")) == (CAROL, 7)
