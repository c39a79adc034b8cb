"""A plain Ethereum chain with its pool, block loop and RPC server, in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from eth_account import Account

from genesis.account import GenesisAccount
from genesis.spec import DEV_L1_CHAIN_ID, ETHEREUM_FEES, ChainSpec
from genesis.types import Address
from openledger_node.chain.chain import Chain
from openledger_node.chain.ethereum_block_maker import EthereumBlockMaker
from openledger_node.clock import SteeredClock, SystemClock
from openledger_node.node.lane import ExecutionLane
from openledger_node.rpc.accounts import UnlockedAccounts
from openledger_node.rpc.context import ETHEREUM_TIPS, RpcContext
from openledger_node.rpc.dev import DevControls, Faucet
from openledger_node.rpc.dispatch import RpcLimits
from openledger_node.rpc.feeds import Feeds
from openledger_node.rpc.methods import build_methods
from openledger_node.rpc.pool_service import PoolService
from openledger_node.rpc.server import RpcServer
from openledger_node.storage.keyvalue import MemoryKeyValue
from sequencer.builder.budget import BuildLimits
from sequencer.loop import Sealed, SequencerLoop

SPEC = ChainSpec(chain_id=DEV_L1_CHAIN_ID, is_rollup=False, block_gas_limit=30_000_000, fees=ETHEREUM_FEES)
GENESIS_TIME_S = 1_700_000_000
KEYS = [i.to_bytes(32, "big") for i in range(1, 4)]
FAUCET_KEY = (99).to_bytes(32, "big")
RICH_WEI = 10_000 * 10**18

Answer = TypeVar("Answer")


def address_of(key: bytes) -> Address:
    return Address(bytes.fromhex(Account.from_key(key).address[2:]))


class NoListener:
    async def on_sealed(self, sealed: Sealed) -> None:
        """The pool follows the chain itself."""


class RunningNode:
    """`mine` and `call` work from any thread. Blocks are built on request only, unless `automatic`."""

    def __init__(
        self, *, automatic: bool = False, limits: RpcLimits | None = None, testing: bool = False
    ) -> None:
        self._automatic = automatic
        self._limits = limits
        self._testing = testing
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> "RunningNode":
        self._thread.start()
        self.wait(self._start())
        return self

    def stop(self) -> None:
        self.wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def wait(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        future: Future[Answer] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(30)

    def on_loop(self, work: Callable[[], Answer]) -> Answer:
        async def run() -> Answer:
            return work()

        return self.wait(run())

    def mine(self, blocks: int = 1) -> None:
        self.wait(self.dev.mine(blocks))

    async def _start(self) -> None:
        self.store = MemoryKeyValue()
        alloc = {address_of(key): GenesisAccount(balance_wei=RICH_WEI) for key in [*KEYS, FAUCET_KEY]}
        self.chain = Chain.open(SPEC, self.store, alloc, GENESIS_TIME_S)
        clock = SteeredClock(SystemClock(), self.chain.head.header.timestamp_s)
        self.lane = ExecutionLane()
        self.feeds = Feeds()
        self.pool = PoolService(self.chain, clock, self.feeds)
        self.pool.start()
        maker = EthereumBlockMaker(
            self.chain, self.lane, clock, block_time_s=1, fee_recipient=Address(b"\xcc" * 20)
        )
        self.loop = SequencerLoop(
            maker=maker,
            pool=self.pool.pool,
            clock=clock,
            lane=self.lane,
            next_due_s=maker.next_due_s,
            limits=BuildLimits(fill_time_s=1.0),
            listener=NoListener(),
        )
        if not self._automatic:
            await self.loop.pause()
        self.dev = DevControls(
            self.chain, self.loop, clock, fixed_block_time_s=None, faucet=Faucet(FAUCET_KEY)
        )
        self.context = context = RpcContext(
            chain=self.chain,
            pool=self.pool,
            feeds=self.feeds,
            client_version="openledger-node/test",
            tips=ETHEREUM_TIPS,
            accounts=UnlockedAccounts(KEYS[:1]),
            dev=self.dev,
            testing=self._testing,
        )
        self.server = RpcServer("127.0.0.1", 0, build_methods(context), self.feeds, limits=self._limits)
        await self.server.start()
        self.url = f"http://127.0.0.1:{self.server.port}"
        self.ws_url = f"ws://127.0.0.1:{self.server.port}"
        self._running = asyncio.create_task(self.loop.run())

    async def _stop(self) -> None:
        await self.server.stop()
        await self.loop.stop()
        await self._running
        self.pool.stop()
        self.lane.close()
