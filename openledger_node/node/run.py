"""`openledger-node run`: one node of a network in its roles."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from genesis.spec import RollupConfig
from openledger_node.client.account import Account
from openledger_node.client.rpc import HttpRpc
from openledger_node.config.model import Role, RunConfig
from openledger_node.errors import StartError
from openledger_node.metrics.registry import NodeMetrics
from openledger_node.metrics.server import HealthCheck
from openledger_node.node.ai_validator import ai_checks, run_ai_validator
from openledger_node.node.disk import DiskGuard
from openledger_node.node.execution import ExecutionSettings, RpcPorts
from openledger_node.node.feed import FeedClient, FeedServer, HeardMessages, Messages, SignedMessages
from openledger_node.node.keys import read_key
from openledger_node.node.l1_validator import start_l1_validator
from openledger_node.node.lifecycle import StoppedError, Supervisor, stop_on_signals
from openledger_node.node.network_files import GenesisFile, load_genesis, load_rollup_config
from openledger_node.node.preflight import node_directory
from openledger_node.node.rollup import Rollup, open_rollup
from openledger_node.node.rollup_faces import node_metrics, rpc_context, start_metrics
from openledger_node.node.rollup_services import l1_sender, sequencer_loop, start_batcher, start_proposer
from openledger_node.node.verification import OutputCheck
from openledger_node.node.worker_pool import open_workers
from openledger_node.rpc.ports import EconomyDoor

log = structlog.get_logger(__name__)


async def run_node(config: RunConfig) -> None:
    """Run until stopped. Raises StartError for settings that contradict each other."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    with contextlib.suppress(StoppedError):
        async with Supervisor(stop) as supervisor:
            await _run_roles(config, supervisor)


async def _run_roles(config: RunConfig, supervisor: Supervisor) -> None:
    if "validator" in config.role:
        _only(config.role, "validator")
    if config.role == ("validator",) and config.l1.url is None:
        await run_ai_validator(config, supervisor)
    else:
        await _run_rollup(config, supervisor)


async def _run_rollup(config: RunConfig, supervisor: Supervisor) -> None:
    rollup_config, genesis = _network(config)
    keys = _keys(config)
    async with contextlib.AsyncExitStack() as closing:
        directory = closing.enter_context(node_directory(config.datadir))
        guard = DiskGuard(directory, config.min_free_disk)
        guard.assert_room()
        opening = closing.enter_async_context(
            open_rollup(rollup_config, genesis, config.l1, directory, settings=ExecutionSettings.of(config))
        )
        rollup = await supervisor.guard(opening)
        economy = EconomyDoor() if "gateway" in config.role else None
        ports = RpcPorts(rpc_context(rollup, economy=economy), config.http.host, config.http.port, None)
        closing.push_async_callback(ports.stop)
        await ports.start()
        metrics, checks = await _start_watching(config, rollup, supervisor, closing, guard)
        supervisor.start("derivation", rollup.driver)
        if "sequencer" in config.role:
            maker, loop = sequencer_loop(rollup)
            checks["sequencer"] = lambda: maker.waiting_for
            supervisor.start("sequencer", loop)
        await _open_feed(config, rollup, supervisor, closing)
        if "validator" in config.role:
            starting = start_l1_validator(config, rollup, supervisor, closing, directory)
            validator = await supervisor.guard(starting)
            validator.watch(metrics)
            checks["attester"] = lambda: validator.attester.problem
        await _start_roles(
            config, rollup, supervisor, ports.port, directory, keys=keys, economy=economy, metrics=metrics
        )


def _network(config: RunConfig) -> tuple[RollupConfig, GenesisFile]:
    """The network that the node is to join; raises StartError where it is not named."""
    if config.l1.url is None:
        raise StartError("a rollup node derives its chain from an L1", "give its URL with --l1.url")
    if config.rollup.config is None or config.rollup.genesis is None:
        raise StartError("the network is not named", "give --rollup.config and --rollup.genesis")
    return load_rollup_config(config.rollup.config), load_genesis(config.rollup.genesis)


async def _start_watching(
    config: RunConfig,
    rollup: Rollup,
    supervisor: Supervisor,
    closing: contextlib.AsyncExitStack,
    guard: DiskGuard,
) -> tuple[NodeMetrics, dict[str, HealthCheck]]:
    """What tells of trouble: disk guard, check of output roots, metrics port; roles add more checks."""
    check = OutputCheck(rollup.chain, rollup.engine, rollup.oracle, rollup.execution.clock)
    metrics = node_metrics(rollup, ",".join(config.role))
    metrics.watch("outputs_checked", "Output roots compared with the L1's.", lambda: check.checked)
    metrics.watch("datadir_free_bytes", "Room on the data directory's disk.", guard.free_bytes)
    checks: dict[str, HealthCheck] = {
        "derivation": lambda: None if rollup.driver.caught_up else "the L1 is still being read",
        "outputs": lambda: check.disagreement,
        "disk": guard.problem,
    }
    server = await start_metrics(config.metrics, metrics, checks)
    closing.push_async_callback(server.stop)
    supervisor.start("output check", check)
    supervisor.start("disk guard", guard)
    return metrics, checks


async def _open_feed(
    config: RunConfig, rollup: Rollup, supervisor: Supervisor, closing: contextlib.AsyncExitStack
) -> None:
    """A sequencer with a key serves its feed; any other node follows the one it is told of, and may relay."""
    if "sequencer" in config.role:
        if config.keys.sequencer is None:
            return
        key = read_key(config.keys.sequencer, "--keys.sequencer")
        await _serve_feed(config, rollup, SignedMessages(rollup.config.l2_chain_id, key), closing)
    elif config.feed.url is not None:
        heard = HeardMessages() if config.feed.relay else None
        clock = rollup.execution.clock
        client = FeedClient(rollup.config, rollup.engine, rollup.l1, config.feed.url, clock, heard=heard)
        supervisor.start("feed", client)
        if heard is not None:
            await _serve_feed(config, rollup, heard, closing)
    elif config.feed.relay:
        raise StartError("a relay passes on a feed", "name it with --feed.url")


async def _serve_feed(
    config: RunConfig, rollup: Rollup, messages: Messages, closing: contextlib.AsyncExitStack
) -> None:
    server = FeedServer(rollup.chain, messages, config.feed.host, config.feed.port)
    closing.push_async_callback(server.stop)
    await server.start()
    log.info("feed is up", url=f"ws://{config.feed.host}:{server.port}")


async def _start_roles(
    config: RunConfig,
    rollup: Rollup,
    supervisor: Supervisor,
    port: int,
    directory: Path,
    *,
    keys: Mapping[Role, bytes],
    economy: EconomyDoor | None,
    metrics: NodeMetrics,
) -> None:
    if "batcher" in config.role:
        start_batcher(rollup, supervisor, keys["batcher"], config)
    if "proposer" in config.role:
        start_proposer(rollup, supervisor, l1_sender(rollup, keys["proposer"]))
    log.info("node is up", roles=",".join(config.role), rpc=f"http://{config.http.host}:{port}")
    if "validator" in config.role and (config.l2.url or config.l2.artifacts):
        async with ai_checks(config, supervisor, directory, metrics):
            await supervisor.run_until_stopped()
        return
    if economy is None:
        await supervisor.run_until_stopped()
        return
    # A gateway's libraries are a fifth of a node's start, which other roles need not wait for.
    from openledger_node.node.provider import start_provider  # noqa: PLC0415

    account = Account(keys["gateway"])
    async with (
        HttpRpc(f"http://{config.http.host}:{port}") as rpc,
        open_workers(directory, config.workers, config.gateway.artifacts_url) as workers,
    ):
        await start_provider(
            config.gateway, directory, rpc, account, workers, supervisor=supervisor, economy=economy
        )
        await supervisor.run_until_stopped()


def _keys(config: RunConfig) -> dict[Role, bytes]:
    """The keys that the roles sign with, read before anything is opened; raises StartError."""
    files: dict[Role, tuple[Path | None, str]] = {
        "batcher": (config.keys.batcher, "--keys.batcher"),
        "proposer": (config.keys.proposer, "--keys.proposer"),
        "gateway": (config.keys.provider, "--keys.provider"),
    }
    return {role: read_key(*files[role]) for role in config.role if role in files}


def _only(roles: Sequence[Role], role: Role) -> None:
    if tuple(roles) != (role,):
        raise StartError(f"{role} shares a process with no other role", f"run it alone: --role {role}")
