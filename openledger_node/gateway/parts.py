"""What a gateway consists of behind its paths: tables, jobs, metering and settling, wired in one place."""

from dataclasses import dataclass
from pathlib import Path

from openledger_node.client.account import Account
from openledger_node.client.economy import EconomyReader
from openledger_node.client.retrieval import sign_retrieval
from openledger_node.client.sender import Sender
from openledger_node.clock import Clock
from openledger_node.gateway.attributions import Attributions
from openledger_node.gateway.catalog import Catalog
from openledger_node.gateway.channels import Channels
from openledger_node.gateway.deliveries import DeliveryTable
from openledger_node.gateway.earnings import Earnings
from openledger_node.gateway.explanations import Explanations, signing
from openledger_node.gateway.metering import Metering
from openledger_node.gateway.payment_headers import PaymentHeaders
from openledger_node.gateway.receipts import ReceiptTable
from openledger_node.gateway.record_proofs import RecordProofs
from openledger_node.gateway.records import Records
from openledger_node.gateway.retrieval_pay import RetrievalPay
from openledger_node.gateway.retrieval_vouchers import RetrievalVoucherTable
from openledger_node.gateway.servable import Servable
from openledger_node.gateway.settling import DEFAULT_RULE, Settling, SettlingRule
from openledger_node.gateway.text_calls import TextCalls
from openledger_node.gateway.text_server import TextServer
from openledger_node.gateway.x402_calls import X402Calls
from openledger_node.gateway.x402_receivers import Receivers
from openledger_node.jobs.attestor import Attestor, AttestorParts
from openledger_node.jobs.database import Database
from openledger_node.jobs.ports import WorkerPool
from openledger_node.jobs.scheduler import JobScheduler
from openledger_node.jobs.settlements import SettlementTable
from openledger_node.jobs.table import JobTable
from workers.artifacts.store import ArtifactStore

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


@dataclass(frozen=True, slots=True)
class House:
    """What the gateway is given, with its database and its chain."""

    options: GatewayOptions
    database: Database
    reader: EconomyReader
    pool: WorkerPool
    artifacts: ArtifactStore
    provider: Account
    clock: Clock
    text_server: TextServer
    chain_id: int


def gateway_parts(house: House) -> GatewayParts:
    """All parts, each given what it works with."""
    database, receipt_table = house.database, ReceiptTable(house.database)
    scheduler = JobScheduler(JobTable(database), house.pool, house.clock)
    settlement_table = SettlementTable(database)
    sender = Sender(house.reader.ethereum, house.provider, house.clock)
    attestor = _attestor(house, scheduler, settlement_table, sender)
    channels = _channels(house, receipt_table)
    retrieval_pay = _retrieval_pay(house, channels, receipt_table)
    explanations = Explanations(reader=house.reader, artifacts=house.artifacts, pool=house.pool)
    payments = _payments(house, channels, sender)
    return GatewayParts(
        database=database,
        scheduler=scheduler,
        attestor=attestor,
        settling=Settling(
            channels=channels,
            receipts=receipt_table,
            retrieval_pay=retrieval_pay,
            attestor=attestor,
            clock=house.clock,
            rule=house.options.rule,
        ),
        settlements=settlement_table,
        receipts=receipt_table,
        retrieval_pay=retrieval_pay,
        channels=channels,
        metering=Metering(channels=channels, receipts=receipt_table, pool=house.pool, clock=house.clock),
        catalog=Catalog(house.reader, house.clock),
        payments=payments,
        text_calls=_text_calls(house, channels, receipt_table, payments, explanations),
        explanations=explanations,
    )


def _attestor(
    house: House, scheduler: JobScheduler, settlement_table: SettlementTable, sender: Sender
) -> Attestor:
    return Attestor(
        AttestorParts(
            table=settlement_table,
            scheduler=scheduler,
            artifacts=house.artifacts,
            reader=house.reader,
            sender=sender,
            clock=house.clock,
        )
    )


def _channels(house: House, receipt_table: ReceiptTable) -> Channels:
    return Channels(
        reader=house.reader,
        receipts=receipt_table,
        servable=Servable(house.reader, house.artifacts),
        provider=house.provider.address,
        clock=house.clock,
    )


def _retrieval_pay(house: House, channels: Channels, receipt_table: ReceiptTable) -> RetrievalPay:
    return RetrievalPay(
        reader=house.reader,
        channels=channels,
        receipts=receipt_table,
        vouchers=RetrievalVoucherTable(house.database),
        chain_id=house.chain_id,
    )


def _payments(house: House, channels: Channels, sender: Sender) -> PaymentHeaders:
    receivers = Receivers(house.reader, sender)
    x402 = X402Calls(channels=channels, receivers=receivers, clock=house.clock, chain_id=house.chain_id)
    return PaymentHeaders(channels, x402)


def _text_calls(
    house: House,
    channels: Channels,
    receipt_table: ReceiptTable,
    payments: PaymentHeaders,
    explanations: Explanations,
) -> TextCalls:
    return TextCalls(
        channels=channels,
        receipts=receipt_table,
        deliveries=DeliveryTable(house.database),
        clock=house.clock,
        explain=explanations.explain,
        sign=signing(house.provider, house.chain_id),
        restore=payments.restored,
        credit=lambda receipt, found: sign_retrieval(receipt, found, house.provider, house.chain_id),
    )


def attributions_of(house: House, parts: GatewayParts) -> Attributions:
    """Who is behind an answer, out of settlements and receipts."""
    return Attributions(
        settlements=parts.settlements,
        receipts=parts.receipts,
        explanations=parts.explanations,
        reader=house.reader,
        sign=signing(house.provider, house.chain_id),
    )


def records_of(house: House, parts: GatewayParts, attributions: Attributions) -> Records:
    """What RPC and pages read of this gateway."""
    return Records(
        scheduler=parts.scheduler,
        receipts=parts.receipts,
        settlements=parts.settlements,
        attributions=attributions,
        earnings=Earnings(reader=house.reader, receipts=parts.receipts, artifacts=house.artifacts),
        record_proofs=record_proofs_of(house),
        chain_id=house.chain_id,
    )


def record_proofs_of(house: House) -> RecordProofs:
    """Proofs that records stand in Datanets of this chain."""
    return RecordProofs(reader=house.reader, artifacts=house.artifacts, chain_id=house.chain_id)
