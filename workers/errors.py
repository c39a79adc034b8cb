"""What can go wrong in a worker, by what the caller should do about it.

WorkerError
├── InvalidInputError    the request or the data it names is wrong: never retried; the asker reads why
├── ArtifactError        content is missing, unreachable or not what its name says: retry once it is there
└── JobCancelledError    the asker took the job back: the worker is free again

Caught by: the job runner (`workers.pool.runner`), which sends the class's `code` to the node; plain callers.
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
