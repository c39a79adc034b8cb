"""A rollup node's composition root: chain, derivation, what its roles add, wired with explicit arguments."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from genesis.networks import DEV_ACCOUNT_COUNT, DEV_FAUCET, L2_BLOCK_GAS_LIMIT
from genesis.spec import DEV_L1_CHAIN_ID, OPEN_UNIT, ROLLUP_FEES, ChainSpec, RollupConfig
from openledger_node import __version__
from openledger_node.chain.chain import Chain
from openledger_node.client.account import dev_private_key
from openledger_node.clock import Clock
from openledger_node.config.model import L1Section, MetricsSection, NodeConfig
from openledger_node.errors import StartError
from openledger_node.l1.ahead import ReadAhead
from openledger_node.l1.beacon import BeaconBlobs
from openledger_node.l1.client import L1Client
from openledger_node.l1.signers import LocalSigner
from openledger_node.metrics.registry import NodeMetrics
from openledger_node.metrics.server import HealthCheck, MetricsServer
from openledger_node.node.deadlines import assert_deadlines
from openledger_node.node.disputes import start_disputes
from openledger_node.node.execution import Execution, ExecutionSettings, open_execution
from openledger_node.node.l2_block_maker import RollupBlockMaker
from openledger_node.node.l2_engine import ChainEngine
from openledger_node.node.lifecycle import Supervisor
from openledger_node.node.network_files import GenesisFile
from openledger_node.node.rollup_view import RollupView
from openledger_node.node.safe_heads import SafeHeads
from openledger_node.node.unless_detached import UnlessDetached
from openledger_node.rpc.accounts import UnlockedAccounts
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.dev import DevControls, Faucet
from openledger_node.rpc.ports import EconomyDoor
from rollup_bridge.batcher.machine import BatcherSettings, Medium
from rollup_bridge.batcher.service import Batcher
from rollup_bridge.derive.attributes import SequencerAttributes
from rollup_bridge.derive.driver import DerivationDriver
from rollup_bridge.proposer.oracle import OracleReader
from rollup_bridge.proposer.service import Proposer, ProposerSettings
from rollup_bridge.txmgr.manager import TransactionManager
from sequencer.builder.budget import BuildLimits
from sequencer.loop import Sealed, SequencerLoop


@dataclass(frozen=True)
class Rollup:
    """An open rollup node; services are started by `start_*`."""

    config: RollupConfig
    execution: Execution
    l1: L1Client
    engine: ChainEngine
    driver: DerivationDriver
    oracle: OracleReader
    safe_heads: SafeHeads

    @property
    def chain(self) -> Chain:
        return self.execution.chain


@contextlib.asynccontextmanager
async def open_rollup(
    config: RollupConfig,
    genesis: GenesisFile,
    l1_section: L1Section,
    directory: Path,
    clock: Clock | None = None,
    *,
    settings: ExecutionSettings,
) -> AsyncIterator[Rollup]:
    """Open chain and L1 connection. Raises StartError for a wrong L1 or a data directory of another chain."""
    spec = ChainSpec(
        chain_id=config.l2_chain_id, is_rollup=True, block_gas_limit=L2_BLOCK_GAS_LIMIT, fees=ROLLUP_FEES
    )
    async with (
        open_execution(
            spec, genesis.accounts, genesis.timestamp_s, directory, clock, settings=settings
        ) as execution,
        L1Client(
            _listed(l1_section.url),
            trusted=l1_section.trust,
            is_development=config.l1_chain_id == DEV_L1_CHAIN_ID,
        ) as l1,
        _beacon(l1_section) as blobs,
        ReadAhead(l1) as ahead,
    ):
        if execution.chain.genesis.header.hash != config.l2_genesis.hash:
            raise StartError(
                "the genesis file does not make the rollup configuration's genesis block",
                "give the two files of one network with --rollup.genesis and --rollup.config",
            )
        assert_deadlines(config, execution.chain.snapshot())
        await _assert_right_l1(l1, config)
        engine = ChainEngine(execution.chain, execution.lane)
        with contextlib.closing(SafeHeads(directory)) as safe_heads:
            driver = DerivationDriver(
                config,
                ahead,
                engine,
                execution.clock,
                blobs=blobs,
                safe_heads=safe_heads,
                poll_interval_s=0.5,
            )
            oracle = OracleReader(config.output_oracle, l1)
            yield Rollup(config, execution, l1, engine, driver, oracle, safe_heads)


@contextlib.asynccontextmanager
async def _beacon(l1_section: L1Section) -> AsyncIterator[BeaconBlobs | None]:
    """Where blobs are read, if a beacon node is known."""
    urls = _listed(l1_section.beacon)
    if not urls:
        yield None
        return
    async with BeaconBlobs(urls) as blobs:
        yield blobs


def _listed(urls: str | None) -> list[str]:
    """URLs out of a list with commas."""
    return [url.strip() for url in (urls or "").split(",") if url.strip()]


async def _assert_right_l1(l1: L1Client, config: RollupConfig) -> None:
    """Raises StartError for an L1 that is not the one the rollup lives on."""
    if (found := await l1.chain_id()) != config.l1_chain_id:
        raise StartError(
            f"the L1 has chain id {found}, the rollup lives on {config.l1_chain_id}", "correct --l1.url"
        )
    anchor = await l1.block_by_number(config.l1_genesis.number)
    if anchor is None or anchor.hash != config.l1_genesis.hash:
        raise StartError(
            f"the L1 has another block {config.l1_genesis.number} than the rollup started from",
            "correct --l1.url, or --rollup.config",
        )


class NothingOnSealed:
    """The pool and feeds follow the chain by themselves."""

    async def on_sealed(self, sealed: Sealed) -> None:
        """See `sequencer.loop.BlockListener`."""


def sequencer_loop(rollup: Rollup) -> tuple[RollupBlockMaker, SequencerLoop]:
    """The service that builds blocks, and where they come from."""
    execution = rollup.execution
    maker = RollupBlockMaker(
        chain=execution.chain,
        lane=execution.lane,
        attributes=SequencerAttributes(rollup.config, rollup.l1),
        clock=execution.clock,
        block_time_s=rollup.config.block_time_s,
        request_reset=rollup.driver.request_reset,
        caught_up=lambda: rollup.driver.caught_up,
    )
    loop = SequencerLoop(
        maker=maker,
        pool=execution.pool.pool,
        clock=execution.clock,
        lane=execution.lane,
        next_due_s=maker.next_due_s,
        limits=BuildLimits(fill_time_s=rollup.config.block_time_s / 2),
        listener=NothingOnSealed(),
    )
    return maker, loop


def start_batcher(rollup: Rollup, supervisor: Supervisor, private_key: bytes, config: NodeConfig) -> Batcher:
    """Post batches with the batcher's key. Raises StartError for blobs that nobody could read back."""
    medium = Medium(config.batcher.data)
    if config.l1.beacon is None:
        if medium is Medium.BLOBS:
            raise StartError("no follower of this node could read blobs", "give --l1.beacon")
        medium = Medium.CALLDATA
    batcher = Batcher(
        rollup.config,
        BatcherSettings(
            sequencing_window=rollup.config.sequencing_window,
            max_in_flight=config.batcher.in_flight,
            medium=medium,
        ),
        status=rollup.driver,
        l2=rollup.engine,
        sender=l1_sender(rollup, private_key),
        clock=rollup.execution.clock,
        poll_interval_s=0.5,
        fees=rollup.l1,
    )
    supervisor.start("batcher", UnlessDetached(rollup.chain, batcher))
    return batcher


def start_proposer(
    rollup: Rollup, supervisor: Supervisor, sender: TransactionManager, *, disputes: bool = True
) -> Proposer:
    """Propose output roots from the sender's account, whenever it may, and stand up for them in disputes,
    unless something else does that for this account."""
    proposer = Proposer(
        rollup.config.output_oracle,
        ProposerSettings(poll_interval_s=1.0),
        status=rollup.driver,
        outputs=rollup.engine,
        contracts=rollup.l1,
        sender=sender,
        clock=rollup.execution.clock,
    )
    supervisor.start("proposer", UnlessDetached(rollup.chain, proposer))
    if disputes:
        start_disputes(rollup, supervisor, sender)
    return proposer


def l1_sender(rollup: Rollup, private_key: bytes) -> TransactionManager:
    """Sends on the L1; one for each key of a process."""
    return TransactionManager(
        rollup.l1,
        LocalSigner(private_key),
        rollup.execution.clock,
        chain_id=rollup.config.l1_chain_id,
        receipt_poll_s=0.5,
    )


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
