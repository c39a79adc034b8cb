"""A gateway's life: its database opened, its port bound, its services run, everything closed.

Create with `await Gateway.open(...)`, bind with `await start()`, then `run()` until cancelled.
"""

import asyncio

from aiohttp import web

from openledger_node.client.account import Account
from openledger_node.client.economy import EconomyReader
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.rpc import Rpc
from openledger_node.clock import Clock, SystemClock
from openledger_node.gateway import datasets, deliveries, receipts, retrieval_vouchers
from openledger_node.gateway.app import gateway_app
from openledger_node.gateway.door import Door
from openledger_node.gateway.parts import (
    GatewayOptions,
    GatewayParts,
    House,
    attributions_of,
    gateway_parts,
    records_of,
)
from openledger_node.gateway.records import Records
from openledger_node.gateway.text_server import OutsideServer, TextServer
from openledger_node.jobs import settlements, table
from openledger_node.jobs.database import Database, sqlite_url
from openledger_node.jobs.ports import WorkerPool
from workers.artifacts.store import ArtifactStore

DATABASE_FILE = "gateway.sqlite"
SCHEMAS = [
    table.SCHEMA,
    settlements.SCHEMA,
    receipts.SCHEMA,
    retrieval_vouchers.SCHEMA,
    deliveries.SCHEMA,
    datasets.SCHEMA,
]


class Gateway:
    """The paid inference API, jobs and artefacts of one provider."""

    def __init__(
        self, options: GatewayOptions, parts: GatewayParts, app: web.Application, records: Records
    ) -> None:
        self.parts = parts
        self.records = records
        self._options = options
        self._app = app
        self._door: Door | None = None
        self.port = options.port

    @classmethod
    async def open(
        cls,
        options: GatewayOptions,
        *,
        rpc: Rpc,
        pool: WorkerPool,
        artifacts: ArtifactStore,
        provider: Account,
        clock: Clock | None = None,
        text_server: TextServer | None = None,
    ) -> "Gateway":
        """Open the database and wire everything; asks the node for its chain id. Raises StartError."""
        clock = clock or SystemClock()
        url = options.database_url or sqlite_url(options.datadir / DATABASE_FILE)
        database = await Database.open(url, SCHEMAS)
        reader = EconomyReader(Ethereum(rpc))
        house = House(
            options=options,
            database=database,
            reader=reader,
            pool=pool,
            artifacts=artifacts,
            provider=provider,
            clock=clock,
            text_server=text_server or OutsideServer(),
            chain_id=await reader.ethereum.chain_id(),
        )
        parts = gateway_parts(house)
        attributions = attributions_of(house, parts)
        return cls(
            options, parts, gateway_app(house, parts, attributions), records_of(house, parts, attributions)
        )

    async def start(self) -> None:
        """Bill what an earlier process left half delivered, then bind the port.

        Raises OSError when it is taken.
        """
        await self.parts.text_calls.recover()
        self._door = await Door.open(self._app, self._options.host, self._options.port)
        self.port = self._door.port

    async def run(self) -> None:
        """Serve, work and settle until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for service in (self.parts.scheduler, self.parts.attestor, self.parts.settling):
                    group.create_task(service.run(), name=type(service).__name__)
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop serving and close the database."""
        if self._door is not None:
            await self._door.close()
        await self.parts.database.close()
