"""The provider's side of a node: gateway, its text server, and the answers to what is demanded of it."""

from dataclasses import dataclass
from pathlib import Path

from openledger_node.client.account import Account
from openledger_node.client.economy import EconomyReader
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.rpc import Rpc
from openledger_node.client.sender import Sender
from openledger_node.clock import SystemClock
from openledger_node.config.model import GatewaySection
from openledger_node.errors import StartError
from openledger_node.gateway.operators import operator_token
from openledger_node.gateway.parts import GatewayOptions
from openledger_node.gateway.server import Gateway
from openledger_node.gateway.text_server import OutsideServer
from openledger_node.jobs.pool import PoolAdapter
from openledger_node.node.lifecycle import Supervisor
from openledger_node.node.text_server import LocalTextServer
from openledger_node.node.worker_pool import ARTIFACTS_FOLDER
from openledger_node.rpc.ports import EconomyDoor
from openledger_node.validator.answers import Answers
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.documents import Documents
from workers.artifacts.store import ArtifactStore
from workers.pool.server import WorkerPool


@dataclass(frozen=True)
class Provider:
    """What runs on a provider's node. `gateway` is a service and is bound already."""

    gateway: Gateway
    pool: WorkerPool
    text_server: LocalTextServer | None
    """A service of its own; None where somebody else runs the server."""
    answers: Answers
    """A service of its own: what the provider committed is shown when it is demanded or disputed."""


async def start_provider(
    options: GatewaySection,
    directory: Path,
    rpc: Rpc,
    account: Account,
    pool: WorkerPool,
    *,
    supervisor: Supervisor,
    economy: EconomyDoor,
) -> Provider:
    """Open it, let the node's JSON-RPC read its records, and start its services. Raises StartError."""
    provider = await open_provider(options, directory, rpc, account, pool)
    economy.open(provider.gateway.records)
    supervisor.start("gateway", provider.gateway)
    supervisor.start("answers", provider.answers)
    if provider.text_server is not None:
        supervisor.start("language models", provider.text_server, needed=False)
    return provider


async def open_provider(
    options: GatewaySection, directory: Path, rpc: Rpc, account: Account, pool: WorkerPool
) -> Provider:
    """Bind the gateway; it closes by itself when its service ends. Raises StartError."""
    artifacts = ArtifactStore(directory / ARTIFACTS_FOLDER, options.artifacts_url)
    local = LocalTextServer(directory, artifacts) if options.text_url is None else None
    gateway = await Gateway.open(
        GatewayOptions(
            options.host,
            options.port,
            directory,
            operator_token=operator_token(directory),
            calls_per_minute=options.calls_per_minute,
            retrieval_datanet=options.retrieval_datanet,
        ),
        rpc=rpc,
        pool=PoolAdapter(pool),
        artifacts=artifacts,
        provider=account,
        text_server=local or OutsideServer(options.text_url or ""),
    )
    try:
        await gateway.start()
    except OSError as error:
        await gateway.close()
        raise StartError(
            f"port {options.port} is not available ({error.strerror})", "choose another with --gateway.port"
        ) from None
    return Provider(gateway, pool, local, _answers(rpc, account, artifacts))


def _answers(rpc: Rpc, account: Account, artifacts: ArtifactStore) -> Answers:
    """Shows what an account committed, from its own artefacts."""
    reader, clock = EconomyReader(Ethereum(rpc)), SystemClock()
    sender = Challenger(reader, Sender(reader.ethereum, account, clock), account)
    return Answers(reader, Documents(reader, [artifacts]), sender, clock)
