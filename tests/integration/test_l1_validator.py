"""Validators as processes on an anvil: they attest, survive kills, refuse old copies, and slash a liar."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.soak.processes import Cluster, Node, running_cluster
from genesis.keccak import keccak256
from genesis.networks import DEV, DEV_DEPLOYER
from genesis.spec import BlockId
from genesis.types import Hash32
from openledger_node.client.account import Account, dev_account
from openledger_node.client.bridge import l1_contract
from openledger_node.client.contract import Contract
from openledger_node.client.ethereum import from_hex
from openledger_node.client.sender import Sender
from openledger_node.node.keys import write_key
from openledger_node.node.slashing_protection import RECORD_FILE
from rollup_bridge.validator.attestation import Attestation, attestation_digest
from tests.clients.programs import require_npm
from tests.integration.services import refusal

pytestmark = [pytest.mark.npm, pytest.mark.slow]
STAKE_WEI = DEV.minimum_validator_stake_wei


class World:
    """A running network and its staking contract."""

    def __init__(self, cluster: Cluster, staking: Contract) -> None:
        self.cluster = cluster
        self.staking = staking

    async def read(self, method: str, *arguments: Any) -> Any:
        return await self.cluster.l1.read(self.staking, method, *arguments)

    async def send(self, account: Account, contract: Contract, method: str, *arguments: Any) -> None:
        await Sender(self.cluster.l1, account).transact(contract, method, *arguments)

    async def staked(self, name: bytes) -> Account:
        """An account with stake and ether."""
        account, deployer = Account(keccak256(name)), dev_account(DEV_DEPLOYER)
        await self.cluster.l1.rpc.call("anvil_setBalance", "0x" + account.address.hex(), hex(10**20))
        token = l1_contract("OpenToken", self.cluster.config.open_token)
        await self.send(deployer, token, "approve", self.staking.address, STAKE_WEI)
        await self.send(deployer, self.staking, "stakeFor", account.address, STAKE_WEI)
        return account

    async def attested(self, account: Account) -> list[int]:
        events = await self.cluster.l1.events(self.staking, "Attested", account.address)
        return [event.arguments["l2BlockNumber"] for event in events]

    async def is_attester(self, account: Account) -> bool:
        """Whether the account may attest for the rest of this epoch, once its seed is known."""
        epoch = await self.cluster.l1.block_number() // DEV.disputes.epoch_blocks
        return (await self.read("seedOf", epoch)) != bytes(32) and not await self.read(
            "isJuror", account.address, epoch
        )


async def until(condition: Callable[[], Awaitable[bool]], what: str, patience_s: float = 120.0) -> None:
    try:
        async with asyncio.timeout(patience_s):
            while not await condition():
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise AssertionError(f"after {patience_s:.0f} s still not: {what}") from None


def validator(cluster: Cluster, name: str, account: Account) -> tuple[Node, Path]:
    """A node of its own and its key file."""
    sign = account._key.to_bytes()
    key = write_key(cluster.directory / f"{name}.key", sign)
    return cluster.add(name, "--role", "validator", "--keys.validator", str(key)), key


@pytest.mark.timeout(900)
async def test_validators_attest_survive_and_slash(tmp_path: Path) -> None:
    require_npm()
    async with running_cluster(tmp_path, epoch_slots=1) as cluster:
        oracle = l1_contract("OutputOracle", cluster.config.output_oracle)
        staking = l1_contract("ValidatorStaking", await cluster.l1.read(oracle, "staking"))
        world = World(cluster, staking)
        accounts = [await world.staked(b"validator%d" % number) for number in range(4)]
        nodes = {account.address: validator(cluster, f"v{n}", account) for n, account in enumerate(accounts)}
        for node, _ in nodes.values():
            node.start()
        try:
            honest = await _first_to_attest(world, accounts)
            node, key = nodes[honest.address]
            await _kill_and_copy(world, honest, node, key)
            await _slash(world, accounts)
        finally:
            for node, _ in nodes.values():
                node.stop()
                await node.rpc.close()
        assert all(node.traces() == 0 for node, _ in nodes.values())


async def _first_to_attest(world: World, accounts: list[Account]) -> Account:
    found: list[Account] = []

    async def somebody() -> bool:
        found[:] = [each for each in accounts if len(await world.attested(each)) >= 2]
        return bool(found)

    await until(somebody, "two attestations of one validator", 240)
    return found[0]


async def _kill_and_copy(world: World, account: Account, node: Node, key: Path) -> None:
    data = world.cluster.directory / node.name
    node.kill()
    copy = world.cluster.directory / "copy.sqlite"
    shutil.copy(data / RECORD_FILE, copy)
    before = len(await world.attested(account))
    node.start()
    await until(lambda: _more(world, account, before), "attestations after kill -9", 240)
    node.kill()
    newest = world.cluster.directory / "newest.sqlite"
    shutil.copy(data / RECORD_FILE, newest)
    for left in data.glob(f"{RECORD_FILE}-*"):
        left.unlink()
    shutil.copy(copy, data / RECORD_FILE)
    arguments = ["run", *world.cluster.common, "--role", "validator", "--keys.validator", str(key)]
    ports = ["--http.port", "0", "--metrics.port", "0", "--datadir", str(data)]
    assert "this data directory is an old copy" in refusal(*arguments, *ports)
    shutil.copy(newest, data / RECORD_FILE)
    node.start()
    numbers = await world.attested(account)
    assert len(set(numbers)) == len(numbers), "one attestation for each output"


async def _more(world: World, account: Account, than: int) -> bool:
    return len(await world.attested(account)) > than


async def _slash(world: World, accounts: list[Account]) -> None:
    """A validator that signs two roots of one block is slashed by the others, whoever is first."""
    liars = [await world.staked(b"liar%d" % number) for number in range(6)]

    async def some_liar_attests() -> bool:
        return any([await world.is_attester(liar) for liar in liars])

    await until(some_liar_attests, "a seed that lets a liar attest", 240)
    liar = [each for each in liars if await world.is_attester(each)].pop()
    block = await world.cluster.l1.block(await world.cluster.l1.block_number() - 3)
    place = BlockId(Hash32(from_hex(block["hash"])), int(block["number"], 16))
    for root in (b"one", b"two"):
        attestation = Attestation(5, keccak256(root), place)
        digest = attestation_digest(31337, world.staking.address, attestation)
        arguments = (attestation.fields, liar.sign_digest(digest))
        await world.send(liar, world.staking, "attest", *arguments)

    async def slashed() -> bool:
        return bool(await world.read("activeStake", liar.address) == STAKE_WEI // 2)

    await until(slashed, "the liar's slash")
    events = await world.cluster.l1.events(world.staking, "Slashed", liar.address)
    [event] = events
    assert event.arguments["reporter"] in {account.address for account in accounts}
