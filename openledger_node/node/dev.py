"""`openledger-node dev`: a whole network from one command, nothing to configure.

The embedded L1, the verifier, the validator and the worker are child processes, so that none of them shares
the sequencer's interpreter lock; everything else of the network runs in this process.

Chain time stands still while a network with an embedded L1 is stopped or its machine asleep, so that it goes
on where it was instead of making up for hours of blocks.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from genesis.networks import DEV_BALANCE_WEI, DEV_BATCHER, DEV_PROPOSER, DEV_PROVIDER
from openledger_node.client.account import dev_account, dev_private_key
from openledger_node.client.errors import RemoteError, UnreachableError
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import DEV_OPERATOR_TOKEN
from openledger_node.client.rpc import HttpRpc
from openledger_node.clock import ElapsedClock, SystemClock
from openledger_node.config.model import DevConfig
from openledger_node.errors import StartError
from openledger_node.evm.backends import assert_native_backends
from openledger_node.gateway.operators import TOKEN_FILE, write_token
from openledger_node.metrics.server import HealthCheck
from openledger_node.node.banner import DevUrls, banner, config_out
from openledger_node.node.conservation import ConservationCheck
from openledger_node.node.dev_children import embedded_l1, validator, verifier
from openledger_node.node.dev_network import DevNetwork, prepare_dev_network
from openledger_node.node.dev_stakes import stake_operators
from openledger_node.node.disk import DiskGuard
from openledger_node.node.execution import ExecutionSettings, RpcPorts
from openledger_node.node.l2_block_maker import RollupBlockMaker
from openledger_node.node.lifecycle import StoppedError, Supervisor, stop_on_signals
from openledger_node.node.network_files import write_json
from openledger_node.node.preflight import await_ports, free_port, node_directory
from openledger_node.node.provider import Provider, start_provider
from openledger_node.node.rollup import Rollup, open_rollup
from openledger_node.node.rollup_faces import dev_controls, node_metrics, rpc_context, start_metrics
from openledger_node.node.rollup_services import l1_sender, sequencer_loop, start_batcher, start_proposer
from openledger_node.node.verification import VerifierWatch
from openledger_node.node.worker_pool import open_workers
from openledger_node.rpc.ports import EconomyDoor

log = structlog.get_logger(__name__)

HOST = "127.0.0.1"
ANSWER_PATIENCE_S = 60.0
OUTSIDE_PATIENCE_S = 3.0
"""How long an L1 that is not ours may take to answer: it should be running already."""
POLL_S = 0.1


async def run_dev(config: DevConfig) -> None:
    """Run until stopped. Raises StartError when something is in the way."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    assert_native_backends()
    config = with_free_ports(config)
    with contextlib.suppress(StoppedError), node_directory(config.datadir) as directory:
        async with Supervisor(stop) as supervisor:
            await supervisor.guard(await_ports(HOST, _ports(config)))
            await _run(config, directory, supervisor)


async def _run(config: DevConfig, directory: Path, supervisor: Supervisor) -> None:
    """Open everything from the L1 up, each on what is open already; closed in reverse when the node ends."""
    urls = _urls(config)
    guard = DiskGuard(directory, config.min_free_disk)
    guard.assert_room()
    supervisor.start("disk guard", guard)
    async with contextlib.AsyncExitStack() as closing:
        workers = await closing.enter_async_context(
            open_workers(directory, config.workers, config.gateway.artifacts_url)
        )
        l1 = Ethereum(await closing.enter_async_context(HttpRpc(urls.l1_rpc)))
        network = await _join_l1(config, directory, supervisor, l1)
        supervisor.start("verifier", verifier(config, urls, directory), needed=False)
        clock = SystemClock() if config.l1.url else ElapsedClock(await l1.timestamp_s())
        opening = open_rollup(
            network.rollup,
            network.genesis,
            config.l1.model_copy(update={"url": config.l1.url or urls.l1_rpc}),
            directory / "node",
            clock,
            settings=ExecutionSettings.of(config),
        )
        rollup = await supervisor.guard(closing.enter_async_context(opening))
        economy = EconomyDoor()
        maker = await _start_chain(config, rollup, supervisor, closing, economy)
        l2 = await closing.enter_async_context(HttpRpc(urls.l2_rpc))
        await supervisor.guard(stake_operators(l2))
        supervisor.start("validator", validator(urls, directory), needed=False)
        account = dev_account(DEV_PROVIDER)
        write_token(directory / TOKEN_FILE, DEV_OPERATOR_TOKEN)
        provider = await start_provider(
            config.gateway, directory, l2, account, workers, supervisor=supervisor, economy=economy
        )
        watch = VerifierWatch(rollup.chain, urls.verifier_rpc, rollup.execution.clock)
        supervisor.start("verifier watch", watch)
        conservation = ConservationCheck(network.rollup, rollup.chain, l1, rollup.execution.clock)
        supervisor.start("conservation", conservation)
        parts = _Parts(rollup, maker, provider, watch, conservation, guard)
        await _serve(config, urls, network, parts, supervisor)


async def _join_l1(config: DevConfig, directory: Path, supervisor: Supervisor, l1: Ethereum) -> DevNetwork:
    """The network on the L1, which is started first if it is ours."""
    if config.l1.url is None:
        supervisor.start("l1", embedded_l1(config, directory))
    patience_s = ANSWER_PATIENCE_S if config.l1.url is None else OUTSIDE_PATIENCE_S
    await supervisor.guard(_answers(l1, patience_s))
    return await supervisor.guard(prepare_dev_network(l1, directory, config.block_time))


async def _start_chain(
    config: DevConfig,
    rollup: Rollup,
    supervisor: Supervisor,
    closing: contextlib.AsyncExitStack,
    economy: EconomyDoor,
) -> RollupBlockMaker:
    """Derivation, JSON-RPC, sequencer, batcher and proposer."""
    supervisor.start("derivation", rollup.driver)
    maker, loop = sequencer_loop(rollup)
    context = rpc_context(rollup, dev=dev_controls(rollup, loop), economy=economy)
    ports = RpcPorts(context, config.http.host, config.http.port, config.ws.port)
    closing.push_async_callback(ports.stop)
    await ports.start()
    supervisor.start("sequencer", loop)
    start_batcher(rollup, supervisor, dev_private_key(DEV_BATCHER), config)
    start_proposer(rollup, supervisor, l1_sender(rollup, dev_private_key(DEV_PROPOSER)))
    return maker


@dataclass(frozen=True)
class _Parts:
    """What health and banner look at."""

    rollup: Rollup
    maker: RollupBlockMaker
    provider: Provider
    watch: VerifierWatch
    conservation: ConservationCheck
    guard: DiskGuard

    def checks(self) -> dict[str, HealthCheck]:
        return {
            "sequencer": lambda: self.maker.waiting_for,
            "worker": lambda: None if self.provider.pool.statistics().workers else "no worker is connected",
            "verifier": lambda: self.watch.disagreement,
            "conservation": self.conservation.problem,
            "disk": self.guard.problem,
        }


async def _serve(
    config: DevConfig, urls: DevUrls, network: DevNetwork, parts: _Parts, supervisor: Supervisor
) -> None:
    """Metrics, banner, and then wait for the end."""
    metrics = node_metrics(parts.rollup, "dev")
    metrics.watch("verified_block", "Last block a verifier agreed on.", lambda: parts.watch.agreed_block)
    metrics.watch("conservation_gap_wei", "OPEN not accounted for.", lambda: parts.conservation.gap_wei)
    metrics.watch("conservation_block", "Last block checked.", lambda: parts.conservation.checked_block)
    metrics.watch("datadir_free_bytes", "Room on the data directory's disk.", parts.guard.free_bytes)
    server = await start_metrics(config.metrics, metrics, parts.checks())
    try:
        await supervisor.guard(_until(lambda: bool(parts.provider.pool.statistics().workers)))
        head = parts.rollup.chain.head.header
        print(banner(urls, network.rollup, head.gas_limit, head.base_fee_wei, DEV_BALANCE_WEI), flush=True)
        if config.config_out is not None:
            write_json(config.config_out, config_out(urls, network.rollup, head.gas_limit, head.base_fee_wei))
        await supervisor.run_until_stopped()
    finally:
        await server.stop()


async def _answers(l1: Ethereum, patience_s: float) -> None:
    """Wait until the L1 answers; raises StartError when it does not."""

    async def asked() -> bool:
        try:
            await l1.chain_id()
        except (UnreachableError, RemoteError):
            return False
        return True

    try:
        async with asyncio.timeout(patience_s):
            await _until(asked)
    except TimeoutError:
        raise StartError("the L1 does not answer", "start it or correct --l1.url") from None


async def _until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    while True:
        answer = condition()
        if await answer if isinstance(answer, Awaitable) else answer:
            return
        await asyncio.sleep(POLL_S)


def _urls(config: DevConfig) -> DevUrls:
    return DevUrls(
        l2_rpc=f"http://{config.http.host}:{config.http.port}",
        l1_rpc=(config.l1.url or f"http://{HOST}:{config.l1.port}").split(",")[0].strip(),
        gateway=f"http://{config.gateway.host}:{config.gateway.port}",
        metrics=f"http://{config.metrics.host}:{config.metrics.port}",
        verifier_rpc=f"http://{HOST}:{config.verifier.port}",
    )


def with_free_ports(config: DevConfig) -> DevConfig:
    """The same settings with a free port wherever 0 asks for one: children must be told before they bind."""
    sections = {
        name: getattr(config, name).model_copy(update={"port": free_port(HOST)})
        for name in ("http", "ws", "gateway", "metrics", "l1", "verifier")
        if getattr(config, name).port == 0
    }
    return config.model_copy(update=sections)


def _ports(config: DevConfig) -> list[tuple[int, str]]:
    ports = [
        (config.http.port, "--http.port"),
        (config.ws.port, "--ws.port"),
        (config.gateway.port, "--gateway.port"),
        (config.metrics.port, "--metrics.port"),
        (config.verifier.port, "--verifier.port"),
    ]
    return ports if config.l1.url else [*ports, (config.l1.port, "--l1.port")]
