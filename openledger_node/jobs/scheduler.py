"""Who runs which job when: durable jobs from the table to the worker pool, several at once.

The pool places them (device, memory, priority) and says in a job's news what it waits for.

Covered: restart (running jobs are queued again), retries with back-off, waiting for results, live news.
Not covered: what a job means; priorities among more than LANES jobs (first come, first served).
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import structlog

from openledger_node.clock import Clock
from openledger_node.errors import OpenLedgerError
from openledger_node.jobs.machine import (
    FINISHED,
    AskedAgain,
    Cancelled,
    Event,
    Failed,
    Job,
    JobState,
    NodeRestarted,
    Started,
    Succeeded,
    WorkerLost,
    new_job,
    step,
)
from openledger_node.jobs.ports import WorkerFailedError, WorkerLostError, WorkerPool
from openledger_node.jobs.table import JobTable, News

log = structlog.get_logger(__name__)

LANES = 8
"""Jobs that are with the pool or wait for their next attempt; further ones stay in the table."""


class JobFailedError(OpenLedgerError):
    """A job somebody waited for failed or was cancelled; the cause says why."""

    code = "OL-1322"


class JobScheduler:
    """Submit from anywhere; `run` does the work until cancelled."""

    def __init__(self, table: JobTable, pool: WorkerPool, clock: Clock, lanes: int = LANES) -> None:
        self._table = table
        self._pool = pool
        self._clock = clock
        self._lanes = lanes
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._changed = asyncio.Condition()
        self._changes = 0
        self._writing = asyncio.Lock()
        self._running: dict[str, asyncio.Task[Event]] = {}

    async def submit(self, kind: str, request: Any) -> Job:
        """Queue a job; the same kind and request again give the same job, queued anew if it had failed."""
        fresh = new_job(kind, request, self._clock.now_s())
        async with self._writing:
            known = await self._table.get(fresh.id)
            job = fresh if known is None else step(known, AskedAgain(self._clock.now_s()))
            if job is not known:
                await self._save(job)
                self._queue.put_nowait(job.id)
        return job

    async def get(self, job_id: str) -> Job | None:
        return await self._table.get(job_id)

    async def recent(self, count: int) -> list[Job]:
        return await self._table.recent(count)

    async def cancel(self, job_id: str) -> Job:
        """Take a job back, also from the worker that has it; a finished one stays as it is."""
        job = await self._apply(job_id, Cancelled())
        if job.state is JobState.CANCELLED and (work := self._running.get(job_id)) is not None:
            work.cancel()
        return job

    async def news_so_far(self, job_id: str) -> list[News]:
        """Everything that was said of a job, oldest first."""
        return await self._table.news_after(job_id, 0)

    async def result(self, kind: str, request: Any) -> Any:
        """Submit and wait; raises `JobFailedError`."""
        job = await self.submit(kind, request)
        while job.state not in FINISHED:
            seen = self._changes
            job = await self._table.get(job.id) or job
            if job.state not in FINISHED:
                await self._wait_for_change(seen)
        if job.state is not JobState.DONE:
            raise JobFailedError(f"{kind} job {job.id[:8]} {job.state}: {job.error}")
        return job.result

    async def news(self, job_id: str, after: int = 0) -> AsyncIterator[News]:
        """A job's news after sequence number `after`, then live until it is finished."""
        while True:
            seen = self._changes
            job = await self._table.get(job_id)
            for item in await self._table.news_after(job_id, after):
                after = item.sequence
                yield item
            if job is None or job.state in FINISHED:
                return
            await self._wait_for_change(seen)

    async def run(self) -> None:
        """Take over what an earlier process left, then work until cancelled."""
        for job in await self._table.unfinished():
            await self._apply(job.id, NodeRestarted())
            self._queue.put_nowait(job.id)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._lanes):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            job_id = await self._queue.get()
            job = await self._table.get(job_id)
            if job is None or job.state is not JobState.QUEUED:
                continue
            delay_s = job.not_before_s - self._clock.now_s()
            if delay_s > 0:
                await self._clock.sleep(delay_s)
            claimed = await self._claim(job_id)
            if claimed is not None:
                await self._attempt(claimed)

    async def _claim(self, job_id: str) -> Job | None:
        """Start a job that is still queued: of lanes that hold the same id only one has it."""
        async with self._writing:
            job = await self._table.get(job_id)
            if job is None or job.state is not JobState.QUEUED:
                return None
            started = step(job, Started())
            await self._save(started)
        return started

    async def _attempt(self, job: Job) -> None:
        reports: asyncio.Queue[tuple[float, str]] = asyncio.Queue()
        reporter = asyncio.create_task(self._report(job.id, reports))
        work = self._running[job.id] = asyncio.create_task(self._outcome(job, reports))
        try:
            event = await work
        except asyncio.CancelledError:
            if (await self._table.get(job.id) or job).state is not JobState.CANCELLED:
                raise  # the node stops
            event = Cancelled()
        finally:
            del self._running[job.id]
            work.cancel()
            reporter.cancel()
        after = await self._apply(job.id, event)
        log.info("job", job=job.id[:8], kind=job.kind, state=str(after.state), error=after.error)
        if after.state is JobState.QUEUED:
            self._queue.put_nowait(job.id)

    async def _outcome(self, job: Job, reports: "asyncio.Queue[tuple[float, str]]") -> Event:
        try:
            result = await self._pool.run(
                job.kind, job.request, lambda fraction, message: reports.put_nowait((fraction, message))
            )
        except WorkerFailedError as error:
            return Failed(str(error), error.retryable, self._clock.now_s())
        except WorkerLostError as error:
            return WorkerLost(self._clock.now_s(), str(error))
        return Succeeded(result)

    async def _report(self, job_id: str, reports: "asyncio.Queue[tuple[float, str]]") -> None:
        while True:
            fraction, message = await reports.get()
            await self._table.add_progress(job_id, fraction, message)
            await self._announce()

    async def _apply(self, job_id: str, event: Event) -> Job:
        async with self._writing:
            job = await self._table.get(job_id)
            if job is None:
                raise LookupError(f"job {job_id} is not in the table")
            after = step(job, event)
            if after != job:
                await self._save(after)
        return after

    async def _save(self, job: Job) -> None:
        await self._table.save(job)
        await self._announce()

    async def _announce(self) -> None:
        async with self._changed:
            self._changes += 1
            self._changed.notify_all()

    async def _wait_for_change(self, seen: int) -> None:
        """Until anything was announced after `seen` was read."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._changes != seen)
