"""Juries on a running network: forging a row or a query costs the stake, a false accusation its bond.

A `dev` node and three further validators, all in processes of their own with workers of their own. Everybody
is told apart by balances and events on chain; nothing is called inside of the processes.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from genesis.commitments import word
from genesis.keccak import keccak256
from genesis.networks import DEV_VALIDATOR
from genesis.policy import DEV_POLICY
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Hash32
from openledger_node.client.account import dev_account, dev_private_key
from openledger_node.client.economy import (
    ATTRIBUTION,
    DATANETS,
    METERING,
    MODELS,
    ROLE_PROVIDER,
    ROLE_VALIDATOR,
    STAKING,
    EconomyReader,
)
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import DEV_OPERATOR_TOKEN, GatewayClient
from openledger_node.client.rpc import HttpRpc
from openledger_node.client.sender import Mined, Sender
from openledger_node.node.keys import write_key
from openledger_node.validator.cases import row_leaf
from openledger_node.validator.documents import Documents
from openledger_node.validator.query_cases import Contested, QueryCases
from precompiles.views.attribution import INDEX_KEY, INDEX_VOID, VOID_SETTLEMENT
from precompiles.views.juries import QUERY, RIGHT, WRONG
from tests.integration.network import DevNode
from tests.integration.services import free_port, service
from tests.jobs.economy import (
    BUILDER,
    CHAIN_ID,
    CUSTOMER,
    DEPOSIT_WEI,
    INPUT_PRICE_WEI,
    OUTPUT_PRICE_WEI,
    OWNER,
    SECOND_PROVIDER,
    STAKE_WEI,
    Economy,
    InlinePool,
    Trained,
    trained,
)
from tests.validator.contesting import FORGED, kept, of_customer, posted
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.attribution.index import (
    FeatureIndex,
    Rows,
    Sums,
    publish_index,
    read_index,
    read_rows,
    sums_of,
)
from workers.datasets.contribution import summarize

pytestmark = pytest.mark.slow

JURORS = (3, 8, 9)
ACCUSER = 1
PATIENCE_S = 240.0
SALT = keccak256(b"a false accusation")


class PublishingStore(ArtifactStore):
    """What a provider keeps and publishes at once: validators demand what they cannot read."""

    def __init__(self, directory: Path, gateway: str) -> None:
        super().__init__(directory)
        self._gateway = gateway

    def put(self, data: bytes) -> ArtifactId:
        name = super().put(data)
        headers = {"Authorization": f"Bearer {DEV_OPERATOR_TOKEN}"}
        url = f"{self._gateway}/artifacts/{name}"
        requests.put(url, data, headers=headers, timeout=30).raise_for_status()
        return name


@dataclass
class Network:
    """The running network as a stranger sees it."""

    node: DevNode
    ethereum: Ethereum
    gateway: GatewayClient
    made: Trained
    store: ArtifactStore

    async def send(
        self, index: int, contract: Any, method: str, *arguments: Any, value_wei: int = 0
    ) -> Mined:
        account = dev_account(index)
        return await Sender(self.ethereum, account).transact(
            contract, method, *arguments, value_wei=value_wei
        )

    async def read(self, contract: Any, method: str, *arguments: Any) -> Any:
        return await self.ethereum.read(contract, method, *arguments)

    async def balance(self, index: int) -> int:
        account = dev_account(index).address
        return int(await self.ethereum.rpc.call("eth_getBalance", f"0x{account.hex()}", "latest"), 16)

    async def publish(self) -> None:
        """Everything up to a registered model: five contributions, a version, stakes."""
        for data in self.made.files.values():
            await self.gateway.put_artifact(data)
        card = ("Digits", "sha256:00", bytes(32), b"cc0".ljust(32, b"\0"), 0, 0)
        await self.send(OWNER, DATANETS, "createDatanet", *card)
        for person, part in enumerate(self.made.parts, 1):
            owner = dev_account(person).address
            found = summarize(part, chain_id=CHAIN_ID, datanet_id=1, contributor=owner)
            what = (1, found.root, found.records, found.size_bytes)
            await self.send(person, DATANETS, "contribute", *what, value_wei=OPEN_UNIT)
        for person, part in enumerate(self.made.parts, 1):
            name = await self.gateway.put_artifact(part)
            await self.send(person, DATANETS, "reveal", person, f"sha256:{name}")
            await self.send(OWNER, DATANETS, "review", person, True, 10_000)
        await self.send(OWNER, DATANETS, "publishVersion", 1)
        model = self.made.model
        hashes = (bytes.fromhex(model.model), 0, bytes.fromhex(model.manifest))
        await self.send(BUILDER, MODELS, "registerModel", *hashes, [1], [1], f"sha256:{model.manifest}")
        await self.send(BUILDER, MODELS, "setPrice", 1, INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)
        await self.send(SECOND_PROVIDER, STAKING, "stake", ROLE_PROVIDER, value_wei=STAKE_WEI)
        await self.send(BUILDER, STAKING, "stake", ROLE_PROVIDER, value_wei=STAKE_WEI)

    async def commit_index(self, forged_place: int | None = None) -> int:
        """Publish and commit the model's index, honest or with one row that is not its record's."""
        index = read_index(self.store, self.made.index.index)
        rows = read_rows(self.store, index.rows)
        sums, name = index.sums, self.made.index.index
        if forged_place is not None:
            mantissas = rows.mantissas.copy()
            mantissas[forged_place] = np.roll(mantissas[forged_place], 1)
            rows = replace(rows, mantissas=mantissas)
            sums = sums_of(rows, index.sums.contributors)
            name = await self.publish_index(index, rows, sums)
        return await self.send_index(index, rows, sums, name)

    async def publish_index(self, honest: FeatureIndex, rows: Rows, sums: Sums) -> ArtifactId:
        """Another index of the same model, where everybody reads it; returns its document's name."""
        named = {
            "manifest": honest.manifest,
            "preconditioner": honest.preconditioner,
            "numeric_profile": honest.numeric_profile,
        }
        name = publish_index(self.store, named, rows, sums)
        for path in self.store.directory.iterdir():
            await self.gateway.put_artifact(path.read_bytes())
        return name

    async def send_index(self, index: FeatureIndex, rows: Rows, sums: Sums, name: ArtifactId) -> int:
        """Commit it as the builder; returns its id."""
        mined = await self.send(
            BUILDER,
            MODELS,
            "commitFeatureIndex",
            1,
            rows.root(),
            sums.root(),
            bytes.fromhex(index.preconditioner),
            bytes.fromhex(index.numeric_profile),
            len(rows.mantissas),
            len(sums.contributors),
            index.dimensions,
            f"sha256:{name}",
        )
        return int(mined.event("FeatureIndexCommitted").arguments["indexId"])

    async def channel(self, index_id: int) -> Economy:
        """A channel of the customer's with a provider that answers for itself."""
        provider, key = (dev_account(index).address for index in (SECOND_PROVIDER, CUSTOMER))
        async with asyncio.timeout(PATIENCE_S):
            index = await self.read(MODELS, "getFeatureIndex", index_id)
            while await self.ethereum.timestamp_s() < index["usableAt"]:
                await asyncio.sleep(0.5)
        opened = await self.send(CUSTOMER, METERING, "openChannel", provider, 1, key, value_wei=DEPOSIT_WEI)
        channel_id = Hash32(opened.event("ChannelOpened").arguments["channelId"])
        node: Any = self.ethereum.rpc
        store = PublishingStore(self.store.directory, self.node.url("gateway"))
        return Economy(node, store, self.made, channel_id, 1, index_id)

    async def closed(self, case_id: int) -> dict[str, Any]:
        """The case, once it is closed."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if await self.read(ATTRIBUTION, "juryCaseCount") >= case_id:
                    case: dict[str, Any] = await self.read(ATTRIBUTION, "getJuryCase", case_id)
                    if case["outcome"]:
                        return case
                await asyncio.sleep(0.5)


@contextlib.contextmanager
def validators(node: DevNode, directory: Path) -> Iterator[list[str]]:
    """Three more of them, each by the command of the role's page; yields where their figures are."""
    with contextlib.ExitStack() as running:
        metrics = []
        for index in JURORS:
            datadir = directory / f"juror{index}"
            key = write_key(datadir / "key", dev_private_key(index))
            port = free_port()
            arguments = ["run", "--role", "validator", "--datadir", str(datadir / "data")]
            arguments += ["--keys.validator", str(key), "--l2.url", node.url("rpc")]
            arguments += ["--l2.artifacts", f"{node.url('gateway')}/artifacts", "--metrics.port", port]
            running.enter_context(service(directory / f"juror{index}.log", *arguments))
            metrics.append(f"http://127.0.0.1:{port}/metrics")
        yield metrics


def figure(url: str, name: str) -> float:
    """One gauge of a validator; 0 while it does not answer."""
    with contextlib.suppress(requests.ConnectionError):
        lines = requests.get(url, timeout=10).text.splitlines()
        found = [line for line in lines if line.startswith(f"openledger_{name} ")]
        return float(found[0].split()[1]) if found else 0.0
    return 0.0


async def until_rows_are_checked(metrics: list[str]) -> None:
    """Workers take a while to load; an honest index wakes them."""
    async with asyncio.timeout(PATIENCE_S):
        while not all([await asyncio.to_thread(figure, url, "rows_recomputed") for url in metrics]):
            await asyncio.sleep(0.5)


@contextlib.asynccontextmanager
async def network(directory: Path) -> AsyncIterator[tuple[Network, list[str]]]:
    made = trained(str(directory / "trained"))
    store = ArtifactStore(directory / "trained")
    node = DevNode(directory / "dev").start()
    try:
        with validators(node, directory) as metrics:
            async with HttpRpc(node.url("rpc")) as rpc, GatewayClient(node.url("gateway")) as gateway:
                one = Network(node, Ethereum(rpc), gateway, made, store)
                for index in JURORS:
                    await one.send(index, STAKING, "stake", ROLE_VALIDATOR, value_wei=STAKE_WEI)
                await one.publish()
                yield one, metrics
        node.stop()
    finally:
        node.close()


async def accuse(one: Network, index_id: int, place: int) -> int:
    """What a liar with a bond can do: commit, and bring a right row before a jury; returns the case's id."""
    accuser = dev_account(ACCUSER).address
    commitment = keccak256(word(INDEX_KEY + index_id) + bytes(12) + accuser + SALT)
    bond_wei = DEV_POLICY.challenge_bond_wei
    await one.send(ACCUSER, ATTRIBUTION, "commitIndexChallenge", index_id, commitment, value_wei=bond_wei)
    inputs = await Documents(EconomyReader(one.ethereum), [one.store]).index_inputs(index_id)
    row = row_leaf(inputs, place)
    mined = await one.send(ACCUSER, ATTRIBUTION, "openRowCase", index_id, SALT, row)
    return int(mined.event("JuryCaseOpened").arguments["caseId"])


async def test_forgers_and_false_accusers_pay_and_jurors_earn(tmp_path: Path) -> None:
    async with network(tmp_path) as (one, metrics):
        await one.commit_index()
        await until_rows_are_checked(metrics)

        forged = await one.commit_index(forged_place=7)
        case = await one.closed(1)
        everyone = {dev_account(index).address: index for index in (DEV_VALIDATOR, *JURORS)}
        assert case["outcome"] == WRONG
        assert case["key"] == INDEX_KEY + forged
        assert case["position"] == 7
        assert Address(case["challenger"]) in everyone
        assert await one.read(ATTRIBUTION, "indexStatus", forged) == INDEX_VOID
        position = await one.read(STAKING, "position", dev_account(BUILDER).address, ROLE_PROVIDER)
        assert position["slashed"] == DEV_POLICY.slash_amount_wei
        await jurors_were_paid(one, 1)

        honest = await one.commit_index()
        before = await one.balance(BUILDER)
        accusation = await accuse(one, honest, 3)
        case = await one.closed(accusation)
        assert case["outcome"] == RIGHT
        assert await one.read(ATTRIBUTION, "indexStatus", honest) == 0
        paid_wei = await jurors_were_paid(one, accusation)
        assert await one.balance(BUILDER) - before == DEV_POLICY.challenge_bond_wei - paid_wei


async def jurors_were_paid(one: Network, case_id: int) -> int:
    """Every juror that revealed with the majority collects; returns what they got together."""
    case = await one.read(ATTRIBUTION, "getJuryCase", case_id)
    due_wei = case["payPerSeat"] * case["leaderSeats"]
    assert due_wei >= OPEN_UNIT
    async with asyncio.timeout(PATIENCE_S):
        while True:
            paid = await one.ethereum.events(ATTRIBUTION, "JurorPaid", case_id)
            if sum(event.arguments["amount"] for event in paid) == due_wei:
                return int(due_wei)
            await asyncio.sleep(0.5)


async def contest(one: Network, economy: Economy, *, forges: bool) -> tuple[QueryCases, Contested, int]:
    """The provider settles and posts, and the customer brings one query before a jury."""
    plan, _ = await posted(economy, forges=forges, provider=SECOND_PROVIDER)
    cases, challenger = of_customer(economy)
    contested = await cases.contested(economy.channel_id, FORGED, kept(plan))
    return cases, contested, await cases.open(challenger, contested)


async def test_a_customer_convicts_a_forger_and_pays_an_honest_provider(tmp_path: Path) -> None:
    async with network(tmp_path) as (one, metrics):
        index_id = await one.commit_index()
        await until_rows_are_checked(metrics)
        provider = dev_account(SECOND_PROVIDER).address
        bond_wei = DEV_POLICY.challenge_bond_wei

        economy = await one.channel(index_id)
        cases, contested, case_id = await contest(one, economy, forges=False)
        assert (await cases.check(InlinePool(one.store), contested)).is_right
        before_wei = await one.balance(SECOND_PROVIDER)
        case = await one.closed(case_id)
        assert (case["subject"], case["outcome"]) == (QUERY, RIGHT)
        paid_wei = await jurors_were_paid(one, case_id)
        assert await one.balance(SECOND_PROVIDER) - before_wei == bond_wei - paid_wei
        assert await one.read(ATTRIBUTION, "slashedOf", provider) == 0

        economy = await one.channel(index_id)
        cases, contested, case_id = await contest(one, economy, forges=True)
        assert not (await cases.check(InlinePool(one.store), contested)).is_right
        case = await one.closed(case_id)
        assert (case["outcome"], case["position"], case["accused"]) == (WRONG, FORGED, provider)
        assert await one.read(ATTRIBUTION, "slashedOf", provider) == DEV_POLICY.slash_amount_wei
        assert await one.read(ATTRIBUTION, "postOfSettlement", case["settlementId"]) == VOID_SETTLEMENT
        assert await one.read(ATTRIBUTION, "rewardOf", dev_account(CUSTOMER).address) > 0
        await jurors_were_paid(one, case_id)
