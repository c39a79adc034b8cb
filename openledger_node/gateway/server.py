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
from openledger_node.client.retrieval import sign_retrieval
from openledger_node.client.rpc import Rpc
from openledger_node.client.sender import Sender
from openledger_node.clock import Clock, SystemClock
from openledger_node.factory.cleaning import Cleaner
from openledger_node.gateway import datasets, deliveries, receipts, retrieval_vouchers
from openledger_node.gateway.artifact_routes import ArtifactRoutes
from openledger_node.gateway.attributions import Attributions
from openledger_node.gateway.catalog import Catalog
from openledger_node.gateway.channels import Channels
from openledger_node.gateway.datasets import DatasetTable
from openledger_node.gateway.deliveries import DeliveryTable
from openledger_node.gateway.door import Door
from openledger_node.gateway.earnings import Earnings
from openledger_node.gateway.embedding_calls import EmbeddingCalls
from openledger_node.gateway.embedding_routes import EmbeddingRoutes
from openledger_node.gateway.explanations import Explanations, signing
from openledger_node.gateway.factory_routes import FactoryRoutes
from openledger_node.gateway.http import errors_as_json
from openledger_node.gateway.inference_routes import InferenceRoutes
from openledger_node.gateway.job_routes import OFFERED_KINDS, JobRoutes
from openledger_node.gateway.metering import Metering
from openledger_node.gateway.openapi import OpenApiRoutes
from openledger_node.gateway.operators import OperatorGate
from openledger_node.gateway.page_routes import PageRoutes
from openledger_node.gateway.payment_headers import PaymentHeaders
from openledger_node.gateway.rate_limits import RateLimits
from openledger_node.gateway.receipts import ReceiptTable
from openledger_node.gateway.record_proofs import RecordProofs
from openledger_node.gateway.records import Records
from openledger_node.gateway.retrieval import Retrieval
from openledger_node.gateway.retrieval_claims import RetrievalClaims
from openledger_node.gateway.retrieval_pay import RetrievalPay
from openledger_node.gateway.retrieval_routes import RetrievalRoutes
from openledger_node.gateway.retrieval_vouchers import RetrievalVoucherTable
from openledger_node.gateway.servable import Servable
from openledger_node.gateway.settling import DEFAULT_RULE, Settling, SettlingRule
from openledger_node.gateway.status import StatusSource
from openledger_node.gateway.text_calls import TextCalls
from openledger_node.gateway.text_models import TextModels
from openledger_node.gateway.text_routes import TextRoutes
from openledger_node.gateway.text_server import OutsideServer, TextServer
from openledger_node.gateway.usage_routes import UsageRoutes
from openledger_node.gateway.x402_calls import X402Calls
from openledger_node.gateway.x402_receivers import Receivers
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


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """`port` 0 binds any free one. `database_url` "" keeps an SQLite file in `datadir`."""

    host: str
    port: int
    datadir: Path
    database_url: str = ""
    rule: SettlingRule = DEFAULT_RULE
    max_artifact_bytes: int = MAX_ARTIFACT_BYTES
    operator_token: str = ""
    """Who shows it may change what is the operator's; "" lets everybody."""
    calls_per_minute: int = 0
    """What one customer may ask for; 0 is no limit."""
    retrieval_datanet: int = 0
    """Where records are looked up for requests that do not say; 0 is nowhere."""


@dataclass(frozen=True, slots=True)
class GatewayParts:
    """What `open` wires; tests and metrics look in here."""

    database: Database
    scheduler: JobScheduler
    attestor: Attestor
    settling: Settling
    settlements: SettlementTable
    receipts: ReceiptTable
    retrieval_pay: RetrievalPay
    channels: Channels
    metering: Metering
    catalog: Catalog
    payments: PaymentHeaders
    text_calls: TextCalls
    explanations: Explanations


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
        database = await Database.open(
            url,
            [
                table.SCHEMA,
                settlements.SCHEMA,
                receipts.SCHEMA,
                retrieval_vouchers.SCHEMA,
                deliveries.SCHEMA,
                datasets.SCHEMA,
            ],
        )
        house = _House(
            EconomyReader(Ethereum(rpc)), pool, artifacts, provider, clock, text_server or OutsideServer()
        )
        chain_id = await house.reader.ethereum.chain_id()
        parts = _parts(options, database, house, chain_id)
        attributions = Attributions(
            settlements=parts.settlements,
            receipts=parts.receipts,
            explanations=parts.explanations,
            reader=house.reader,
            sign=signing(house.provider, chain_id),
        )
        records = _records(parts, house, attributions, chain_id)
        return cls(options, parts, _app(options, parts, house, attributions, chain_id), records)

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


@dataclass(frozen=True, slots=True)
class _House:
    """What the gateway is given."""

    reader: EconomyReader
    pool: WorkerPool
    artifacts: ArtifactStore
    provider: Account
    clock: Clock
    text_server: TextServer


def _parts(options: GatewayOptions, database: Database, house: _House, chain_id: int) -> GatewayParts:
    scheduler = JobScheduler(JobTable(database), house.pool, house.clock)
    settlement_table = SettlementTable(database)
    sender = Sender(house.reader.ethereum, house.provider, house.clock)
    attestor = Attestor(
        AttestorParts(
            table=settlement_table,
            scheduler=scheduler,
            artifacts=house.artifacts,
            reader=house.reader,
            sender=sender,
            clock=house.clock,
        )
    )
    receipt_table = ReceiptTable(database)
    channels = Channels(
        reader=house.reader,
        receipts=receipt_table,
        servable=Servable(house.reader, house.artifacts),
        provider=house.provider.address,
        clock=house.clock,
    )
    metering = Metering(channels=channels, receipts=receipt_table, pool=house.pool, clock=house.clock)
    retrieval_pay = RetrievalPay(
        reader=house.reader,
        channels=channels,
        receipts=receipt_table,
        vouchers=RetrievalVoucherTable(database),
        chain_id=chain_id,
    )
    settling = Settling(
        channels=channels,
        receipts=receipt_table,
        retrieval_pay=retrieval_pay,
        attestor=attestor,
        clock=house.clock,
        rule=options.rule,
    )
    explanations = Explanations(reader=house.reader, artifacts=house.artifacts, pool=house.pool)
    receivers = Receivers(house.reader, sender)
    x402 = X402Calls(channels=channels, receivers=receivers, clock=house.clock, chain_id=chain_id)
    payments = PaymentHeaders(channels, x402)
    text_calls = TextCalls(
        channels=channels,
        receipts=receipt_table,
        deliveries=DeliveryTable(database),
        clock=house.clock,
        explain=explanations.explain,
        sign=signing(house.provider, chain_id),
        restore=payments.restored,
        credit=lambda receipt, found: sign_retrieval(receipt, found, house.provider, chain_id),
    )
    return GatewayParts(
        database=database,
        scheduler=scheduler,
        attestor=attestor,
        settling=settling,
        settlements=settlement_table,
        receipts=receipt_table,
        retrieval_pay=retrieval_pay,
        channels=channels,
        metering=metering,
        catalog=Catalog(house.reader, house.clock),
        payments=payments,
        text_calls=text_calls,
        explanations=explanations,
    )


def _records(parts: GatewayParts, house: _House, attributions: Attributions, chain_id: int) -> Records:
    return Records(
        scheduler=parts.scheduler,
        receipts=parts.receipts,
        settlements=parts.settlements,
        attributions=attributions,
        earnings=Earnings(reader=house.reader, receipts=parts.receipts, artifacts=house.artifacts),
        record_proofs=RecordProofs(reader=house.reader, artifacts=house.artifacts, chain_id=chain_id),
        chain_id=chain_id,
    )


def _app(
    options: GatewayOptions,
    parts: GatewayParts,
    house: _House,
    attributions: Attributions,
    chain_id: int,
) -> web.Application:
    middlewares = [
        errors_as_json,
        OperatorGate(options.operator_token).middleware,
        RateLimits(options.calls_per_minute, house.clock).middleware,
    ]
    app = web.Application(middlewares=middlewares, client_max_size=options.max_artifact_bytes)
    ArtifactRoutes(house.artifacts, options.max_artifact_bytes).add_to(app.router)
    JobRoutes(
        scheduler=parts.scheduler,
        artifacts=house.artifacts,
        datasets=DatasetTable(parts.database),
        chain_id=chain_id,
    ).add_to(app.router)
    FactoryRoutes(
        reader=house.reader,
        artifacts=house.artifacts,
        scheduler=parts.scheduler,
        cleaner=Cleaner(
            options.datadir, house.reader.ethereum, JobTable(parts.database), parts.database, SystemClock()
        ),
    ).add_to(app.router)
    text_models = TextModels(parts.catalog, house.reader, house.artifacts)
    InferenceRoutes(
        catalog=parts.catalog,
        text_models=text_models,
        channels=parts.channels,
        metering=parts.metering,
        receipts=parts.receipts,
        settling=parts.settling,
        settlements=parts.settlements,
        attributions=attributions,
        chain_id=chain_id,
    ).add_to(app.router)
    text = TextRoutes(
        models=text_models,
        calls=parts.text_calls,
        channels=parts.channels,
        server=house.text_server,
        payments=parts.payments,
        retrieval=Retrieval(
            reader=house.reader,
            scheduler=parts.scheduler,
            pool=house.pool,
            artifacts=house.artifacts,
            provider=house.provider.address,
            default_datanet=options.retrieval_datanet,
        ),
        chain_id=chain_id,
    )
    text.add_to(app.router)
    embedding_calls = EmbeddingCalls(parts.channels, parts.receipts)
    EmbeddingRoutes(house.pool, parts.catalog, embedding_calls).add_to(app.router)
    proofs = RecordProofs(reader=house.reader, artifacts=house.artifacts, chain_id=chain_id)
    claims = RetrievalClaims(reader=house.reader, artifacts=house.artifacts, proofs=proofs, chain_id=chain_id)
    RetrievalRoutes(parts.retrieval_pay, claims).add_to(app.router)
    UsageRoutes(parts.channels, parts.receipts).add_to(app.router)
    app.on_cleanup.append(lambda _app: text.close())
    source = StatusSource(
        ethereum=house.reader.ethereum,
        scheduler=parts.scheduler,
        settlements=parts.settlements,
        pool=house.pool,
        provider=house.provider.address,
    )
    PageRoutes(source).add_to(app.router)
    OpenApiRoutes(OFFERED_KINDS).add_to(app.router)
    return app
