"""A proposer lies on the L1; validators dispute it as processes, it loses root and stake, they take over."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.soak.processes import Node, running_cluster
from genesis.networks import DEV, DEV_DEPLOYER, DEV_PROPOSER
from openledger_node.client.account import Account, dev_account
from openledger_node.client.bridge import l1_contract
from openledger_node.client.ethereum import from_hex
from tests.clients.programs import require_npm
from tests.integration.test_l1_validator import STAKE_WEI, World, validator

pytestmark = [pytest.mark.npm, pytest.mark.slow]

PRESET = replace(
    DEV,
    finalization_period_s=60,
    proposer_grace_s=30,
    unbonding_s=900,
    disputes=replace(DEV.disputes, clock_s=20),
)
PATIENCE_S = 420.0


async def ready(world: World, name: bytes) -> Account:
    """A staked account with OPEN for a few bonds."""
    account = await world.staked(name)
    token = l1_contract("OpenToken", world.cluster.config.open_token)
    await world.send(dev_account(DEV_DEPLOYER), token, "transfer", account.address, 4 * DEV.disputes.bond_wei)
    return account


@pytest.mark.timeout(1200)
async def test_a_lie_costs_the_proposer_its_stake_and_its_place(tmp_path: Path) -> None:
    require_npm()
    lying = {"proposer": "tests.integration.lying_proposer"}
    async with running_cluster(tmp_path, epoch_slots=1, programs=lying, preset=PRESET) as cluster:
        oracle = l1_contract("OutputOracle", cluster.config.output_oracle)
        world = World(cluster, l1_contract("ValidatorStaking", await cluster.l1.read(oracle, "staking")))
        accounts = [await ready(world, b"disputer%d" % number) for number in range(2)]
        nodes = [validator(cluster, f"v{n}", account)[0].start() for n, account in enumerate(accounts)]
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await cluster.l1.events(oracle, "OutputsDeleted"):
                    await asyncio.sleep(1)
                await _right_root_by(world, accounts, cluster.nodes["verifier"])
            proposer = dev_account(DEV_PROPOSER).address
            assert await world.read("activeStake", proposer) < STAKE_WEI
            assert not await cluster.l1.read(oracle, "mayPropose", proposer)
        finally:
            for node in nodes:
                node.stop()
                await node.rpc.close()
        assert [node.traces() for node in nodes] == [0, 0]


async def _right_root_by(world: World, accounts: list[Account], verifier: Node) -> None:
    """Wait for an output that a verifier agrees with, proposed by one of the validators."""
    oracle = l1_contract("OutputOracle", world.cluster.config.output_oracle)
    proposers = {account.address for account in accounts}
    while True:
        await asyncio.sleep(1)
        count = await world.cluster.l1.read(oracle, "nextOutputIndex")
        for index in range(count):
            output = await world.cluster.l1.read(oracle, "getL2Output", index)
            own = await verifier.call("optimism_outputAtBlock", hex(output["l2BlockNumber"]))
            made_by = await world.cluster.l1.read(oracle, "submission", index)
            if own and from_hex(own["outputRoot"]) == output["outputRoot"]:
                assert made_by["proposer"] in proposers
                return
