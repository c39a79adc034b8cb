"""How the node asks for work with types: the job records in, the job records out, over any pool."""

from typing import Any, Protocol, TypeVar

from workers.pool.server import OnProgress
from workers.protocol import (
    AttributionRequest,
    AttributionResult,
    FeatureIndexRequest,
    FeatureIndexResult,
    PingRequest,
    PingResult,
    PredictRequest,
    PredictResult,
    QueriesRequest,
    QueriesResult,
    TrainRequest,
    TrainResult,
)
from workers.protocol.codec import from_json, to_json

Result = TypeVar("Result")


class Submitter(Protocol):
    """What runs a job as JSON: `WorkerPool`, or a stand-in that calls `workers.jobs.table.run_job`."""

    async def submit(self, kind: str, parameters: Any, progress: OnProgress | None = None) -> Any:
        """Run one job; raises a `WorkerError`."""


class Jobs:
    """One method per job kind; each raises what `WorkerPool.submit` raises."""

    def __init__(self, pool: Submitter) -> None:
        self._pool = pool

    async def train(self, request: TrainRequest, progress: OnProgress | None = None) -> TrainResult:
        """Train a model on a version."""
        return await self._run("train", request, TrainResult, progress)

    async def feature_index(
        self, request: FeatureIndexRequest, progress: OnProgress | None = None
    ) -> FeatureIndexResult:
        """Build and commit a model's feature index."""
        return await self._run("feature_index", request, FeatureIndexResult, progress)

    async def queries(self, request: QueriesRequest, progress: OnProgress | None = None) -> QueriesResult:
        """Turn receipts' inputs into committed queries."""
        return await self._run("queries", request, QueriesResult, progress)

    async def attribution(
        self, request: AttributionRequest, progress: OnProgress | None = None
    ) -> AttributionResult:
        """Score and pay out settled batches."""
        return await self._run("attribution", request, AttributionResult, progress)

    async def predict(self, request: PredictRequest) -> PredictResult:
        """Answer inputs."""
        return await self._run("predict", request, PredictResult, None)

    async def ping(self) -> PingResult:
        """Ask any worker for its versions."""
        return await self._run("ping", PingRequest(), PingResult, None)

    async def _run(
        self, kind: str, request: Any, result: type[Result], progress: OnProgress | None
    ) -> Result:
        return from_json(result, await self._pool.submit(kind, to_json(request), progress))
