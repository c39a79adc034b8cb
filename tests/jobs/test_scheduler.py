"""The scheduler: jobs survive restarts, lost workers and failures; news can be resumed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from openledger_node.jobs.database import Database, sqlite_url
from openledger_node.jobs.machine import JobState, Started, new_job, step
from openledger_node.jobs.ports import Progress, WorkerFailedError, WorkerLostError
from openledger_node.jobs.scheduler import JobFailedError, JobScheduler
from openledger_node.jobs.table import SCHEMA, JobTable
from tests.jobs.fakes import ManualClock, ScriptedPool


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(sqlite_url(tmp_path / "node.sqlite"), [SCHEMA])
    yield opened
    await opened.close()


@asynccontextmanager
async def running(scheduler: JobScheduler) -> AsyncIterator[None]:
    task = asyncio.create_task(scheduler.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_result_comes_back(database: Database) -> None:
    scheduler = JobScheduler(JobTable(database), ScriptedPool(lambda _k, r: r["n"] + 1), ManualClock())
    async with running(scheduler):
        assert await scheduler.result("add", {"n": 1}) == 2


async def test_the_same_request_is_worked_once(database: Database) -> None:
    pool = ScriptedPool(lambda _k, _r: "done")
    scheduler = JobScheduler(JobTable(database), pool, ManualClock())
    async with running(scheduler):
        await asyncio.gather(*(scheduler.result("train", {"seed": 1}) for _ in range(3)))
        await scheduler.result("train", {"seed": 1})
    assert len(pool.asked) == 1


async def test_lost_workers_and_retryable_failures_are_tried_again(database: Database) -> None:
    clock = ManualClock()
    pool = ScriptedPool(
        WorkerLostError("gone"), WorkerFailedError("artifact", "missing", True), lambda _k, _r: "done"
    )
    scheduler = JobScheduler(JobTable(database), pool, clock)
    async with running(scheduler):
        assert await scheduler.result("train", {}) == "done"
    assert clock.slept_s == [1.0, 2.0]


async def test_bad_input_fails_with_its_reason(database: Database) -> None:
    pool = ScriptedPool(WorkerFailedError("invalid_input", "no records", False))
    scheduler = JobScheduler(JobTable(database), pool, ManualClock())
    async with running(scheduler):
        with pytest.raises(JobFailedError, match="no records"):
            await scheduler.result("train", {})


async def test_a_job_left_running_by_a_dead_process_is_done_by_the_next(database: Database) -> None:
    table = JobTable(database)
    left = step(new_job("train", {"seed": 4}, 1.0), Started())
    await table.save(left)
    scheduler = JobScheduler(table, ScriptedPool(lambda _k, r: r["seed"]), ManualClock())
    async with running(scheduler):
        assert await scheduler.result("train", {"seed": 4}) == 4
    found = await table.get(left.id)
    assert found is not None
    assert (found.state, found.attempts) == (JobState.DONE, 2)


async def test_news_resume_where_the_reader_left_off(database: Database) -> None:
    scheduler = JobScheduler(JobTable(database), ScriptedPool(lambda _k, _r: 1), ManualClock())
    async with running(scheduler):
        job = await scheduler.submit("train", {})
        first = [item async for item in scheduler.news(job.id)]
        again = [item async for item in scheduler.news(job.id, first[0].sequence)]
    assert [item.data["state"] for item in first if item.kind == "state"] == ["queued", "running", "done"]
    assert again == first[1:]


class PatientPool:
    """Works until it is cancelled the first time, answers at once after that."""

    def __init__(self) -> None:
        self.workers = 1
        self.started = asyncio.Event()
        self.cancelled = 0

    async def run(self, kind: str, request: Any, progress: Progress | None = None) -> Any:
        self.started.set()
        if self.cancelled:
            return kind
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled += 1


async def test_a_running_job_is_taken_back_and_can_be_asked_for_again(database: Database) -> None:
    pool = PatientPool()
    scheduler = JobScheduler(JobTable(database), pool, ManualClock())
    async with running(scheduler), asyncio.timeout(10):
        job = await scheduler.submit("finetune", {})
        await pool.started.wait()
        assert (await scheduler.cancel(job.id)).state is JobState.CANCELLED
        assert await scheduler.result("ping", {}) == "ping"
        assert pool.cancelled == 1
        assert await scheduler.result("finetune", {}) == "finetune"
        assert (await scheduler.cancel(job.id)).state is JobState.DONE
    assert [item.data["state"] for item in await scheduler.news_so_far(job.id)] == [
        "queued",
        "running",
        "cancelled",
        "queued",
        "running",
        "done",
    ]


class MeetingPool:
    """Two jobs that each wait for the other; counts how often each is worked."""

    def __init__(self) -> None:
        self.workers = 2
        self.worked: Counter[int] = Counter()
        self._both = asyncio.Barrier(2)

    async def run(self, kind: str, request: Any, progress: Progress | None = None) -> Any:
        self.worked[request["seed"]] += 1
        await self._both.wait()
        return request["seed"]


async def test_two_jobs_run_at_once(database: Database) -> None:
    pool = MeetingPool()
    scheduler = JobScheduler(JobTable(database), pool, ManualClock())
    async with running(scheduler), asyncio.timeout(10):
        answers = await asyncio.gather(*(scheduler.result("train", {"seed": seed}) for seed in (1, 2)))
    assert answers == [1, 2]


async def test_an_id_that_is_queued_twice_is_worked_once(database: Database) -> None:
    pool = MeetingPool()
    scheduler = JobScheduler(JobTable(database), pool, ManualClock())
    job = await scheduler.submit("train", {"seed": 1})
    await scheduler.cancel(job.id)
    await scheduler.submit("train", {"seed": 1})
    async with running(scheduler), asyncio.timeout(10):
        answers = await asyncio.gather(*(scheduler.result("train", {"seed": seed}) for seed in (1, 2)))
    assert answers == [1, 2]
    assert pool.worked == {1: 1, 2: 1}


async def test_a_stopped_node_leaves_its_job_running_for_the_next(database: Database) -> None:
    pool = PatientPool()
    scheduler = JobScheduler(JobTable(database), pool, ManualClock())
    async with running(scheduler):
        job = await scheduler.submit("finetune", {})
        await pool.started.wait()
    after = await scheduler.get(job.id)
    assert after is not None
    assert after.state is JobState.RUNNING
