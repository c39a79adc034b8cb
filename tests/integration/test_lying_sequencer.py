"""A sequencer that leaves deposits out, as a process: its own feed shows the lie, the L1 overrules it."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.soak.processes import Cluster, Node, running_cluster
from genesis.networks import DEV_DEPLOYER
from genesis.spec import OPEN_UNIT
from genesis.types import Address
from openledger_node.client.account import dev_account
from openledger_node.client.bridge import l1_contract
from openledger_node.client.sender import Sender
from rollup_bridge.deposits.transaction import DEPOSIT_TYPE
from tests.clients.programs import require_npm

pytestmark = [pytest.mark.npm, pytest.mark.slow]

LYING = "tests.integration.lying_sequencer"
DEPOSITORS = 3
PATIENCE_S = 240.0


async def deposit(cluster: Cluster, to: Address) -> None:
    deployer, config = dev_account(DEV_DEPLOYER), cluster.config
    sender = Sender(cluster.l1, deployer)
    token, portal = l1_contract("OpenToken", config.open_token), l1_contract("Portal", config.portal)
    await sender.transact(token, "approve", config.portal, OPEN_UNIT)
    fields = (to, OPEN_UNIT, OPEN_UNIT, 100_000, False, b"")
    await sender.transact(portal, "depositERC20Transaction", *fields)


async def balance(node: Node, who: Address, tag: str) -> int:
    answer = await node.call("eth_getBalance", "0x" + who.hex(), tag)
    return -1 if answer is None else int(answer, 16)


@pytest.mark.timeout(900)
async def test_deposits_that_a_lying_sequencer_leaves_out_are_derived_all_the_same(tmp_path: Path) -> None:
    require_npm()
    async with running_cluster(tmp_path, programs={"sequencer": LYING}) as cluster:
        verifier, sequencer = cluster.nodes["verifier"], cluster.nodes["sequencer"]
        async with asyncio.timeout(PATIENCE_S):
            while await verifier.height("safe") < 3:
                await asyncio.sleep(0.5)
            for number in range(DEPOSITORS):
                await deposit(cluster, Address(bytes([0xDD] * 19 + [number])))
            for number in range(DEPOSITORS):
                who = Address(bytes([0xDD] * 19 + [number]))
                for node in (verifier, sequencer):
                    while await balance(node, who, "safe") != OPEN_UNIT:
                        await asyncio.sleep(0.5)
            height = min(await verifier.height("safe"), await sequencer.height("safe"))
            fresh = cluster.add("fresh", "--role", "verifier").start()
            while await fresh.height("safe") < height:
                await asyncio.sleep(0.5)
        blocks = [await fresh.rpc.call("eth_getBlockByNumber", hex(n), True) for n in range(1, height + 1)]
        deposits = sum(_is_deposit(each) for block in blocks for each in block["transactions"][1:])
        assert deposits == DEPOSITORS, "all there, in a chain that its sequencer did not want"
        for block in blocks:
            for node in (verifier, sequencer):
                own = await node.rpc.call("eth_getBlockByNumber", block["number"], True)
                assert own == block
        replaced = sequencer.log.read_text().count("is replaced: transactions differ")
        assert replaced >= 1, "its own derivation overruled it"
        assert fresh.stop() == 0
        await fresh.rpc.close()


def _is_deposit(transaction: dict[str, str]) -> bool:
    return int(transaction["type"], 16) == DEPOSIT_TYPE
