"""The engine in plain-Ethereum mode: the L1 that `dev` embeds, or a chain given as files."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from genesis.alloc import l1_dev_allocation
from genesis.networks import DEV_ACCOUNT_COUNT, DEV_BALANCE_WEI, dev_l1_spec
from genesis.types import Wei
from openledger_node import __version__
from openledger_node.chain.chain import Chain
from openledger_node.chain.ethereum_block_maker import EthereumBlockMaker
from openledger_node.chain.ethereum_genesis import EthereumGenesis
from openledger_node.client.account import dev_account, dev_private_key
from openledger_node.clock import ElapsedClock
from openledger_node.config.model import EthereumConfig
from openledger_node.errors import StartError
from openledger_node.node.disk import DiskGuard
from openledger_node.node.ethereum_import import import_blocks, load_genesis, read_blocks
from openledger_node.node.execution import (
    Execution,
    ExecutionSettings,
    RpcPorts,
    open_execution,
    open_execution_on,
)
from openledger_node.node.lifecycle import Supervisor, stop_on_signals
from openledger_node.node.preflight import node_directory
from openledger_node.rpc.accounts import UnlockedAccounts
from openledger_node.rpc.context import ETHEREUM_TIPS, RpcContext
from openledger_node.rpc.dev import DevControls
from openledger_node.storage.keyvalue import KeyValue
from sequencer.builder.budget import BuildLimits
from sequencer.loop import Sealed, SequencerLoop

log = structlog.get_logger(__name__)

CLIENT_VERSION = f"openledger-node/v{__version__}/ethereum"
SAFE_DEPTH = 1
FINALIZED_DEPTH = 2
"""Blocks behind the head at which the embedded L1 calls a block safe and finalized: a chain of one never
reorganises by itself, and waiting less shortens every demonstration."""


class ConfirmationHeads:
    """Moves the safe and finalized heads after each sealed block."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    async def on_sealed(self, sealed: Sealed) -> None:
        """See `sequencer.loop.BlockListener`."""
        chain = self._execution.chain
        head = chain.header_by_hash(sealed.hash)
        if head is None:
            return
        safe = chain.header_by_number(max(0, head.number - SAFE_DEPTH))
        final = chain.header_by_number(max(0, head.number - FINALIZED_DEPTH))
        if safe is None or final is None:
            return
        await self._execution.lane.run(lambda: chain.set_heads(safe=safe.hash, finalized=final.hash))


async def run_ethereum(config: EthereumConfig) -> None:
    """Run until stopped. Raises StartError when there is nothing to run."""
    if config.dev == (config.genesis is not None):
        raise StartError("which chain to run?", "give --dev for a development chain, or --genesis FILE")
    stop = asyncio.Event()
    stop_on_signals(stop)
    with node_directory(config.datadir) as directory:
        guard = DiskGuard(directory, config.min_free_disk)
        guard.assert_room()
        if config.genesis is None:
            await _run_dev(config, directory, guard, stop)
        else:
            await _run_files(config, load_genesis(config.genesis), directory, guard, stop)


async def _run_files(
    config: EthereumConfig,
    genesis: EthereumGenesis,
    directory: Path,
    guard: DiskGuard,
    stop: asyncio.Event,
) -> None:
    """Import what there is to import and serve the chain; it makes no blocks."""
    encoded = b"" if config.import_ is None else read_blocks(config.import_)
    settings = ExecutionSettings.of(config)

    def open_chain(store: KeyValue) -> Chain:
        return Chain.open_ethereum(genesis, store, state_history=settings.state_history)

    async with open_execution_on(open_chain, directory, pool=settings.pool) as execution:
        chain = execution.chain
        added = await execution.lane.run(lambda: import_blocks(chain, encoded, stop.is_set))
        log.info("chain imported", blocks=added, head=chain.heads.unsafe.number)
        context = RpcContext(
            chain=chain,
            pool=execution.pool,
            feeds=execution.feeds,
            client_version=CLIENT_VERSION,
            tips=ETHEREUM_TIPS,
            testing=True,
        )
        async with _serving(config, context, guard, stop) as supervisor:
            await supervisor.run_until_stopped()


async def _run_dev(config: EthereumConfig, directory: Path, guard: DiskGuard, stop: asyncio.Event) -> None:
    balances = {dev_account(i).address: Wei(DEV_BALANCE_WEI) for i in range(DEV_ACCOUNT_COUNT)}
    async with open_execution(
        dev_l1_spec(config.gas_limit),
        l1_dev_allocation(balances),
        genesis_time_s(directory),
        directory,
        ElapsedClock(),
        settings=ExecutionSettings.of(config),
    ) as execution:
        loop = _miner(config, execution)
        context = RpcContext(
            chain=execution.chain,
            pool=execution.pool,
            feeds=execution.feeds,
            client_version=CLIENT_VERSION,
            tips=ETHEREUM_TIPS,
            accounts=UnlockedAccounts(dev_private_key(i) for i in range(DEV_ACCOUNT_COUNT)),
            dev=DevControls(execution.chain, loop, execution.clock, fixed_block_time_s=None),
        )
        async with _serving(config, context, guard, stop) as supervisor:
            supervisor.start("miner", loop)
            await supervisor.run_until_stopped()
            await loop.stop()


def _miner(config: EthereumConfig, execution: Execution) -> SequencerLoop:
    maker = EthereumBlockMaker(
        execution.chain,
        execution.lane,
        execution.clock,
        block_time_s=config.l1.block_time,
        fee_recipient=dev_account(0).address,
    )
    return SequencerLoop(
        maker=maker,
        pool=execution.pool.pool,
        clock=execution.clock,
        lane=execution.lane,
        next_due_s=maker.next_due_s,
        limits=BuildLimits(fill_time_s=config.l1.block_time / 2),
        listener=ConfirmationHeads(execution),
    )


@contextlib.asynccontextmanager
async def _serving(
    config: EthereumConfig, context: RpcContext, guard: DiskGuard, stop: asyncio.Event
) -> AsyncIterator[Supervisor]:
    """JSON-RPC answers meanwhile, and the disk is watched."""
    ports = RpcPorts(context, config.http.host, config.http.port, None)
    async with Supervisor(stop) as supervisor:
        await ports.start()
        try:
            log.info("serving", url=f"http://{config.http.host}:{ports.port}")
            supervisor.start("disk guard", guard)
            yield supervisor
        finally:
            await ports.stop()


def genesis_time_s(directory: Path) -> int:
    """The time the chain was first started, kept beside it."""
    file = directory / "genesis-time"
    if not file.exists():
        directory.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(str(int(time.time())))
        fresh.replace(file)
    return int(file.read_text())
