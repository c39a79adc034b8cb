"""How requests and refusals travel: JSON in, JSON out, one table from error to status.

Error bodies are OpenAI's (`{"error": {"message", "type", "code", "param"}}`), so existing clients read them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import structlog
from aiohttp import web

from openledger_node.client.errors import RemoteError, RevertedError
from openledger_node.errors import TemporaryError, UserError
from openledger_node.gateway.errors import ConflictError, NotFoundError, ParameterError, PaymentRequiredError
from openledger_node.jobs.ports import WorkerFailedError, WorkerLostError
from workers.errors import ArtifactError, InvalidInputError

MAX_JSON_BYTES = 4 << 20
PATIENCE_S = 30.0
SLOWEST_BYTES_S = 1 << 15
"""A body has so long to arrive, and as much longer as it brings bytes of this rate."""

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def json_response(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(data), status=status, headers=headers, content_type="application/json"
    )


def error_response(
    status: int,
    kind: str,
    code: str,
    message: str,
    extra: dict[str, Any] | None = None,
    *,
    parameter: str | None = None,
) -> web.Response:
    body = {"error": {"message": message, "type": kind, "code": code, "param": parameter}, **(extra or {})}
    headers = {"Retry-After": "1"} if status == 503 else None
    return json_response(body, status, headers)


async def read_json(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object; raises UserError."""
    body = await read_body(request, MAX_JSON_BYTES)
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UserError(f"the body is not JSON ({error})") from error
    if not isinstance(data, dict):
        raise UserError("the body must be a JSON object")
    return data


async def read_body(request: web.Request, limit_bytes: int) -> bytes:
    """The whole body; 413 as soon as it is known to be larger than the limit, 408 when it is too slow."""
    reason = f"the body is larger than {limit_bytes} bytes"
    if (request.content_length or 0) > limit_bytes:
        raise web.HTTPRequestEntityTooLarge(limit_bytes, request.content_length or 0, reason=reason)
    data = bytearray()
    try:
        async with asyncio.timeout(PATIENCE_S) as patience:
            began_s = patience.when() or 0.0
            async for chunk in request.content.iter_chunked(1 << 16):
                data += chunk
                if len(data) > limit_bytes:
                    raise web.HTTPRequestEntityTooLarge(limit_bytes, len(data), reason=reason)
                patience.reschedule(began_s + len(data) / SLOWEST_BYTES_S)
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason=f"the body did not arrive in {PATIENCE_S:.0f} s") from None
    return bytes(data)


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The one place where domain errors become answers."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return error_response(error.status, "invalid_request_error", str(error.status), error.reason)
    except PaymentRequiredError as error:
        terms = {"x_openledger": {"terms": error.terms}}
        refused = error_response(402, "payment_required", error.reason, str(error), terms)
        refused.headers.update(error.headers)
        return refused
    except NotFoundError as error:
        return error_response(404, "invalid_request_error", error.code, str(error))
    except ConflictError as error:
        return error_response(409, "invalid_request_error", error.code, str(error))
    except ParameterError as error:
        return error_response(400, "invalid_request_error", error.code, str(error), parameter=error.parameter)
    except (UserError, InvalidInputError, ArtifactError) as error:
        return error_response(400, "invalid_request_error", error.code, str(error))
    except (TemporaryError, WorkerFailedError, WorkerLostError, RemoteError, RevertedError) as error:
        log.warning("request failed", path=request.path, reason=str(error))
        return error_response(503, "server_error", error.code, str(error))
