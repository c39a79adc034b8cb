"""A real gateway over HTTP, with a real worker process; the chain is the law node."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from openledger_node.client.account import dev_account
from openledger_node.client.economy import METERING
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import GatewayClient
from openledger_node.client.metering import Purchases, Terms
from openledger_node.client.sender import Sender
from openledger_node.gateway.parts import GatewayOptions
from openledger_node.gateway.server import Gateway
from openledger_node.gateway.settling import SettlingRule
from openledger_node.gateway.text_server import TextServer
from openledger_node.jobs.pool import PoolAdapter
from openledger_node.jobs.ports import WorkerPool as WorkerPort
from tests.jobs.economy import (
    CHAIN_ID,
    CUSTOMER,
    DEPOSIT_WEI,
    INPUT_PRICE_WEI,
    OUTPUT_PRICE_WEI,
    PROVIDER,
    Economy,
    InlinePool,
    Trained,
    open_economy,
    trained,
)
from workers.artifacts.store import ArtifactStore
from workers.pool.handshake import read_token
from workers.pool.server import WorkerPool
from workers.pool.spawn import LocalWorkers

TOKEN = "11" * 32


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One small model and index for the whole session."""
    return trained(str(tmp_path_factory.mktemp("trained")))


@pytest.fixture
def economy(tmp_path: Path, made: Trained) -> Economy:
    """A fresh chain with an open channel."""
    return open_economy(tmp_path, made)


@dataclass
class Running:
    """A gateway under test; `restart` is what a killed process and a new one look like from outside."""

    economy: Economy
    directory: Path
    pool: WorkerPort
    rule: SettlingRule
    gateway: Gateway | None = None
    client: GatewayClient | None = None
    _task: asyncio.Task[None] | None = None
    text_server: TextServer | None = None
    operator_token: str = ""
    calls_per_minute: int = 0
    retrieval_datanet: int = 0

    @property
    def http(self) -> GatewayClient:
        assert self.client is not None
        return self.client

    @property
    def url(self) -> str:
        return self.http.url

    async def start(self) -> None:
        options = GatewayOptions(
            "127.0.0.1",
            0,
            self.directory,
            rule=self.rule,
            max_artifact_bytes=1 << 20,
            operator_token=self.operator_token,
            calls_per_minute=self.calls_per_minute,
            retrieval_datanet=self.retrieval_datanet,
        )
        self.gateway = await Gateway.open(
            options,
            rpc=self.economy.node,
            pool=self.pool,
            artifacts=self.economy.store,
            provider=dev_account(PROVIDER),
            text_server=self.text_server,
        )
        await self.gateway.start()
        self._task = asyncio.create_task(self.gateway.run())
        self.client = GatewayClient(f"http://127.0.0.1:{self.gateway.port}")

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self.http.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def purchases(self, deposit_wei: int = DEPOSIT_WEI) -> Purchases:
        """A customer with a channel of its own."""
        mined = await Sender(Ethereum(self.economy.node), dev_account(CUSTOMER)).transact(
            METERING,
            "openChannel",
            self.economy.provider,
            1,
            dev_account(CUSTOMER).address,
            value_wei=deposit_wei,
        )
        channel_id = mined.event("ChannelOpened").arguments["channelId"]
        terms = Terms(channel_id, CHAIN_ID, "model-1", INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)
        return Purchases(self.http, dev_account(CUSTOMER), terms)


@pytest.fixture
async def running(economy: Economy, tmp_path: Path) -> AsyncIterator[Running]:
    """A gateway whose jobs run in this process."""
    one = Running(economy, tmp_path / "node", InlinePool(economy.store), SettlingRule(look_every_s=3600.0))
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
async def with_worker(economy: Economy, tmp_path: Path) -> AsyncIterator[Running]:
    """A gateway with a worker process of its own."""
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)
    pool = WorkerPool(
        ArtifactStore(economy.store.directory), address="tcp:127.0.0.1:0", token=read_token(token_file)
    )
    await pool.start()
    workers = LocalWorkers(1, address=pool.address, token_file=token_file, artifacts=economy.store.directory)
    await workers.start()
    one = Running(economy, tmp_path / "node", PoolAdapter(pool), SettlingRule(look_every_s=0.2))
    await one.start()
    yield one
    await one.stop()
    await workers.close()
    await pool.close()
