"""What a gateway consists of: tables, jobs, metering, settling and routes, wired in one place.

Create with `await Gateway.open(...)`, bind with `await start()`, then `run()` until cancelled.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from openledger_node.client.account import Account
from openledger_node.client.economy import EconomyReader
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.rpc import Rpc
from openledger_node.client.sender import Sender
from openledger_node.clock import Clock, SystemClock
from openledger_node.gateway import datasets, receipts
from openledger_node.gateway.artifact_routes import ArtifactRoutes
from openledger_node.gateway.attributions import Attributions
from openledger_node.gateway.catalog import Catalog
from openledger_node.gateway.datasets import DatasetTable
from openledger_node.gateway.http import errors_as_json
from openledger_node.gateway.inference_routes import InferenceRoutes
from openledger_node.gateway.job_routes import JobRoutes
from openledger_node.gateway.metering import Metering
from openledger_node.gateway.page_routes import PageRoutes
from openledger_node.gateway.receipts import ReceiptTable
from openledger_node.gateway.servable import Servable
from openledger_node.gateway.settling import DEFAULT_RULE, Settling, SettlingRule
from openledger_node.gateway.status import StatusSource
from openledger_node.jobs import settlements, table
from openledger_node.jobs.attestor import Attestor, AttestorParts
from openledger_node.jobs.database import Database, sqlite_url
from openledger_node.jobs.ports import WorkerPool
from openledger_node.jobs.scheduler import JobScheduler
from openledger_node.jobs.settlements import SettlementTable
from openledger_node.jobs.table import JobTable
from workers.artifacts.store import ArtifactStore

DATABASE_FILE = "gateway.sqlite"
MAX_ARTIFACT_BYTES = 256 << 20
SHUTDOWN_S = 1.0


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """`port` 0 binds any free one. `database_url` "" keeps an SQLite file in `datadir`."""

    host: str
    port: int
    datadir: Path
    database_url: str = ""
    rule: SettlingRule = DEFAULT_RULE
    max_artifact_bytes: int = MAX_ARTIFACT_BYTES


@dataclass(frozen=True, slots=True)
class GatewayParts:
    """What `open` wires; tests and metrics look in here."""

    database: Database
    scheduler: JobScheduler
    attestor: Attestor
    settling: Settling
    settlements: SettlementTable
    metering: Metering


class Gateway:
    """The paid inference API, jobs and artefacts of one provider."""

    def __init__(self, options: GatewayOptions, parts: GatewayParts, app: web.Application) -> None:
        self.parts = parts
        self._options = options
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
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
    ) -> "Gateway":
        """Open the database and wire everything; asks the node for its chain id. Raises StartError."""
        clock = clock or SystemClock()
        url = options.database_url or sqlite_url(options.datadir / DATABASE_FILE)
        schemas = [table.SCHEMA, settlements.SCHEMA, receipts.SCHEMA, datasets.SCHEMA]
        database = await Database.open(url, schemas)
        ethereum = Ethereum(rpc)
        reader = EconomyReader(ethereum)
        scheduler = JobScheduler(JobTable(database), pool, clock)
        settlement_table = SettlementTable(database)
        attestor = Attestor(
            AttestorParts(
                table=settlement_table,
                scheduler=scheduler,
                artifacts=artifacts,
                reader=reader,
                sender=Sender(ethereum, provider, clock),
                clock=clock,
            )
        )
        receipt_table = ReceiptTable(database)
        metering = Metering(
            reader=reader,
            receipts=receipt_table,
            servable=Servable(reader, artifacts),
            pool=pool,
            provider=provider.address,
            clock=clock,
        )
        settling = Settling(
            metering=metering, receipts=receipt_table, attestor=attestor, clock=clock, rule=options.rule
        )
        chain_id = await ethereum.chain_id()
        app = web.Application(middlewares=[errors_as_json], client_max_size=options.max_artifact_bytes)
        for routes in (
            ArtifactRoutes(artifacts, options.max_artifact_bytes),
            JobRoutes(
                scheduler=scheduler, artifacts=artifacts, datasets=DatasetTable(database), chain_id=chain_id
            ),
            InferenceRoutes(
                catalog=Catalog(reader, clock),
                metering=metering,
                receipts=receipt_table,
                settling=settling,
                settlements=settlement_table,
                attributions=Attributions(settlements=settlement_table, artifacts=artifacts, reader=reader),
                chain_id=chain_id,
            ),
            PageRoutes(
                StatusSource(
                    ethereum=ethereum,
                    scheduler=scheduler,
                    settlements=settlement_table,
                    pool=pool,
                    provider=provider.address,
                )
            ),
        ):
            routes.add_to(app.router)
        parts = GatewayParts(database, scheduler, attestor, settling, settlement_table, metering)
        return cls(options, parts, app)

    async def start(self) -> None:
        """Bind the port; raises OSError when it is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._options.host, self._options.port).start()
        self.port = self._runner.addresses[0][1]

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
        await self._runner.cleanup()
        await self.parts.database.close()
