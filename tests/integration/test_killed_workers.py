"""Workers killed with -9 while people buy: no job is lost, no answer is billed twice, nobody is paid twice.

A real dev node whose workers are local processes or actors of a Ray cluster; customers of a classifier, which
workers answer, and of a language model, whose server is killed in the middle of its answers; settlements all
the time. Afterwards every customer's memory, channel, settlement, post, earning and claim is compared to the
wei (`audit`). Set OPENLEDGER_CRASH_SEED to draw the same moments again, OPENLEDGER_WORKER_KILLS for fewer.
"""

import asyncio
import os
import random
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from openledger_node.demo.world import World
from openledger_node.errors import OpenLedgerError
from tests.integration.audit import wrong_payments
from tests.integration.books import under_way, wrong_entries
from tests.integration.market import open_customers, open_market, settle
from tests.integration.network import DevNode
from tests.integration.processes import actors_of, kill, process_of, processes_of, text_of
from tests.workers.pool.conftest import ray_cluster  # noqa: F401 - a fixture
from workers.protocol import DEFAULT_RECIPE, DatasetVersion, TrainRequest, TrainResult
from workers.protocol.codec import from_json, to_json

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600), pytest.mark.filterwarnings("ignore")]

WORKERS = 2
KILLS = {"local": 100, "ray": 20}
TEXT_KILLS_OF = 8
"""Every so many kills meet the language model's server instead, in the middle of an answer."""
MOST_PAUSE_S = 3.0
SETTLE_EVERY_S = 10.0
PATIENCE_S = 600.0


@dataclass
class Killer:
    """Kills workers at random moments, and now and then the text server behind some pieces of an answer."""

    node: DevNode
    dice: random.Random
    backend: str
    kills: int = 0
    text_kills: int = 0
    _armed: int = 0
    _struck: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, count: int) -> None:
        while self.kills + self.text_kills < count:
            await asyncio.sleep(self.dice.uniform(0, MOST_PAUSE_S))
            if (self.kills + self.text_kills) % TEXT_KILLS_OF == TEXT_KILLS_OF - 1:
                await self._strike_text_server()
            else:
                await self._kill_worker()

    def on_piece(self, count: int) -> None:
        """A piece of an answer has come: kill its server if it is its turn."""
        pid = process_of(self.node.datadir, "text server") if 0 < self._armed <= count else None
        if pid is not None:
            kill(pid)
            self._armed = 0
            self._struck.set()

    async def _strike_text_server(self) -> None:
        self._struck.clear()
        self._armed = self.dice.randrange(1, 30)
        async with asyncio.timeout(PATIENCE_S):
            await self._struck.wait()
        self.text_kills += 1

    async def _kill_worker(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not (pids := await asyncio.to_thread(self._workers)):
                await asyncio.sleep(0.1)
        with suppress(ProcessLookupError):
            kill(self.dice.choice(pids))
            self.kills += 1

    def _workers(self) -> list[int]:
        """The node's own workers while at least one of them has joined its pool."""
        if not requests.get(f"{self.node.url('gateway')}/api/status", timeout=60).json()["workers"]:
            return []
        if self.backend == "ray":
            return sorted(actors_of(os.getpid()))
        token = f"{self.node.datadir}/worker.token"
        return sorted(
            pid
            for pid, part in processes_of(self.node.datadir).items()
            if part == "worker" and token in text_of(Path(f"/proc/{pid}/cmdline"))
        )


@pytest.fixture(params=["local", "ray"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def node(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DevNode]:
    arguments = ["--workers.count", str(WORKERS), "--gateway.calls-per-minute", "0"]
    if backend == "ray":
        ray = request.getfixturevalue("ray_cluster")
        arguments += ["--workers.ray", ray.get_runtime_context().gcs_address]
    with DevNode(tmp_path / "dev", *arguments) as node:
        yield node


async def test_killed_workers_lose_no_job_and_double_no_payment(
    node: DevNode, backend: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("OPENLEDGER_CRASH_SEED") or secrets.randbits(32))
    count = int(os.environ.get("OPENLEDGER_WORKER_KILLS") or KILLS[backend])
    print(f"OPENLEDGER_CRASH_SEED={seed}")
    killer, stopping = Killer(node, random.Random(seed), backend), asyncio.Event()
    async with open_market(node, tmp_path / "market") as (world, goods):
        customers = await open_customers(world, goods, killer.on_piece, seed)
        async with asyncio.TaskGroup() as group:
            buying = [group.create_task(customer.buy_until(stopping)) for customer in customers]
            settling = group.create_task(_settle_until(stopping, world, customers))
            training = group.create_task(_train_until(stopping, world, goods.digits))
            await killer.run(count)
            stopping.set()
            await asyncio.wait([*buying, settling, training])
        keys = settling.result() | await _settle_all(node, world, customers)
        settlements = [await world.gateway.get(f"/api/settlements/{key}") for key in sorted(keys)]
        print(_summary(node, killer, customers, settlements, training.result()))
        assert [each["key"] for each in settlements if not each["final"]] == []
        assert await wrong_entries(node) == []
        assert await wrong_payments(world, customers, settlements) == []
    assert all(customer.answers for customer in customers)
    assert sum(customer.interrupted for customer in customers) > 0
    assert training.result() > 0
    assert _requeued(node) > 0, "no kill met a job"


async def _settle_until(stopping: asyncio.Event, world: World, customers: Any) -> set[str]:
    """Ask for settlements all the time, also while earlier ones are under way; their keys."""
    keys: set[str] = set()
    while not stopping.is_set():
        keys |= {await settle(world, customer) for customer in customers}
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_EVERY_S):
                await stopping.wait()
    return keys - {""}


async def _settle_all(node: DevNode, world: World, customers: Any) -> set[str]:
    """Until everything bought is settled, attributed and final."""
    keys: set[str] = set()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = {await settle(world, customer) for customer in customers} - {""}
            keys |= found
            if not found and not await asyncio.to_thread(under_way, node):
                return keys
            await asyncio.sleep(1.0)


async def _train_until(stopping: asyncio.Event, world: World, digits: DatasetVersion) -> int:
    """One training after the other, each with a seed of its own; how many were done. None may be lost."""
    done = 0
    while not stopping.is_set():
        request = TrainRequest(dataset=digits, recipe=replace(DEFAULT_RECIPE, seed=1_000 + done))
        trained = await _trained(world, to_json(request))
        assert trained.canonical_records > 0
        done += 1
    return done


async def _trained(world: World, request: Any) -> TrainResult:
    while True:
        try:
            return from_json(TrainResult, await world.gateway.job("train", request))
        except OpenLedgerError as error:
            if "workers died on it" not in str(error):  # parked until somebody asks again
                raise


def _requeued(node: DevNode) -> int:
    return (node.datadir / "dev.log").read_text(errors="replace").count("goes back to the queue")


def _summary(
    node: DevNode, killer: Killer, customers: Any, settlements: list[Mapping[str, Any]], trainings: int
) -> str:
    bought = [(customer.answers, customer.interrupted, customer.spent_wei) for customer in customers]
    return (
        f"{killer.kills} workers killed, {_requeued(node)} of them at a job, "
        f"{killer.text_kills} text servers; "
        f"(answers, interrupted, wei) {bought}; {len(settlements)} settlements, {trainings} trainings"
    )
