"""The provider's side of a node: artefacts, worker processes, jobs, gateway; opened and closed in order."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from openledger_node.client.account import Account
from openledger_node.client.economy import EconomyReader
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.rpc import Rpc
from openledger_node.client.sender import Sender
from openledger_node.clock import SystemClock
from openledger_node.config.model import GatewaySection, WorkersSection
from openledger_node.errors import StartError
from openledger_node.gateway.operators import operator_token
from openledger_node.gateway.server import Gateway, GatewayOptions
from openledger_node.gateway.text_server import OutsideServer
from openledger_node.jobs.pool import PoolAdapter
from openledger_node.node.text_server import LocalTextServer
from openledger_node.validator.answers import Answers
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.documents import Documents
from workers.artifacts.store import ArtifactStore
from workers.pool.handshake import read_token, write_token
from workers.pool.server import WorkerPool
from workers.pool.spawn import LocalWorkers

ARTIFACTS_FOLDER = "artifacts"
TOKEN_FILE = "worker.token"  # noqa: S105 - a file name


@dataclass(frozen=True)
class Provider:
    """What runs on a provider's node. `gateway` is a service and is bound already."""

    gateway: Gateway
    pool: WorkerPool
    text_server: LocalTextServer | None
    """A service of its own; None where somebody else runs the server."""
    answers: Answers
    """A service of its own: what the provider committed is shown when it is demanded or disputed."""


@contextlib.asynccontextmanager
async def open_workers(
    directory: Path, options: WorkersSection, artifacts_url: str = ""
) -> AsyncIterator[WorkerPool]:
    """Start the pool with its workers, here or on a Ray cluster; they join once torch is loaded.

    They fetch artefacts that are not in `directory` from `artifacts_url`.
    """
    artifacts_path = directory / ARTIFACTS_FOLDER
    token_file = worker_token_file(directory)
    pool = WorkerPool(
        ArtifactStore(artifacts_path, artifacts_url), address=options.listen, token=read_token(token_file)
    )
    async with contextlib.AsyncExitStack() as closing:
        await pool.start()
        closing.push_async_callback(pool.close)
        local = LocalWorkers(
            options.count,
            address=pool.address,
            token_file=token_file,
            artifacts=artifacts_path,
            artifacts_url=artifacts_url,
            ray=options.ray,
        )
        await local.start()
        closing.push_async_callback(local.close)
        yield pool


@contextlib.asynccontextmanager
async def open_checkers(directory: Path, artifacts_url: str) -> AsyncIterator[PoolAdapter]:
    """A validator's one worker, which reads what the network published."""
    async with open_workers(directory, WorkersSection(), artifacts_url) as pool:
        yield PoolAdapter(pool)


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
    return Provider(gateway, pool, local, answers(rpc, account, artifacts))


def answers(rpc: Rpc, account: Account, artifacts: ArtifactStore) -> Answers:
    """Shows what an account committed, from its own artefacts."""
    reader, clock = EconomyReader(Ethereum(rpc)), SystemClock()
    sender = Challenger(reader, Sender(reader.ethereum, account, clock), account)
    return Answers(reader, Documents(reader, [artifacts]), sender, clock)


def worker_token_file(directory: Path) -> Path:
    """The secret workers show; made once, readable by the owner alone; again if a crash left it empty."""
    path = directory / TOKEN_FILE
    if not path.exists() or not path.read_bytes().strip():
        write_token(path)
    return path
