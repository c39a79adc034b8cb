"""The pool with fake worker processes: what happens to jobs when workers die, lie or are cancelled.

Every test with a worker runs on local processes and, in the slow suite, on a Ray cluster.
"""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workers.pool.backends import Backend
from tests.workers.pool.conftest import Spawn
from workers.artifacts.store import ArtifactStore, artifact_id
from workers.errors import (
    ArtifactError,
    InvalidInputError,
    JobCrashedError,
    PoolClosedError,
)
from workers.pool.address import connect
from workers.pool.codec import read_message, write_message
from workers.pool.handshake import greet_node, write_token
from workers.pool.server import WorkerPool

KILLED_WORKERS = 2


def begun(event: asyncio.Event) -> Callable[[float, str], None]:
    """A listener that sets `event` once the job itself says something."""
    return lambda done, text: event.set() if text.startswith("step") else None


async def test_jobs_wait_for_a_worker_and_come_back(pool: WorkerPool, spawn: Spawn) -> None:
    answers = [asyncio.create_task(pool.submit("ping", {})) for _ in range(5)]
    process = await spawn()
    assert await asyncio.gather(*answers) == [{"pid": process.pid}] * 5
    statistics = pool.statistics()
    assert (statistics.workers, statistics.done, statistics.running, statistics.queued) == (1, 5, 0, 0)


async def test_a_killed_worker_loses_nothing(pool: WorkerPool, spawn: Spawn) -> None:
    first = await spawn()
    started = asyncio.Event()
    job = asyncio.create_task(pool.submit("train", 7, begun(started)))
    await started.wait()
    os.kill(first.pid, signal.SIGKILL)
    second = await spawn()
    assert await job == {"artifact": artifact_id(b"result of 7"), "pid": second.pid}
    assert pool.statistics().requeued == 1


async def test_a_job_that_kills_its_workers_is_given_up(pool: WorkerPool, spawn: Spawn) -> None:
    job = asyncio.create_task(pool.submit("predict", {}))
    for _ in range(3):
        process = await spawn()
        assert not await process.wait()
    with pytest.raises(JobCrashedError, match="3 times"):
        await job
    await spawn()
    assert "pid" in await pool.submit("ping", {})


async def test_named_errors_arrive_as_themselves(pool: WorkerPool, spawn: Spawn) -> None:
    await spawn()
    with pytest.raises(InvalidInputError, match="no such index"):
        await pool.submit("queries", {})
    with pytest.raises(JobCrashedError, match="ZeroDivisionError: unforeseen"):
        await pool.submit("attribution", {})
    with pytest.raises(InvalidInputError, match="kind"):
        await pool.submit("format_disk", {})
    assert pool.statistics().failed == 2


async def test_cancelling_frees_the_worker(pool: WorkerPool, spawn: Spawn) -> None:
    await spawn()
    started = asyncio.Event()
    job = asyncio.create_task(pool.submit("train", 1, begun(started)))
    await started.wait()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    async with asyncio.timeout(0.8):  # the whole job would take a second
        await pool.submit("ping", {})


async def test_urgent_jobs_overtake(pool: WorkerPool, spawn: Spawn) -> None:
    finished: list[str] = []

    async def submit(kind: str) -> None:
        await pool.submit(kind, {})
        finished.append(kind)

    jobs = [asyncio.create_task(submit(kind)) for kind in ("train", "ping", "ping")]
    await asyncio.sleep(0)
    await spawn()
    await asyncio.gather(*jobs)
    assert finished == ["ping", "ping", "train"]


async def test_two_workers_run_two_jobs_at_once(pool: WorkerPool, spawn: Spawn) -> None:
    await spawn()
    await spawn()
    started = [asyncio.Event() for _ in range(2)]
    jobs = [
        asyncio.create_task(pool.submit("train", number, begun(event)))
        for number, event in enumerate(started)
    ]
    await asyncio.gather(*(event.wait() for event in started))
    assert pool.statistics().running == 2
    answers = await asyncio.gather(*jobs)
    assert len({answer["pid"] for answer in answers}) == 2


async def test_who_waits_hears_what_for(pool: WorkerPool, spawn: Spawn) -> None:
    heard: list[str] = []
    job = asyncio.create_task(pool.submit("ping", {}, lambda done, text: heard.append(text)))
    await asyncio.sleep(0)
    await spawn()
    await job
    assert heard == ["waits: no worker is connected"]
    started = asyncio.Event()
    first = asyncio.create_task(pool.submit("train", 1, begun(started)))
    await started.wait()
    await pool.submit("ping", {}, lambda done, text: heard.append(text))
    await first
    assert heard[1:] == ["waits: every worker it fits is busy"]


async def test_a_full_pool_takes_nothing_new(
    pool: WorkerPool, spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.pool.server.MAX_QUEUE", 3)
    waiting = [asyncio.create_task(pool.submit("ping", {})) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(PoolClosedError, match="full"):
        await pool.submit("ping", {})
    await spawn()
    await asyncio.gather(*waiting)
    assert "pid" in await pool.submit("ping", {})


async def test_artefacts_of_a_remote_worker_are_copied(
    pool: WorkerPool, spawn: Spawn, store: ArtifactStore, tmp_path: Path
) -> None:
    await spawn(tmp_path / "elsewhere")
    result = await pool.submit("train", 5)
    assert store.get(result["artifact"]) == b"result of 5"


async def test_workers_leave_with_the_node(pool: WorkerPool, spawn: Spawn) -> None:
    process = await spawn()
    await pool.submit("ping", {})
    waiting = asyncio.create_task(pool.submit("train", 1))
    await asyncio.sleep(0.1)
    await pool.close()
    with pytest.raises(PoolClosedError):
        await waiting
    async with asyncio.timeout(5):
        assert await process.wait()
    with pytest.raises(PoolClosedError):
        await pool.submit("ping", {})


async def lie(pool: WorkerPool, token: bytes, *messages: dict[str, object]) -> None:
    """A worker that answers the first job with `messages` and waits for the end."""
    reader, writer = await connect(pool.address)
    await greet_node(reader, writer, token, "liar")
    job = await read_message(reader)
    assert job is not None
    for message in messages:
        await write_message(writer, {"id": job["id"], **message})
    while await read_message(reader) is not None:
        pass
    writer.close()


RESULT = {"type": "result", "value": 1, "artifacts": [artifact_id(b"true")]}


@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "nonsense"}],
        [{"type": "result"}],
        [{"type": "result", "id": "999", "value": 1, "artifacts": []}],
        [{"type": "result", "value": 1, "artifacts": ["../../etc/passwd"]}],
        [{"type": "progress", "done": "half", "text": ""}],
        [{"type": "artifact", "artifact": artifact_id(b"unasked"), "data": "", "last": True}],
        [RESULT, {"type": "artifact", "artifact": artifact_id(b"true"), "data": "bGllcw==", "last": True}],
        [RESULT, {"type": "artifact", "artifact": artifact_id(b"true"), "data": "?", "last": True}],
    ],
)
async def test_a_lying_worker_is_dropped_and_its_job_done_by_another(
    pool: WorkerPool, spawn: Spawn, tmp_path: Path, messages: list[dict[str, object]]
) -> None:
    token = (tmp_path / "token").read_bytes()
    job = asyncio.create_task(pool.submit("ping", {}))
    async with asyncio.timeout(3):
        await lie(pool, token, *messages)
    process = await spawn()
    assert await job == {"pid": process.pid}


async def test_a_silent_worker_is_dropped(store: ArtifactStore, tmp_path: Path) -> None:
    token = write_token(tmp_path / "token")
    pool = WorkerPool(store, address=f"unix:{tmp_path}/s", token=token, heartbeat_timeout_s=0.1)
    await pool.start()
    reader, writer = await connect(pool.address)
    await greet_node(reader, writer, token, "silent")
    async with asyncio.timeout(3):
        assert await read_message(reader) is None
    assert pool.statistics().workers == 0
    writer.close()
    await pool.close()


async def test_strangers_get_nothing(pool: WorkerPool) -> None:
    reader, writer = await connect(pool.address)
    await greet_refused(reader, writer)
    assert pool.statistics().workers == 0


async def greet_refused(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send more than a stranger may."""
    writer.write(b"\x7f" * 10_000)
    hello = await read_message(reader)
    assert hello is not None
    assert hello["type"] == "hello"
    async with asyncio.timeout(3):
        try:
            assert await read_message(reader) is None
        except ConnectionError:
            return
        finally:
            writer.close()


def test_errors_keep_their_kind() -> None:
    assert ArtifactError.code == "artifact"


async def test_draining_takes_nothing_new_and_loses_nothing(pool: WorkerPool, spawn: Spawn) -> None:
    await spawn()
    started = asyncio.Event()
    job = asyncio.create_task(pool.submit("train", 3, begun(started)))
    await started.wait()
    draining = asyncio.create_task(pool.drain(30))
    await asyncio.sleep(0)
    with pytest.raises(PoolClosedError):
        await pool.submit("ping", {})
    assert (await job)["artifact"] == artifact_id(b"result of 3")
    assert await draining


async def test_a_worker_that_leaves_finishes_its_job_first(pool: WorkerPool, spawn: Spawn) -> None:
    first = await spawn()
    started = asyncio.Event()
    job = asyncio.create_task(pool.submit("train", 4, begun(started)))
    await started.wait()
    os.kill(first.pid, signal.SIGTERM)
    after = asyncio.create_task(pool.submit("ping", {}))
    assert (await job)["pid"] == first.pid
    assert await first.wait()
    second = await spawn()
    assert await after == {"pid": second.pid}
    assert pool.statistics().requeued == 0


async def test_a_job_that_falls_silent_is_taken_away(store: ArtifactStore, tmp_path: Path) -> None:
    token = write_token(tmp_path / "token")
    address = f"unix:{tmp_path}/pool"
    pool = WorkerPool(store, address=address, token=token, max_attempts=1, stall_timeout_s=0.2)
    await pool.start()
    job = asyncio.create_task(pool.submit("ping", {}))
    reader, writer = await connect(pool.address)
    await greet_node(reader, writer, token, "silent")
    assert (await read_message(reader) or {})["type"] == "job"
    await asyncio.sleep(0.3)
    await write_message(writer, {"type": "heartbeat"})
    with pytest.raises(JobCrashedError):
        await job
    writer.close()
    await pool.close()


@pytest.mark.slow
async def test_random_kills_lose_no_job_and_answer_none_twice(
    pool: WorkerPool, spawn: Spawn, backend: Backend
) -> None:
    """Workers die at random moments while jobs run; whoever asked hears each result exactly once."""
    numbers = random.Random(17)
    answers: Counter[int] = Counter()

    async def ask(number: int) -> None:
        while True:
            try:
                result = await pool.submit("embed", number)
            except JobCrashedError:
                continue  # parked: asked again, as the job table does
            assert result["artifact"] == artifact_id(b"result of %d" % number)
            answers[number] += 1
            return

    asking = [asyncio.create_task(ask(number)) for number in range(backend.killed_jobs)]
    alive = [await spawn() for _ in range(KILLED_WORKERS)]
    for _ in range(backend.kills):
        await asyncio.sleep(numbers.random() * 0.5)
        victim = numbers.randrange(KILLED_WORKERS)
        alive[victim].kill()
        await alive[victim].wait()
        alive[victim] = await spawn()
        while pool.statistics().workers < KILLED_WORKERS:  # else most die before they are born
            await asyncio.sleep(0.01)
    await asyncio.gather(*asking)
    assert answers == Counter(range(backend.killed_jobs))
    assert pool.statistics().requeued > backend.kills // 20, "too few kills met a job"
