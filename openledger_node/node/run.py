"""`openledger-node run`: one node of a network in its roles."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import structlog

from openledger_node.client.account import Account
from openledger_node.client.rpc import HttpRpc
from openledger_node.config.model import Role, RunConfig
from openledger_node.errors import StartError
from openledger_node.metrics.registry import NodeMetrics
from openledger_node.metrics.server import HealthCheck
from openledger_node.node.disk import DiskGuard
from openledger_node.node.execution import ExecutionSettings, RpcPorts
from openledger_node.node.feed import FeedClient, FeedServer, HeardMessages, Messages, SignedMessages
from openledger_node.node.keys import read_key
from openledger_node.node.l1_validator import start_l1_validator
from openledger_node.node.lifecycle import StoppedError, Supervisor, stop_on_signals
from openledger_node.node.network_files import load_genesis, load_rollup_config
from openledger_node.node.preflight import node_directory
from openledger_node.node.rollup import Rollup, open_rollup
from openledger_node.node.rollup_faces import node_metrics, rpc_context, start_metrics
from openledger_node.node.rollup_services import l1_sender, sequencer_loop, start_batcher, start_proposer
from openledger_node.node.verification import OutputCheck
from openledger_node.node.worker_pool import ARTIFACTS_FOLDER, open_checkers, open_workers
from openledger_node.rpc.ports import EconomyDoor
from openledger_node.validator.features import FeatureChecks
from openledger_node.validator.service import Validator, ValidatorOptions

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
        await _run_ai_validator(config, supervisor)
    else:
        await _run_rollup(config, supervisor)


async def _run_ai_validator(config: RunConfig, supervisor: Supervisor) -> None:
    """A validator of AI work alone: JSON-RPC and published artefacts are all it has."""
    if config.l2.url is None and config.l2.artifacts is None:
        raise StartError(
            "a validator reads an L1 or another node",
            "give --l1.url for output roots, or --l2.url and --l2.artifacts for AI work alone",
        )
    with node_directory(config.datadir) as directory:
        guard = DiskGuard(directory, config.min_free_disk)
        guard.assert_room()
        metrics = NodeMetrics("validator")
        async with _ai_checks(config, supervisor, directory, metrics):
            server = await start_metrics(config.metrics, metrics, {"disk": guard.problem})
            supervisor.start("disk guard", guard)
            try:
                await supervisor.run_until_stopped()
            finally:
                await server.stop()


@contextlib.asynccontextmanager
async def _ai_checks(
    config: RunConfig, supervisor: Supervisor, directory: Path, metrics: NodeMetrics
) -> AsyncIterator[None]:
    """Checks of AI work, started; the node they read takes their transactions, too, so it is the sequencer or
    one that passes them on."""
    if config.l2.url is None or config.l2.artifacts is None:
        raise StartError("AI work is checked by another node's records", "give --l2.url and --l2.artifacts")
    account = Account(read_key(config.keys.validator, "--keys.validator"))
    async with HttpRpc(config.l2.url) as rpc:
        artifacts_url = config.l2.artifacts
        options = ValidatorOptions((artifacts_url,), directory / ARTIFACTS_FOLDER)
        features = FeatureChecks(lambda: open_checkers(directory, artifacts_url))
        validator = Validator(rpc, account, options, features)
        for name, help_text, read in validator.figures():
            metrics.watch(name, help_text, read)
        supervisor.start("validator", validator)
        supervisor.start("feature checks", features)
        yield


async def _run_rollup(config: RunConfig, supervisor: Supervisor) -> None:
    if config.l1.url is None:
        raise StartError("a rollup node derives its chain from an L1", "give its URL with --l1.url")
    if config.rollup.config is None or config.rollup.genesis is None:
        raise StartError("the network is not named", "give --rollup.config and --rollup.genesis")
    rollup_config, genesis = load_rollup_config(config.rollup.config), load_genesis(config.rollup.genesis)
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
        context = rpc_context(rollup, economy=economy)
        ports = RpcPorts(context, config.http.host, config.http.port, None)
        closing.push_async_callback(ports.stop)
        await ports.start()
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
        supervisor.start("derivation", rollup.driver)
        supervisor.start("output check", check)
        supervisor.start("disk guard", guard)
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
        async with _ai_checks(config, supervisor, directory, metrics):
            await supervisor.run_until_stopped()
        return
    if economy is None:
        await supervisor.run_until_stopped()
        return
    # A gateway's libraries are a fifth of a node's start, which other roles need not wait for.
    from openledger_node.node.provider import open_provider  # noqa: PLC0415

    account = Account(keys["gateway"])
    async with (
        HttpRpc(f"http://{config.http.host}:{port}") as rpc,
        open_workers(directory, config.workers, config.gateway.artifacts_url) as workers,
    ):
        provider = await open_provider(config.gateway, directory, rpc, account, workers)
        economy.open(provider.gateway.records)
        supervisor.start("gateway", provider.gateway)
        supervisor.start("answers", provider.answers)
        if provider.text_server is not None:
            supervisor.start("language models", provider.text_server, needed=False)
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
