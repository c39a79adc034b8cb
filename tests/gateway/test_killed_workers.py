"""Workers killed with -9 under a gateway's customers: the money of `tests/integration`, on the law node.

A pool with real worker processes, no network around it, so that a kill takes seconds; the chain's rules are
real. Set OPENLEDGER_WORKER_KILLS for fewer.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console

from genesis.spec import OPEN_UNIT
from openledger_node.client.account import dev_account
from openledger_node.client.ethereum import Ethereum
from openledger_node.demo.records import DemoOptions
from openledger_node.demo.world import World
from openledger_node.gateway.settling import SettlingRule
from openledger_node.jobs.pool import PoolAdapter
from tests.gateway.conftest import TOKEN, Running
from tests.integration.audit import wrong_payments
from tests.integration.market import ClassifierCustomer, settle
from tests.integration.processes import actors_of, kill
from tests.jobs.economy import CUSTOMER, Economy
from tests.workers.pool.conftest import ray_cluster  # noqa: F401 - a fixture
from workers.artifacts.store import ArtifactStore
from workers.pool.handshake import read_token
from workers.pool.server import WorkerPool
from workers.pool.spawn import LocalWorkers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_800), pytest.mark.filterwarnings("ignore")]

KILLS, WORKERS, CUSTOMERS = {"local": 100, "ray": 20}, 2, 2
PATIENCE_S = 240.0
DEPOSIT_WEI = 2_000 * OPEN_UNIT
"""So much that customers can buy until the last kill."""


class Shop:
    """A gateway, its pool and its workers' processes."""

    def __init__(self, running: Running, pool: WorkerPool, workers: LocalWorkers, backend: str) -> None:
        self.running, self.pool, self._workers, self._backend = running, pool, workers, backend
        self.kills = int(os.environ.get("OPENLEDGER_WORKER_KILLS") or KILLS[backend])

    def worker_pids(self) -> list[int]:
        """Those that live, started just now or not."""
        if self._backend == "ray":
            return sorted(actors_of(os.getpid()))
        return [each.pid for each in self._workers.processes.values() if each.returncode is None]

    @property
    def economy(self) -> Economy:
        return self.running.economy

    def world(self, directory: Path) -> World:
        l2 = Ethereum(self.economy.node)
        options = DemoOptions(gateway_url=self.running.url)
        parts = (self.economy.reader, self.running.http, self.economy.store, Console(stderr=True), directory)
        return World(options, l2, l2, *parts)


@pytest.fixture(params=["local", "ray"])
async def shop(request: pytest.FixtureRequest, economy: Economy, tmp_path: Path) -> AsyncIterator[Shop]:
    ray = request.getfixturevalue("ray_cluster") if request.param == "ray" else None
    token_file, store = tmp_path / "token", ArtifactStore(economy.store.directory)
    token_file.write_text(TOKEN)
    pool = WorkerPool(store, address="tcp:127.0.0.1:0", token=read_token(token_file))
    await pool.start()
    workers = LocalWorkers(
        WORKERS,
        address=pool.address,
        token_file=token_file,
        artifacts=economy.store.directory,
        ray=ray and ray.get_runtime_context().gcs_address,
    )
    await workers.start()
    running = Running(economy, tmp_path / "node", PoolAdapter(pool), SettlingRule(look_every_s=3_600.0))
    await running.start()
    yield Shop(running, pool, workers, request.param)
    await running.stop()
    await workers.close()
    await pool.close()


async def test_killed_workers_double_no_payment(shop: Shop, tmp_path: Path) -> None:
    dice, stopping, world = random.Random(3), asyncio.Event(), shop.world(tmp_path)
    customers = [
        ClassifierCustomer(
            dev_account(CUSTOMER),
            await shop.running.purchases(DEPOSIT_WEI),
            random.Random(number),
            inputs=shop.economy.trained.queries,
        )
        for number in range(CUSTOMERS)
    ]
    keys: set[str] = set()
    async with asyncio.TaskGroup() as group:
        buying = [group.create_task(customer.buy_until(stopping)) for customer in customers]
        blocks = group.create_task(_make_blocks(shop.economy))
        for number in range(shop.kills):
            await _kill(shop, dice)
            keys |= {await settle(world, customers[number % CUSTOMERS])}
        stopping.set()
        await asyncio.wait(buying)
        settlements = await _final(shop, world, customers, keys)
        blocks.cancel()
    assert await wrong_payments(world, customers, settlements, [shop.economy.channel_id]) == []
    assert all(customer.answers for customer in customers)
    statistics = shop.pool.statistics()
    bought = [(customer.answers, customer.spent_wei) for customer in customers]
    print(f"{shop.kills} kills, {statistics.requeued} at a job; (answers, wei) {bought}")


async def _kill(shop: Shop, dice: random.Random) -> None:
    """One of the workers at a random moment, while one at least is in the pool."""
    await asyncio.sleep(dice.uniform(0, 1.5))
    async with asyncio.timeout(PATIENCE_S):
        while not (shop.pool.statistics().workers and (pids := shop.worker_pids())):
            await asyncio.sleep(0.02)
    with suppress(ProcessLookupError):
        kill(dice.choice(pids))


async def _make_blocks(economy: Economy) -> None:
    while True:
        economy.node.advance(1)
        await asyncio.sleep(0.1)


async def _final(
    shop: Shop, world: World, customers: list[ClassifierCustomer], keys: set[str]
) -> list[dict[str, object]]:
    """Every settlement, once all that was bought is settled, attributed and final."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            asked = {await settle(world, customer) for customer in customers} - {""}
            keys |= asked
            found = [await shop.running.http.get(f"/api/settlements/{key}") for key in sorted(keys) if key]
            if not asked and all(each["final"] for each in found):
                return found
            await asyncio.sleep(0.3)
