"""How the job room's worker port is met by the process pool: calls passed on, errors translated."""

from typing import Any

from openledger_node.jobs.ports import Progress, WorkerFailedError, WorkerLostError
from workers.errors import ArtifactError, InvalidInputError, JobCrashedError, PoolClosedError
from workers.pool.server import WorkerPool as ProcessPool


class PoolAdapter:
    """`openledger_node.jobs.ports.WorkerPool` over `workers.pool.server.WorkerPool`."""

    def __init__(self, pool: ProcessPool) -> None:
        self._pool = pool

    async def run(self, kind: str, request: Any, progress: Progress | None = None) -> Any:
        try:
            return await self._pool.submit(kind, request, progress)
        except InvalidInputError as error:
            raise WorkerFailedError(error.code, str(error), retryable=False) from error
        except (ArtifactError, PoolClosedError) as error:
            raise WorkerFailedError(error.code, str(error), retryable=True) from error
        except JobCrashedError as error:
            raise WorkerLostError(str(error)) from error

    @property
    def workers(self) -> int:
        return self._pool.statistics().workers
