"""Which worker may take which job, and which one waits first: priorities, devices, memory.

Covered: jobs that need more memory than a worker has, training that waits for a GPU worker while one is
connected, customers before training. Not covered: what a job really uses (its kind's need is a floor).
"""

import asyncio
import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

PRIORITIES = {
    "ping": 0,
    "predict": 0,
    "spans": 0,
    "embed": 0,
    "feature_index": 2,
    "train": 2,
    "evaluate": 2,
    "finetune": 2,
    "verify": 3,
}
ORDINARY_PRIORITY = 1
"""Smaller first: a customer waits for an answer, nobody waits for a training run."""
MEMORY_MB = {"finetune": 1_024, "evaluate": 1_024, "verify": 1_024}
"""What a kind needs at least; a worker with less never gets it."""
FASTER_ON_GPU = frozenset({"finetune", "evaluate", "verify", "embed"})
STALL_S = {"ping": 60.0, "predict": 120.0, "spans": 300.0, "embed": 300.0}
ORDINARY_STALL_S = 1_800.0
"""A job that says nothing for so long is taken from its worker, and the worker let go."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a worker offers: `cpu` or `cuda`, and its memory in megabytes."""

    device: str = "cpu"
    memory_mb: int = 1 << 20


class Placed(Protocol):
    """A job as far as placement is concerned."""

    kind: str


Job = TypeVar("Job", bound=Placed)


def priority(kind: str) -> int:
    """Smaller goes first."""
    return PRIORITIES.get(kind, ORDINARY_PRIORITY)


def stall_limit_s(kind: str) -> float:
    """How long a job may run without a word."""
    return STALL_S.get(kind, ORDINARY_STALL_S)


def fits(kind: str, worker: Capacity, *, has_gpu_elsewhere: bool) -> bool:
    """True when this worker should take the kind, given whether another connected worker has a GPU."""
    if worker.memory_mb < MEMORY_MB.get(kind, 0):
        return False
    return worker.device != "cpu" or not (kind in FASTER_ON_GPU and has_gpu_elsewhere)


def has_gpu_for(kind: str, workers: Iterable[Capacity]) -> bool:
    """True when one of the workers has a GPU and the memory the kind needs."""
    return any(one.device != "cpu" and one.memory_mb >= MEMORY_MB.get(kind, 0) for one in workers)


def obstacle(kind: str, workers: Sequence[tuple[Capacity, bool]]) -> str:
    """Why a job must wait, or "" where a worker is free for it; `workers` are capacities and `is busy`."""
    if not workers:
        return "no worker is connected"
    has_gpu = has_gpu_for(kind, (capacity for capacity, _is_busy in workers))
    fitting = [is_busy for one, is_busy in workers if fits(kind, one, has_gpu_elsewhere=has_gpu)]
    if fitting:
        return "every worker it fits is busy" if all(fitting) else ""
    largest_mb = max(capacity.memory_mb for capacity, _is_busy in workers)
    return f"it needs a worker of {MEMORY_MB.get(kind, 0)} MB, the largest connected has {largest_mb} MB"


class JobQueue(Generic[Job]):
    """Jobs in order of priority and arrival, handed to whoever they fit."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Job]] = []
        self._changed = asyncio.Condition()

    def put(self, number: int, job: Job) -> None:
        """Queue a job; `number` is its place among its equals."""
        heapq.heappush(self._heap, (priority(job.kind), number, job))
        self.look_again()

    async def take(self, is_fit: Callable[[Job], bool]) -> Job:
        """The first job that fits; waits for one."""
        async with self._changed:
            while True:
                for entry in sorted(self._heap):
                    if is_fit(entry[2]):
                        self._heap.remove(entry)
                        heapq.heapify(self._heap)
                        return entry[2]
                await self._changed.wait()

    def look_again(self) -> None:
        """Wake those who wait: a job or a worker came or went."""
        task = asyncio.get_running_loop().create_task(self._notify())
        task.add_done_callback(lambda done: done.exception())

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
