"""How a job lives: queued, running, done, failed or cancelled, as a pure function of events.

Covered: restarts (a running job is queued again), lost workers (poison counter), retries with back-off,
asking again for a failed job. Not covered: who runs what when (`scheduler`), storage (`table`).

Invariants, held by `step`:
1. `done`, and `failed` until somebody asks again, are final: late news changes nothing.
2. A job that lost POISON_LIMIT workers fails: it is what kills them.
3. `attempts` counts starts; a job fails for good after MAX_ATTEMPTS retryable failures.
"""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import orjson

POISON_LIMIT = 3
MAX_ATTEMPTS = 5
FIRST_BACKOFF_S = 1.0


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINISHED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work. `id` is the hash of kind and request, so asking twice is asking once."""

    id: str
    kind: str
    request: Any
    created_s: float
    state: JobState = JobState.QUEUED
    attempts: int = 0
    lost_workers: int = 0
    not_before_s: float = 0.0
    result: Any = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """A worker has it."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    result: Any


@dataclass(frozen=True, slots=True)
class Failed:
    error: str
    retryable: bool
    now_s: float


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """`reason` is what is known of its end, or "": it was killed, or the job failed as nobody foresaw."""

    now_s: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NodeRestarted:
    """The process that watched the job is gone; whatever its worker did is forgotten."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    pass


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """Somebody submitted the same job once more."""

    now_s: float


Event = Started | Succeeded | Failed | WorkerLost | NodeRestarted | Cancelled | AskedAgain


def job_id(kind: str, request: Any) -> str:
    """sha256 of the canonical JSON of kind and request, 64 hex digits."""
    return hashlib.sha256(orjson.dumps([kind, request], option=orjson.OPT_SORT_KEYS)).hexdigest()


def new_job(kind: str, request: Any, now_s: float) -> Job:
    """A queued job."""
    return Job(job_id(kind, request), kind, request, now_s)


def step(job: Job, event: Event) -> Job:
    """The job after `event`; unchanged when the event comes too late to matter."""
    match event:
        case AskedAgain(now_s):
            return _again(job, now_s)
        case _ if job.state in FINISHED:
            return job
        case Cancelled():
            return replace(job, state=JobState.CANCELLED)
        case NodeRestarted():
            return replace(job, state=JobState.QUEUED, not_before_s=0.0)
        case Started() if job.state is JobState.QUEUED:
            return replace(job, state=JobState.RUNNING, attempts=job.attempts + 1)
        case _ if job.state is not JobState.RUNNING:
            return job
        case Succeeded(result):
            return replace(job, state=JobState.DONE, result=result, error="")
        case Failed(error, retryable, now_s):
            return _failed(job, error, retryable, now_s)
        case WorkerLost(now_s, reason):
            return _lost(job, now_s, reason)
        case _:
            return job


def _again(job: Job, now_s: float) -> Job:
    if job.state not in {JobState.FAILED, JobState.CANCELLED}:
        return job
    return Job(job.id, job.kind, job.request, job.created_s, not_before_s=now_s)


def _failed(job: Job, error: str, retryable: bool, now_s: float) -> Job:
    if retryable and job.attempts < MAX_ATTEMPTS:
        return replace(job, state=JobState.QUEUED, error=error, not_before_s=now_s + backoff_s(job.attempts))
    return replace(job, state=JobState.FAILED, error=error)


def _lost(job: Job, now_s: float, reason: str) -> Job:
    lost = job.lost_workers + 1
    if lost >= POISON_LIMIT:
        error = f"{lost} workers died on it" + (f", the last with {reason}" if reason else "")
        return replace(job, state=JobState.FAILED, lost_workers=lost, error=error)
    return replace(
        job,
        state=JobState.QUEUED,
        lost_workers=lost,
        error=f"its worker was lost: {reason}" if reason else "its worker was lost",
        not_before_s=now_s + backoff_s(lost),
    )


def backoff_s(attempt: int) -> float:
    """Seconds to wait after failure number `attempt` (from 1): 1, 2, 4, …"""
    return FIRST_BACKOFF_S * 2.0 ** (max(1, attempt) - 1)
