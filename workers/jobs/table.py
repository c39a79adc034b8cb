"""Which function answers which job kind. Importing this imports torch: workers only.

Jobs of language models are imported when the first is asked for: `transformers` takes seconds to import,
and a worker should be ready at once.
"""

import platform
from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch

from workers.artifacts.store import ArtifactStore
from workers.errors import InvalidInputError
from workers.jobs.attribution import attribution
from workers.jobs.feature_index import feature_index
from workers.jobs.jury import jury_query, jury_row, preconditioner
from workers.jobs.predict import predict
from workers.jobs.queries import queries
from workers.jobs.spot_check import spot_check
from workers.jobs.train import train
from workers.progress import Progress, silent
from workers.protocol import REQUEST_TYPES, PingRequest, PingResult
from workers.protocol.codec import from_json, to_json

JobFunction = Callable[[ArtifactStore, Any, Progress], Any]


def ping(store: ArtifactStore, request: PingRequest, progress: Progress = silent) -> PingResult:
    """Job `ping`: versions and device."""
    return PingResult(python=platform.python_version(), torch=str(torch.__version__), device="cpu")


def _later(module: str, function: str) -> JobFunction:
    def run(store: ArtifactStore, request: Any, progress: Progress) -> Any:
        return getattr(import_module(f"workers.jobs.{module}"), function)(store, request, progress)

    return run


JOBS: dict[str, JobFunction] = {
    "train": train,
    "prepare": _later("prepare", "prepare"),
    "finetune": _later("finetune", "finetune"),
    "evaluate": _later("evaluate", "evaluate"),
    "train_embedding": _later("train_embedding", "train_embedding"),
    "evaluate_embedding": _later("train_embedding", "evaluate_embedding"),
    "verify": _later("verify", "verify"),
    "spans": _later("spans", "spans"),
    "embed": _later("embed", "embed"),
    "retrieval_index": _later("retrieval", "retrieval_index"),
    "retrieve": _later("retrieval", "retrieve"),
    "feature_index": feature_index,
    "queries": queries,
    "attribution": attribution,
    "predict": predict,
    "spot_check": spot_check,
    "jury_row": jury_row,
    "jury_query": jury_query,
    "preconditioner": preconditioner,
    "ping": ping,
}


def run_job(store: ArtifactStore, kind: str, parameters: Any, progress: Progress = silent) -> Any:
    """Run one job from JSON to JSON; raises a `WorkerError`."""
    if kind not in JOBS:
        raise InvalidInputError(f"job kind {kind!r} is not one of {sorted(JOBS)}")
    request: Any = from_json(REQUEST_TYPES[kind], parameters)
    return to_json(JOBS[kind](store, request, progress))
