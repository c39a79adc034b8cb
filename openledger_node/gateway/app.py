"""Which paths a gateway answers, and what each group of them is given."""

from typing import Protocol

from aiohttp import web

from openledger_node.clock import SystemClock
from openledger_node.factory.cleaning import Cleaner
from openledger_node.gateway.artifact_routes import ArtifactRoutes
from openledger_node.gateway.attributions import Attributions
from openledger_node.gateway.datasets import DatasetTable
from openledger_node.gateway.embedding_calls import EmbeddingCalls
from openledger_node.gateway.embedding_routes import EmbeddingRoutes
from openledger_node.gateway.factory_routes import FactoryRoutes
from openledger_node.gateway.http import errors_as_json
from openledger_node.gateway.inference_routes import InferenceRoutes
from openledger_node.gateway.job_routes import OFFERED_KINDS, JobRoutes
from openledger_node.gateway.openapi import OpenApiRoutes
from openledger_node.gateway.operators import OperatorGate
from openledger_node.gateway.page_routes import PageRoutes
from openledger_node.gateway.parts import GatewayParts, House, record_proofs_of
from openledger_node.gateway.rate_limits import RateLimits
from openledger_node.gateway.retrieval import Retrieval
from openledger_node.gateway.retrieval_claims import RetrievalClaims
from openledger_node.gateway.retrieval_routes import RetrievalRoutes
from openledger_node.gateway.status import StatusSource
from openledger_node.gateway.text_models import TextModels
from openledger_node.gateway.text_routes import TextRoutes
from openledger_node.gateway.usage_routes import UsageRoutes
from openledger_node.jobs.table import JobTable


class _Routes(Protocol):
    """Some of the gateway's paths."""

    def add_to(self, router: web.UrlDispatcher) -> None: ...


def gateway_app(house: House, parts: GatewayParts, attributions: Attributions) -> web.Application:
    """The web application with all paths; ends the text routes when it ends."""
    options = house.options
    middlewares = [
        errors_as_json,
        OperatorGate(options.operator_token).middleware,
        RateLimits(options.calls_per_minute, house.clock).middleware,
    ]
    app = web.Application(middlewares=middlewares, client_max_size=options.max_artifact_bytes)
    text_models = TextModels(parts.catalog, house.reader, house.artifacts)
    text = _text_routes(house, parts, text_models)
    groups: tuple[_Routes, ...] = (
        ArtifactRoutes(house.artifacts, options.max_artifact_bytes),
        _job_routes(house, parts),
        _factory_routes(house, parts),
        _inference_routes(house, parts, text_models, attributions),
        text,
        EmbeddingRoutes(house.pool, parts.catalog, EmbeddingCalls(parts.channels, parts.receipts)),
        _retrieval_routes(house, parts),
        UsageRoutes(parts.channels, parts.receipts),
        _page_routes(house, parts),
        OpenApiRoutes(OFFERED_KINDS),
    )
    for routes in groups:
        routes.add_to(app.router)
    app.on_cleanup.append(lambda _app: text.close())
    return app


def _job_routes(house: House, parts: GatewayParts) -> JobRoutes:
    return JobRoutes(
        scheduler=parts.scheduler,
        artifacts=house.artifacts,
        datasets=DatasetTable(house.database),
        chain_id=house.chain_id,
    )


def _factory_routes(house: House, parts: GatewayParts) -> FactoryRoutes:
    database, ethereum = house.database, house.reader.ethereum
    return FactoryRoutes(
        reader=house.reader,
        artifacts=house.artifacts,
        scheduler=parts.scheduler,
        cleaner=Cleaner(house.options.datadir, ethereum, JobTable(database), database, SystemClock()),
    )


def _inference_routes(
    house: House, parts: GatewayParts, text_models: TextModels, attributions: Attributions
) -> InferenceRoutes:
    return InferenceRoutes(
        catalog=parts.catalog,
        text_models=text_models,
        channels=parts.channels,
        metering=parts.metering,
        receipts=parts.receipts,
        settling=parts.settling,
        settlements=parts.settlements,
        attributions=attributions,
        chain_id=house.chain_id,
    )


def _text_routes(house: House, parts: GatewayParts, text_models: TextModels) -> TextRoutes:
    return TextRoutes(
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
            default_datanet=house.options.retrieval_datanet,
        ),
        chain_id=house.chain_id,
    )


def _retrieval_routes(house: House, parts: GatewayParts) -> RetrievalRoutes:
    proofs = record_proofs_of(house)
    claims = RetrievalClaims(
        reader=house.reader, artifacts=house.artifacts, proofs=proofs, chain_id=house.chain_id
    )
    return RetrievalRoutes(parts.retrieval_pay, claims)


def _page_routes(house: House, parts: GatewayParts) -> PageRoutes:
    source = StatusSource(
        ethereum=house.reader.ethereum,
        scheduler=parts.scheduler,
        settlements=parts.settlements,
        pool=house.pool,
        provider=house.provider.address,
    )
    return PageRoutes(source)
