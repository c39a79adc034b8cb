"""Who gets which job: priorities, memory, GPUs, and a queue that forgets nothing."""

import asyncio
from dataclasses import dataclass

import pytest

from workers.pool.placement import Capacity, JobQueue, fits, obstacle, priority, stall_limit_s


@dataclass
class Job:
    kind: str


SMALL, LARGE, GPU = Capacity("cpu", 512), Capacity("cpu", 8_192), Capacity("cuda", 81_920)
SMALL_GPU = Capacity("cuda", 512)


def test_customers_go_before_training() -> None:
    assert priority("predict") < priority("queries") < priority("finetune") < priority("verify")
    assert stall_limit_s("predict") < stall_limit_s("finetune")


@pytest.mark.parametrize(
    ("kind", "worker", "has_gpu_elsewhere", "expected"),
    [
        ("predict", SMALL, True, True),
        ("finetune", SMALL, False, False),
        ("finetune", LARGE, False, True),
        ("finetune", LARGE, True, False),
        ("finetune", GPU, True, True),
        ("queries", LARGE, True, True),
    ],
)
def test_memory_and_device(kind: str, worker: Capacity, has_gpu_elsewhere: bool, expected: bool) -> None:
    assert fits(kind, worker, has_gpu_elsewhere=has_gpu_elsewhere) is expected


@pytest.mark.parametrize(
    ("kind", "workers", "expected"),
    [
        ("ping", [], "no worker is connected"),
        ("ping", [(SMALL, False)], ""),
        ("ping", [(SMALL, True), (LARGE, True)], "every worker it fits is busy"),
        ("finetune", [(SMALL, False)], "it needs a worker of 1024 MB, the largest connected has 512 MB"),
        ("finetune", [(LARGE, False), (GPU, True)], "every worker it fits is busy"),
        ("finetune", [(LARGE, False), (SMALL_GPU, False)], ""),
    ],
)
def test_who_waits_hears_why(kind: str, workers: list[tuple[Capacity, bool]], expected: str) -> None:
    assert obstacle(kind, workers) == expected


async def test_a_job_that_fits_nobody_waits_and_holds_up_nobody() -> None:
    queue: JobQueue[Job] = JobQueue()
    for number, kind in enumerate(("finetune", "queries", "predict")):
        queue.put(number, Job(kind))
    small = [await queue.take(lambda job: fits(job.kind, SMALL, has_gpu_elsewhere=False)) for _ in range(2)]
    assert [job.kind for job in small] == ["predict", "queries"]
    waiting = asyncio.create_task(queue.take(lambda job: fits(job.kind, GPU, has_gpu_elsewhere=False)))
    assert (await waiting).kind == "finetune"


async def test_who_waits_hears_of_what_comes() -> None:
    queue: JobQueue[Job] = JobQueue()
    waiting = asyncio.create_task(queue.take(lambda job: True))
    await asyncio.sleep(0)
    queue.put(1, Job("ping"))
    async with asyncio.timeout(5):
        assert (await waiting).kind == "ping"


async def test_who_gives_up_takes_nothing_along() -> None:
    queue: JobQueue[Job] = JobQueue()
    waiting = asyncio.create_task(queue.take(lambda job: True))
    await asyncio.sleep(0)
    queue.put(1, Job("ping"))
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    if not waiting.cancelled():
        queue.put(1, waiting.result())
    async with asyncio.timeout(5):
        assert (await queue.take(lambda job: True)).kind == "ping"
