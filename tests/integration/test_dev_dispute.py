"""A development network defends its roots by itself: somebody challenges one, and pays for it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from genesis.networks import DEV, DEV_DEPLOYER, DEV_PROPOSER, DEV_VALIDATOR
from openledger_node.client.account import dev_account
from openledger_node.client.bridge import l1_contract
from openledger_node.client.contract import Contract
from openledger_node.client.errors import RemoteError, RevertedError
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.rpc import HttpRpc
from openledger_node.client.sender import Sender
from openledger_node.node.network_files import load_rollup_config
from rollup_bridge.challenger.records import Status
from tests.integration.network import DevNode

pytestmark = pytest.mark.slow

PATIENCE_S = 200.0
BOND_WEI = DEV.disputes.bond_wei


@pytest.fixture
async def l1(tmp_path: Path) -> AsyncIterator[tuple[Ethereum, Path]]:
    """The L1 of a running network, and the network's file."""
    node = DevNode(tmp_path / "dev").start()
    try:
        async with HttpRpc(node.url("l1")) as rpc:
            yield Ethereum(rpc), node.datadir / "rollup.json"
    finally:
        node.close()


async def _challenge(sender: Sender, l1: Ethereum, oracle: Contract, game: Contract) -> None:
    """Challenge the newest output, whose window is short."""
    while True:
        count = await l1.read(oracle, "nextOutputIndex")
        if count:
            output = await l1.read(oracle, "getL2Output", count - 1)
            try:
                await sender.transact(game, "challenge", count - 1, output["outputRoot"])
            except (RemoteError, RevertedError):
                pass  # it is final by now
            else:
                return
        await asyncio.sleep(0.2)


@pytest.mark.timeout(600)
async def test_a_challenge_of_a_right_root_is_warded_off(l1: tuple[Ethereum, Path]) -> None:
    chain, file = l1
    config = load_rollup_config(file)
    oracle = l1_contract("OutputOracle", config.output_oracle)
    game = l1_contract("DisputeGame", await chain.read(oracle, "disputeGame"))
    token = l1_contract("OpenToken", config.open_token)
    sender = Sender(chain, dev_account(DEV_DEPLOYER))
    await sender.transact(token, "approve", game.address, BOND_WEI)
    before: dict[int, int] = {}
    for index in (DEV_PROPOSER, DEV_VALIDATOR):
        before[index] = await chain.read(token, "balanceOf", dev_account(index).address)
    await _challenge(sender, chain, oracle, game)
    async with asyncio.timeout(PATIENCE_S):
        while (challenge := await _state(chain, game))["status"] == Status.OPEN:
            await asyncio.sleep(1)
        assert challenge["status"] == Status.FAILED
        while sum([await _gain(chain, token, index, before) for index in before]) <= 0:
            await asyncio.sleep(1)
    assert await chain.read(oracle, "openDisputes", challenge["outputIndex"]) == 0


async def _state(chain: Ethereum, game: Contract) -> Any:
    return await chain.read(game, "challengeAt", 0)


async def _gain(chain: Ethereum, token: Contract, index: int, before: dict[int, int]) -> int:
    held = await chain.read(token, "balanceOf", dev_account(index).address)
    return int(held - before[index])
