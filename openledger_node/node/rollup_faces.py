"""What a rollup node shows, wired: its JSON-RPC, the methods of a development chain, its metrics."""

from collections.abc import Mapping

from genesis.networks import DEV_ACCOUNT_COUNT, DEV_FAUCET
from genesis.spec import OPEN_UNIT
from openledger_node import __version__
from openledger_node.client.account import dev_private_key
from openledger_node.config.model import MetricsSection
from openledger_node.errors import StartError
from openledger_node.metrics.registry import NodeMetrics
from openledger_node.metrics.server import HealthCheck, MetricsServer
from openledger_node.node.rollup import Rollup
from openledger_node.node.rollup_view import RollupView
from openledger_node.rpc.accounts import UnlockedAccounts
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.dev import DevControls, Faucet
from openledger_node.rpc.ports import EconomyDoor
from sequencer.loop import SequencerLoop


def rpc_context(
    rollup: Rollup, *, dev: DevControls | None = None, economy: EconomyDoor | None = None
) -> RpcContext:
    """What the JSON-RPC of this node stands on; with `dev`, the published accounts are unlocked. `economy` is
    for a gateway that opens later."""
    unlocked = [dev_private_key(i) for i in range(DEV_ACCOUNT_COUNT)] if dev else []
    return RpcContext(
        chain=rollup.chain,
        pool=rollup.execution.pool,
        feeds=rollup.execution.feeds,
        client_version=f"openledger-node/v{__version__}",
        accounts=UnlockedAccounts(unlocked),
        rollup=RollupView(
            config=rollup.config,
            chain=rollup.chain,
            engine=rollup.engine,
            driver=rollup.driver,
            oracle=rollup.oracle,
            safe_heads=rollup.safe_heads,
        ),
        economy=economy,
        dev=dev,
    )


def dev_controls(rollup: Rollup, loop: SequencerLoop) -> DevControls:
    """The test methods of a development chain."""
    return DevControls(
        rollup.chain,
        loop,
        rollup.execution.clock,
        fixed_block_time_s=rollup.config.block_time_s,
        faucet=Faucet(dev_private_key(DEV_FAUCET)),
    )


def node_metrics(rollup: Rollup, role: str) -> NodeMetrics:
    """Heads, supply and detachment, read at each scrape."""
    chain, metrics = rollup.chain, NodeMetrics(role)
    metrics.watch_head("l2", "unsafe", lambda: chain.heads.unsafe.number)
    metrics.watch_head("l2", "safe", lambda: chain.heads.safe.number)
    metrics.watch_head("l2", "finalized", lambda: chain.heads.finalized.number)
    metrics.watch("oldest_state", "First block whose state is kept.", lambda: chain.oldest_state)
    metrics.watch("detached", "1 after a dev method changed state outside of blocks.", lambda: chain.detached)
    metrics.watch(
        "supply_open",
        "Sum of all L2 balances in OPEN.",
        lambda: chain.supply(chain.heads.unsafe.number).total_wei / OPEN_UNIT,
    )
    return metrics


async def start_metrics(
    config: MetricsSection, metrics: NodeMetrics, checks: Mapping[str, HealthCheck]
) -> MetricsServer:
    """Bind the metrics port; raises StartError when it is taken."""
    server = MetricsServer(config.host, config.port, metrics.registry, checks)
    try:
        await server.start()
    except OSError as error:
        raise StartError(
            f"port {config.port} is not available ({error.strerror})", "choose another with --metrics.port"
        ) from None
    return server
