"""How a validator recomputes feature rows unattended: a few of those that earn, by its own workers.

Every index found to keep its rules is checked once over records drawn alike, its preconditioner on a drawn
sample, and rows again with every post, over records drawn by what the post pays for them. Seeds are the
validator's own and secret, so that nobody can foretell what it looks at; records are those that the chain
names. Workers start when they are first called for and stay, for juries too.

Covered: rows of records against the committed preconditioner, each computed once per index; preconditioners.
Not covered: queries (their inputs are private).
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from openledger_node.jobs.ports import WorkerFailedError, WorkerLostError, WorkerPool
from openledger_node.validator.records import PostInputs
from workers.artifacts.store import ArtifactId
from workers.protocol import (
    BigInt,
    DatasetVersion,
    PreconditionerRequest,
    PreconditionerResult,
    SettledBatch,
    SpotCheckRequest,
    SpotCheckResult,
)
from workers.protocol.codec import from_json, to_json

DRAWS = 300
"""Catch one per cent of corrupted earnings with 95 %."""
SAMPLE = 100
"""Records that a preconditioner is tested on."""
RETRY_S = 5.0
ATTEMPTS = 3

OpenPool = Callable[[], AbstractAsyncContextManager[WorkerPool]]
Datasets = tuple[DatasetVersion, ...]
Result = TypeVar("Result")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """Check the rows of one index, weighed by some batches; with none its preconditioner too."""

    index_id: int
    index: ArtifactId
    datasets: Datasets
    batches: tuple[SettledBatch, ...] = ()


@dataclass(slots=True)
class Findings:
    """What is known about one index: places computed and found right, or found wrong; its preconditioner."""

    right: set[int] = field(default_factory=set)
    wrong: set[int] = field(default_factory=set)
    is_preconditioner_wrong: bool = False


class FeatureChecks:
    """A service: `ask` at any time; `rows_checked` is for metrics, `findings` for whoever challenges."""

    def __init__(
        self,
        open_pool: OpenPool,
        draws: int = DRAWS,
        make_seed: Callable[[], bytes] = lambda: secrets.token_bytes(32),
        sample: int = SAMPLE,
    ) -> None:
        self._open_pool = open_pool
        self._draws = draws
        self._make_seed = make_seed
        self._sample = sample
        self._tasks: asyncio.Queue[Task] = asyncio.Queue()
        self._found: dict[int, Findings] = {}
        self._called = asyncio.Event()
        self.pool: WorkerPool | None = None
        self.rows_checked = 0
        self.preconditioners_checked = 0

    def call_workers(self) -> None:
        """Start them, if they are not there: something may come up for them."""
        self._called.set()

    def ask_about_index(self, index_id: int, document: ArtifactId, datasets: Datasets = ()) -> None:
        """Check an index before it is used."""
        self._ask(Task(index_id, document, datasets))

    def ask_about_post(self, inputs: PostInputs, datasets: Datasets = ()) -> None:
        """Check the rows that a post pays for."""
        batches = tuple(
            SettledBatch(each.claim.settlement_id, BigInt(each.settlement.pool_wei), each.queries_document)
            for each in inputs.batches
        )
        self._ask(Task(inputs.post.feature_index, inputs.index_document, datasets, batches))

    def findings(self, index_id: int) -> Findings:
        """What is known so far."""
        return self._found.get(index_id, Findings())

    async def run(self) -> None:
        """Work through what was asked, until cancelled."""
        await self._called.wait()
        async with self._open_pool() as pool:
            self.pool = pool
            while True:
                task = await self._tasks.get()
                await self._check(pool, task)
                self._tasks.task_done()

    async def idle(self) -> None:
        """Return once everything asked is done."""
        await self._tasks.join()

    def _ask(self, task: Task) -> None:
        self._tasks.put_nowait(task)
        self.call_workers()

    async def _check(self, pool: WorkerPool, task: Task) -> None:
        found = self._found.setdefault(task.index_id, Findings())
        await self._check_rows(pool, task, found)
        if not task.batches:
            await self._check_preconditioner(pool, task, found)

    async def _check_rows(self, pool: WorkerPool, task: Task, found: Findings) -> None:
        known = tuple(sorted(found.right))
        request = SpotCheckRequest(
            task.index, self._make_seed(), self._draws, task.batches, known, task.datasets
        )
        result = await _answer(pool, "spot_check", request, SpotCheckResult)
        if result is None:
            return
        self.rows_checked += result.computed
        found.wrong |= set(result.wrong)
        found.right |= set(result.places) - found.wrong
        say = log.error if result.wrong else log.info
        say(
            "feature rows are wrong" if result.wrong else "feature rows recomputed",
            index=task.index_id,
            rows=result.computed,
            wrong=list(result.wrong),
            beyond_tolerance=result.beyond,
        )

    async def _check_preconditioner(self, pool: WorkerPool, task: Task, found: Findings) -> None:
        request = PreconditionerRequest(task.index, task.datasets, self._make_seed(), self._sample)
        result = await _answer(pool, "preconditioner", request, PreconditionerResult)
        if result is None:
            return
        self.preconditioners_checked += 1
        found.is_preconditioner_wrong = not result.is_right
        say = log.info if result.is_right else log.error
        say(
            "preconditioner tested" if result.is_right else "preconditioner is not the model's",
            index=task.index_id,
            sampled=result.sampled,
            residual=result.residual,
        )


async def _answer(pool: WorkerPool, kind: str, request: Any, answer: type[Result]) -> Result | None:
    """What the workers find; None, with a warning, when they cannot."""
    for attempt in range(ATTEMPTS):
        try:
            return from_json(answer, await pool.run(kind, to_json(request)))
        except (WorkerFailedError, WorkerLostError) as error:
            is_final = attempt == ATTEMPTS - 1 or (
                isinstance(error, WorkerFailedError) and not error.retryable
            )
            if is_final:
                log.warning(
                    "an index could not be recomputed", job=kind, index=request.index, reason=str(error)
                )
                return None
            await asyncio.sleep(RETRY_S)
    return None
