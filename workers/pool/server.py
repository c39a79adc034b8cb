"""Who does the node's AI work: accepts workers, hands out jobs, hands them out again when a worker dies.

Jobs are idempotent and their results content-addressed, so at-least-once is enough. Needs neither torch nor
numpy. Messages: `workers/pool/runner.py` lists the worker's side of the same grammar.

Covered: authentication, priorities, progress, what a job waits for, cancelling, heartbeats, requeueing,
poison counting. Not covered: durability of the queue (the node's job table keeps that).
"""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workers.artifacts.store import ArtifactStore
from workers.errors import (
    InvalidInputError,
    JobCrashedError,
    PoolClosedError,
    ProtocolError,
    error_of,
)
from workers.pool.address import listen
from workers.pool.arrivals import Arrival
from workers.pool.codec import Message, encode_message, read_message, write_message
from workers.pool.handshake import WorkerIdentity, greet_worker
from workers.pool.placement import JobQueue, fits, has_gpu_for, obstacle, stall_limit_s
from workers.protocol import REQUEST_TYPES

log = logging.getLogger(__name__)

HEARTBEAT_TIMEOUT_S = 15.0
MAX_ATTEMPTS = 3
MAX_QUEUE = 10_000
OnProgress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """What the pool has done since it started, and what it holds now."""

    workers: int
    queued: int
    running: int
    done: int
    failed: int
    requeued: int


@dataclass(slots=True, eq=False)
class _Job:
    id: str
    kind: str
    parameters: Any
    progress: OnProgress | None
    future: "asyncio.Future[Any]"
    attempts: int = 0
    heard_s: float = 0.0
    waits_for: str = ""


@dataclass(slots=True, eq=False)
class _Connection:
    """One worker; `job` is what it works on."""

    identity: WorkerIdentity
    writer: asyncio.StreamWriter
    arrival: Arrival
    job: _Job | None = None
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    is_leaving: bool = False


class WorkerPool:
    """Create, `await start()`, `await submit(...)`, `await close()`."""

    def __init__(
        self,
        store: ArtifactStore,
        *,
        address: str,
        token: bytes,
        heartbeat_timeout_s: float = HEARTBEAT_TIMEOUT_S,
        max_attempts: int = MAX_ATTEMPTS,
        stall_timeout_s: float | None = None,
    ) -> None:
        self.address = address
        self._store = store
        self._token = token
        self._heartbeat_timeout_s = heartbeat_timeout_s
        self._max_attempts = max_attempts
        self._stall_timeout_s = stall_timeout_s
        self._numbers = itertools.count(1)
        self._queue: JobQueue[_Job] = JobQueue()
        self._is_draining = False
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open_jobs: set[_Job] = set()
        self._server: asyncio.Server | None = None
        self._done = self._failed = self._requeued = 0

    async def start(self) -> None:
        """Listen; afterwards `address` is what workers connect to."""
        self._server, self.address = await listen(self.address, self._accept)

    async def drain(self, timeout_s: float) -> bool:
        """Take nothing new and let what is open finish; False when the time was up first."""
        self._is_draining = True
        futures = [job.future for job in self._open_jobs]
        if futures:
            _done, pending = await asyncio.wait(futures, timeout=timeout_s)
            return not pending
        return True

    async def close(self) -> None:
        """Stop listening, let the workers go, fail what is open with PoolClosedError."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for job in list(self._open_jobs):
            self._settle(job, PoolClosedError("the worker pool has closed"))

    def statistics(self) -> PoolStatistics:
        """A snapshot for status pages and metrics."""
        running = sum(connection.job is not None for connection in self._connections)
        return PoolStatistics(
            workers=len(self._connections),
            queued=len(self._open_jobs) - running,
            running=running,
            done=self._done,
            failed=self._failed,
            requeued=self._requeued,
        )

    async def submit(self, kind: str, parameters: Any, progress: OnProgress | None = None) -> Any:
        """Run one job, as JSON; waits for a free worker. Cancelling the caller cancels the job.

        Raises InvalidInputError, ArtifactError, JobCrashedError, PoolClosedError.
        """
        if kind not in REQUEST_TYPES:
            raise InvalidInputError(f"job kind {kind!r} is not one of {sorted(REQUEST_TYPES)}")
        if self._server is None or self._is_draining or len(self._open_jobs) >= MAX_QUEUE:
            raise PoolClosedError("the worker pool is not running or is full")
        number = next(self._numbers)
        future = asyncio.get_running_loop().create_future()
        job = _Job(str(number), kind, parameters, progress, future)
        self._open_jobs.add(job)
        self._queue.put(number, job)
        self._tell_who_waits()
        try:
            return await future
        finally:
            self._open_jobs.discard(job)
            self._cancel_on_worker(job)

    # --- One worker ---------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            identity = await greet_worker(reader, writer, self._token)
            await self._serve(_Connection(identity, writer, Arrival(self._store, writer)), reader)
        except (ProtocolError, TimeoutError, ConnectionError) as error:
            log.warning("worker connection closed: %s", str(error) or type(error).__name__)
        except asyncio.CancelledError:
            log.debug("worker connection closed with the pool")
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        log.info("worker %s (pid %d) joined", connection.identity.name, connection.identity.pid)
        self._connections.add(connection)
        self._queue.look_again()
        self._tell_who_waits()
        sender = asyncio.create_task(self._hand_out(connection))
        try:
            while True:
                async with asyncio.timeout(self._heartbeat_timeout_s):
                    message = await read_message(reader)
                if message is None:
                    break
                self._receive(connection, message)
                if connection.is_leaving and connection.job is None:
                    break
                self._check_stall(connection)
        finally:
            sender.cancel()
            self._connections.discard(connection)
            self._requeue(connection)
            self._queue.look_again()
            self._tell_who_waits()
            log.info("worker %s (pid %d) left", connection.identity.name, connection.identity.pid)

    async def _hand_out(self, connection: _Connection) -> None:
        while True:
            job = await self._queue.take(lambda job: self._is_for(job, connection))
            if job.future.done():
                continue
            job.heard_s = asyncio.get_running_loop().time()
            connection.job = job
            connection.idle.clear()
            try:
                await write_message(
                    connection.writer,
                    {"type": "job", "id": job.id, "kind": job.kind, "parameters": job.parameters},
                )
            except ProtocolError as error:
                self._finish(connection, InvalidInputError(str(error)))
                continue
            except ConnectionError:
                return  # the reading side notices the same and puts the job back
            await connection.idle.wait()

    def _is_for(self, job: _Job, connection: _Connection) -> bool:
        if connection.is_leaving or job.future.done():
            return False
        has_gpu = has_gpu_for(job.kind, (one.identity.capacity for one in self._connections))
        return fits(job.kind, connection.identity.capacity, has_gpu_elsewhere=has_gpu)

    def _check_stall(self, connection: _Connection) -> None:
        """Raises ProtocolError for a job that has said nothing for too long; its worker is let go."""
        job = connection.job
        if job is not None:
            silent_s = asyncio.get_running_loop().time() - job.heard_s
            if silent_s > (self._stall_timeout_s or stall_limit_s(job.kind)):
                raise ProtocolError(f"job {job.id} ({job.kind}) said nothing for {silent_s:.0f} s")

    def _receive(self, connection: _Connection, message: Message) -> None:
        kind, job = message["type"], connection.job
        if kind == "heartbeat":
            return
        if kind == "leaving":
            connection.is_leaving = True
            return
        if job is None or message.get("id") != job.id:
            raise ProtocolError(f"{kind} for a job this worker does not have")
        job.heard_s = asyncio.get_running_loop().time()
        if kind == "progress":
            self._report(job, message)
        elif kind == "result":
            if connection.arrival.begin(message):
                self._finish(connection, None)
        elif kind == "artifact":
            if connection.arrival.take(message):
                self._finish(connection, None)
        elif kind == "error":
            self._finish(connection, error_of(str(message.get("code")), str(message.get("message"))))
        else:
            raise ProtocolError(f"unknown message {kind!r}")

    def _report(self, job: _Job, message: Message) -> None:
        done, text = message.get("done"), message.get("text")
        if not isinstance(done, (int, float)) or not isinstance(text, str):
            raise ProtocolError("malformed progress message")
        if job.progress is not None and not job.future.done():
            job.progress(min(1.0, max(0.0, float(done))), text)

    # --- The life of a job --------------------------------------------------------------------------------

    def _finish(self, connection: _Connection, error: Exception | None) -> None:
        job, connection.job = connection.job, None
        assert job is not None
        self._settle(job, error, connection.arrival.value)
        connection.arrival.value = None
        connection.idle.set()

    def _settle(self, job: _Job, error: Exception | None, result: Any = None) -> None:
        self._open_jobs.discard(job)
        if job.future.done():
            return
        if error is None:
            self._done += 1
            job.future.set_result(result)
        else:
            self._failed += 1
            job.future.set_exception(error)

    def _requeue(self, connection: _Connection) -> None:
        job, connection.job = connection.job, None
        if job is None or job.future.done() or self._server is None:
            return
        job.attempts += 1
        if job.attempts >= self._max_attempts:
            self._settle(job, JobCrashedError(f"job {job.kind} lost its worker {job.attempts} times"))
            return
        self._requeued += 1
        log.warning("job %s (%s) goes back to the queue: its worker died", job.id, job.kind)
        self._queue.put(int(job.id), job)

    def _tell_who_waits(self) -> None:
        """Say in each waiting job's progress what it waits for, once per reason."""
        workers = [(one.identity.capacity, one.job is not None) for one in self._connections]
        at_work = {one.job for one in self._connections}
        for job in self._open_jobs - at_work:
            reason = obstacle(job.kind, workers)
            if reason != job.waits_for and reason and job.progress is not None and not job.future.done():
                job.progress(0.0, f"waits: {reason}")
            job.waits_for = reason

    def _cancel_on_worker(self, job: _Job) -> None:
        for connection in self._connections:
            if connection.job is job:
                connection.writer.write(encode_message({"type": "cancel", "id": job.id}))
