"""What any chain needs to run: store, chain, lane, mempool, JSON-RPC; opened and closed in order."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from genesis.account import GenesisAccount
from genesis.spec import ChainSpec
from genesis.types import Address
from openledger_node.chain.chain import Chain
from openledger_node.clock import Clock, SteeredClock, SystemClock
from openledger_node.config.model import NodeConfig
from openledger_node.errors import StartError
from openledger_node.node.lane import ExecutionLane
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.feeds import Feeds
from openledger_node.rpc.methods import build_methods
from openledger_node.rpc.pool_service import PoolService
from openledger_node.rpc.server import RpcServer
from openledger_node.storage.keyvalue import KeyValue
from openledger_node.storage.leveldb import LevelDb
from sequencer.mempool.admission import AdmissionLimits
from sequencer.mempool.journal import Journal
from sequencer.mempool.limits import PoolLimits

log = structlog.get_logger(__name__)

CHAIN_FOLDER = "chain"
JOURNAL_FILE = "mempool.journal"


@dataclass(frozen=True)
class Execution:
    """An open chain with everything that reads and writes it."""

    chain: Chain
    lane: ExecutionLane
    feeds: Feeds
    pool: PoolService
    clock: SteeredClock


@dataclass(frozen=True)
class ExecutionSettings:
    """What the operator chose; `state_history` as in `Chain.open`."""

    pool: PoolLimits = field(default_factory=PoolLimits)
    state_history: int | None = None

    @classmethod
    def of(cls, config: NodeConfig) -> "ExecutionSettings":
        """The operator's settings in the mempool's and the chain's terms."""
        txpool = config.txpool
        limits = PoolLimits(
            AdmissionLimits(minimum_tip_wei=txpool.price_floor),
            total=txpool.transactions,
            gapped_total=txpool.transactions // 4,
            total_bytes=txpool.megabytes * 1024 * 1024,
            lifetime_s=txpool.lifetime,
        )
        return cls(limits, config.state_history)


@contextlib.asynccontextmanager
async def open_execution(
    spec: ChainSpec,
    alloc: Mapping[Address, GenesisAccount],
    genesis_timestamp_s: int,
    directory: Path,
    clock: Clock | None = None,
    *,
    settings: ExecutionSettings,
) -> AsyncIterator[Execution]:
    """Open the chain in `directory`, creating it there on the first start; everything is closed on exit.

    The chain's time is that of `clock`, the system's if None, and never before the head's.
    Raises StartError for a directory of another chain or in use by another process.
    """
    async with open_execution_on(
        lambda store: Chain.open(
            spec, store, alloc, genesis_timestamp_s, state_history=settings.state_history
        ),
        directory,
        clock,
        pool=settings.pool,
    ) as execution:
        yield execution


@contextlib.asynccontextmanager
async def open_execution_on(
    open_chain: Callable[[KeyValue], Chain],
    directory: Path,
    clock: Clock | None = None,
    *,
    pool: PoolLimits,
) -> AsyncIterator[Execution]:
    """The same over a chain that `open_chain` opens in the directory's store."""
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as closing:
        store = LevelDb.open(directory / CHAIN_FOLDER)
        closing.callback(store.close)
        chain = open_chain(store)
        _log_opened(chain, directory)
        lane = ExecutionLane()
        closing.callback(lane.close)
        steered = SteeredClock(clock or SystemClock(), not_before_s=chain.head.header.timestamp_s)
        feeds = Feeds()
        journal = Journal(directory / JOURNAL_FILE)
        service = PoolService(chain, steered, feeds, limits=pool, journal=journal)
        service.start()
        closing.callback(service.stop)
        yield Execution(chain, lane, feeds, service, steered)


def _log_opened(chain: Chain, directory: Path) -> None:
    heads, states = chain.heads, chain.kept_states
    log.info(
        "chain opened",
        head=heads.unsafe.number,
        safe=heads.safe.number,
        finalized=heads.finalized.number,
        states="all" if states is None else states,
        directory=str(directory),
    )


class RpcPorts:
    """Serves one context on one or two ports; a service."""

    def __init__(self, context: RpcContext, host: str, http_port: int, ws_port: int | None) -> None:
        methods = build_methods(context)
        self._servers = [RpcServer(host, http_port, methods, context.feeds)]
        if ws_port is not None:
            self._servers.append(RpcServer(host, ws_port, methods, context.feeds))

    async def start(self) -> None:
        """Bind; raises StartError when a port is taken."""
        for server in self._servers:
            try:
                await server.start()
            except OSError as error:
                raise StartError(
                    f"port {server.port} is not available ({error.strerror})",
                    "choose another with --http.port",
                ) from None

    async def stop(self) -> None:
        for server in self._servers:
            await server.stop()

    @property
    def port(self) -> int:
        """The HTTP port that is bound."""
        return self._servers[0].port
