"""A rollup node opened: chain, L1 client, derivation and oracle, wired with explicit arguments."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from genesis.networks import L2_BLOCK_GAS_LIMIT
from genesis.spec import DEV_L1_CHAIN_ID, ROLLUP_FEES, ChainSpec, RollupConfig
from openledger_node.chain.chain import Chain
from openledger_node.clock import Clock
from openledger_node.config.model import L1Section
from openledger_node.errors import StartError
from openledger_node.l1.ahead import ReadAhead
from openledger_node.l1.beacon import BeaconBlobs
from openledger_node.l1.client import L1Client
from openledger_node.node.deadlines import assert_deadlines
from openledger_node.node.execution import Execution, ExecutionSettings, open_execution
from openledger_node.node.l2_engine import ChainEngine
from openledger_node.node.network_files import GenesisFile
from openledger_node.node.safe_heads import SafeHeads
from rollup_bridge.derive.driver import DerivationDriver
from rollup_bridge.proposer.oracle import OracleReader


@dataclass(frozen=True)
class Rollup:
    """An open rollup node; its services are in `rollup_services`, what it shows in `rollup_faces`."""

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
