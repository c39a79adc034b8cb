"""How failures look to a client: OpenAI's error body, as vLLM writes it."""

import json
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import ValidationError

from workers.serving.errors import BadRequestError, OverloadedError, ServingError

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def error_body(error: ServingError) -> dict[str, object]:
    """`{"error": {message, type, param, code}}`."""
    return {
        "error": {
            "message": str(error),
            "type": error.kind,
            "param": error.parameter,
            "code": error.status,
        }
    }


def error_response(error: ServingError) -> web.Response:
    """The body under its status; 429 says when to come back."""
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, OverloadedError) else {}
    if error.status == 503:
        headers = {"Retry-After": "5"}
    return web.json_response(error_body(error), status=error.status, headers=headers)


@web.middleware
async def errors_as_openai(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what handlers raise into error bodies."""
    try:
        return await handler(request)
    except ServingError as error:
        return error_response(error)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        return error_response(BadRequestError(f"{where}: {said}" if where else said, where or None))
    except json.JSONDecodeError as error:
        return error_response(BadRequestError(f"the body is not JSON: {error}"))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        failure = ServingError(error.reason)
        body = error_body(failure)
        body["error"] = {"message": error.reason, "type": "HTTPError", "param": None, "code": error.status}
        return web.json_response(
            body,
            status=error.status,
            headers={"Allow": error.headers["Allow"]} if "Allow" in error.headers else {},
        )
