"""Sending: receipts with events, decoded reverts, nonces under concurrency, a node that goes away."""

import asyncio

import pytest

from genesis.policy import DEV_POLICY
from genesis.spec import OPEN_UNIT
from genesis.types import Address
from openledger_node.client.account import dev_account
from openledger_node.client.economy import DATANETS, METERING, ROLE_PROVIDER, STAKING, EconomyReader
from openledger_node.client.errors import NotIncludedError, RevertedError
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.sender import Sender
from tests.client.law_node import LawNode
from tests.jobs.fakes import ManualClock

CREATE = ("Digits", "sha256:00", bytes(32), b"cc0".ljust(32, b"\0"), 0, 0)


@pytest.fixture
def node() -> LawNode:
    return LawNode()


def sender(node: LawNode, index: int = 0, clock: ManualClock | None = None) -> Sender:
    return Sender(Ethereum(node), dev_account(index), clock or ManualClock())


async def test_a_mined_call_brings_its_events(node: LawNode) -> None:
    mined = await sender(node).transact(DATANETS, "createDatanet", *CREATE)
    event = mined.event("DatanetCreated")
    assert event.arguments["datanetId"] == 1
    assert event.arguments["name"] == "Digits"
    assert event.arguments["owner"] == dev_account(0).address
    assert mined.fee_wei == mined.gas_used * 10**9


async def test_value_reaches_the_precompile_and_reads_are_typed(node: LawNode) -> None:
    await sender(node, 16).transact(STAKING, "stake", ROLE_PROVIDER, value_wei=200 * OPEN_UNIT)
    reader = EconomyReader(Ethereum(node))
    assert await reader.stake_wei(dev_account(16).address, ROLE_PROVIDER) == 200 * OPEN_UNIT
    assert await reader.policy(1) == DEV_POLICY


async def test_a_revert_is_named_before_anything_is_sent(node: LawNode) -> None:
    with pytest.raises(RevertedError) as caught:
        await sender(node).transact(DATANETS, "publishVersion", 77)
    assert caught.value.name == "DatanetNotFound"
    assert caught.value.arguments == {"datanetId": 77}
    assert node.sent == []


async def test_a_mined_revert_is_named_too(node: LawNode) -> None:
    with pytest.raises(RevertedError) as caught:
        await sender(node).transact(DATANETS, "publishVersion", 77, gas=100_000)
    assert caught.value.name == "DatanetNotFound"
    assert len(node.sent) == 1


async def test_a_view_that_reverts_is_named(node: LawNode) -> None:
    with pytest.raises(RevertedError) as caught:
        await Ethereum(node).read(METERING, "getChannel", bytes(32))
    assert caught.value.name == "ChannelNotFound"


async def test_calls_at_once_get_nonces_of_their_own(node: LawNode) -> None:
    one = sender(node)
    mined = await asyncio.gather(*(one.transact(DATANETS, "createDatanet", *CREATE) for _ in range(8)))
    assert sorted(m.event("DatanetCreated").arguments["datanetId"] for m in mined) == list(range(1, 9))
    assert node.nonces[dev_account(0).address] == 8


async def test_a_nonce_somebody_else_took_is_replaced(node: LawNode) -> None:
    one, other = sender(node), sender(node)
    await one.transact(DATANETS, "createDatanet", *CREATE)
    await other.transact(DATANETS, "createDatanet", *CREATE)
    await one.transact(DATANETS, "createDatanet", *CREATE)
    assert node.nonces[dev_account(0).address] == 3


async def test_a_transaction_nobody_mines_is_resent_and_then_given_up(node: LawNode) -> None:
    clock = ManualClock()
    node.swallow = True
    with pytest.raises(NotIncludedError):
        await sender(node, clock=clock).transact(DATANETS, "createDatanet", *CREATE, timeout_s=12.0)
    assert len(node.sent) == 3
    assert len(set(node.sent)) == 1


async def test_transfers_move_native_tokens(node: LawNode) -> None:
    stranger = Address(b"\x77" * 20)
    await sender(node).transfer(stranger, 5)
    assert await Ethereum(node).balance_wei(stranger) == 5
