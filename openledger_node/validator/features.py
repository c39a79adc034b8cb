"""How a validator recomputes feature rows unattended: a few of those that earn, by its own workers.

Every index found to keep its rules is checked once over records drawn alike, and again with every post,
over records drawn by what the post pays for them. Seeds are the validator's own and secret, so that nobody
can foretell which rows it looks at. Workers start with the first check and stay.

Covered: rows of records against the committed preconditioner, each computed once per index. Not covered:
queries (their inputs are private until a case opens them), the preconditioner itself.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import structlog

from openledger_node.jobs.ports import WorkerFailedError, WorkerLostError, WorkerPool
from openledger_node.validator.records import PostInputs
from workers.artifacts.store import ArtifactId
from workers.jobs.codec import from_json, to_json
from workers.jobs.types import BigInt, SettledBatch, SpotCheckRequest, SpotCheckResult

DRAWS = 300
"""Catch one per cent of corrupted earnings with 95 %."""
RETRY_S = 5.0
ATTEMPTS = 3

OpenPool = Callable[[], AbstractAsyncContextManager[WorkerPool]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """Check the rows of one index, weighed by some batches."""

    index_id: int
    index: ArtifactId
    batches: tuple[SettledBatch, ...] = ()


@dataclass(slots=True)
class Findings:
    """What is known about one index's rows: places computed and found right, places found wrong."""

    right: set[int] = field(default_factory=set)
    wrong: set[int] = field(default_factory=set)


class FeatureChecks:
    """A service: `ask` at any time; `rows_checked` is for metrics, `wrong_rows` for whoever challenges."""

    def __init__(
        self,
        open_pool: OpenPool,
        draws: int = DRAWS,
        make_seed: Callable[[], bytes] = lambda: secrets.token_bytes(32),
    ) -> None:
        self._open_pool = open_pool
        self._draws = draws
        self._make_seed = make_seed
        self._tasks: asyncio.Queue[Task] = asyncio.Queue()
        self._found: dict[int, Findings] = {}
        self.rows_checked = 0

    def ask_about_index(self, index_id: int, document: ArtifactId) -> None:
        """Check an index before it is used."""
        self._tasks.put_nowait(Task(index_id, document))

    def ask_about_post(self, inputs: PostInputs) -> None:
        """Check the rows that a post pays for."""
        batches = tuple(
            SettledBatch(each.claim.settlement_id, BigInt(each.settlement.pool), each.queries_document)
            for each in inputs.batches
        )
        self._tasks.put_nowait(Task(inputs.post.feature_index, inputs.index_document, batches))

    def wrong_rows(self, index_id: int) -> Sequence[int]:
        """Places of rows that are not their records' gradients."""
        return sorted(self._found.get(index_id, Findings()).wrong)

    async def run(self) -> None:
        """Work through what was asked, until cancelled."""
        task = await self._tasks.get()
        async with self._open_pool() as pool:
            while True:
                await self._check(pool, task)
                self._tasks.task_done()
                task = await self._tasks.get()

    async def idle(self) -> None:
        """Return once everything asked is done."""
        await self._tasks.join()

    async def _check(self, pool: WorkerPool, task: Task) -> None:
        found = self._found.setdefault(task.index_id, Findings())
        request = SpotCheckRequest(
            task.index, self._make_seed(), self._draws, task.batches, tuple(sorted(found.right))
        )
        result = await _answer(pool, request)
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


async def _answer(pool: WorkerPool, request: SpotCheckRequest) -> SpotCheckResult | None:
    """What the workers find; None, with a warning, when they cannot."""
    for attempt in range(ATTEMPTS):
        try:
            return from_json(SpotCheckResult, await pool.run("spot_check", to_json(request)))
        except (WorkerFailedError, WorkerLostError) as error:
            is_final = attempt == ATTEMPTS - 1 or (
                isinstance(error, WorkerFailedError) and not error.retryable
            )
            if is_final:
                log.warning("feature rows could not be recomputed", index=request.index, reason=str(error))
                return None
            await asyncio.sleep(RETRY_S)
    return None
