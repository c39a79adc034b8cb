"""What can go wrong in a worker, by what the caller should do about it.

WorkerError
├── InvalidInputError    the request or the data it names is wrong: never retried; the asker reads why
├── ArtifactError        content is missing, unreachable or not what its name says: retry once it is there
├── JobCancelledError    the asker took the job back: the worker is free again
├── JobCrashedError      the job failed in a way nobody foresaw, or killed its worker again and again
├── ProtocolError        the other side of a pool connection broke the protocol: the connection is closed
└── PoolClosedError      the pool is shutting down or full: retry later

Caught by: `workers.pool.runner`, which sends the class's `code` to the node; the node's job service, where
the pool raises the same classes again.
"""

from typing import ClassVar


class WorkerError(Exception):
    """Any failure a worker reports by name."""

    code: ClassVar[str] = "worker_error"


class InvalidInputError(WorkerError):
    """A request, record or document breaks its format or a limit."""

    code: ClassVar[str] = "invalid_input"


class ArtifactError(WorkerError):
    """An artefact is missing, cannot be fetched, or does not hash to its name."""

    code: ClassVar[str] = "artifact"


class JobCancelledError(WorkerError):
    """The job was taken back while it ran."""

    code: ClassVar[str] = "cancelled"


class JobCrashedError(WorkerError):
    """An unforeseen failure inside a job, or a job whose workers keep dying."""

    code: ClassVar[str] = "crashed"


class ProtocolError(WorkerError):
    """A message is too long, malformed, unexpected or not authenticated."""

    code: ClassVar[str] = "protocol"


class PoolClosedError(WorkerError):
    """The pool takes no job now."""

    code: ClassVar[str] = "pool_closed"


def error_of(code: str, message: str) -> WorkerError:
    """The error a worker reported by `code`; an unknown code is a crash."""
    by_code: dict[str, type[WorkerError]] = {
        kind.code: kind for kind in (InvalidInputError, ArtifactError, JobCancelledError)
    }
    return by_code.get(code, JobCrashedError)(message)
