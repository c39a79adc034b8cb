"""What can go wrong between a request and its answer, by the HTTP status a client sees.

ServingError
├── BadRequestError        400  the request is malformed, too long, or asks for what is not served
├── AdapterRefusedError    400  the adapter is none of this base: wrong shapes, rank, type, base, content
├── UnauthorizedError      401  the API key is missing or wrong
├── ModelNotFoundError     404  no model or adapter of that name
├── RequestTimeoutError    408  the request's body did not arrive in time
├── OverloadedError        429  the queue is full: try again after `retry_after_s`
├── EngineFailedError      500  the engine failed while it ran this request
├── StorageFailedError     503  the disk behind the artefacts failed or is full: the base still answers
└── DrainingError          503  the server is going down and takes nothing new

Caught by: `workers.serving.http.errors`, which writes OpenAI's error body. None of them stops the engine.
"""

from typing import ClassVar


class ServingError(Exception):
    """A request that gets an error body. `kind` is OpenAI's `type`, `parameter` the field to blame."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "InternalServerError"

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class BadRequestError(ServingError):
    """The request cannot be served as it is."""

    status = 400
    kind = "BadRequestError"


class AdapterRefusedError(ServingError):
    """The adapter does not belong on this base, or is not one."""

    status = 400
    kind = "AdapterRefusedError"


class UnauthorizedError(ServingError):
    """No valid API key."""

    status = 401
    kind = "AuthenticationError"


class ModelNotFoundError(ServingError):
    """Nothing of that name is served here."""

    status = 404
    kind = "NotFoundError"


class RequestTimeoutError(ServingError):
    """The client is too slow."""

    status = 408
    kind = "RequestTimeoutError"


class OverloadedError(ServingError):
    """The queue is full."""

    status = 429
    kind = "RateLimitError"

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EngineFailedError(ServingError):
    """The engine could not finish this request."""


class StorageFailedError(ServingError):
    """An adapter could not be read from disk, or not be kept there."""

    status = 503
    kind = "ServiceUnavailableError"


class DrainingError(ServingError):
    """The server is shutting down."""

    status = 503
    kind = "ServiceUnavailableError"
