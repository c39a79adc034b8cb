"""Who may run the provider's side of the gateway: whoever shows the operator's token.

Covered: everything under `/api/` that changes something, uploads, adapters loaded and unloaded; compared in
constant time. Not covered: reading, which is public; customers, whose vouchers speak for them.
"""

import hmac
import secrets
from pathlib import Path

from aiohttp import web

from openledger_node.gateway.http import Handler, error_response

TOKEN_FILE = "operator.token"  # noqa: S105 - a file name
TOKEN_BYTES = 32
PRIVATE_MODE = 0o600
READING = frozenset({"GET", "HEAD", "OPTIONS"})
GUARDED_PREFIXES = ("/api/", "/artifacts/")
GUARDED_PATHS = frozenset({"/v1/load_lora_adapter", "/v1/unload_lora_adapter"})


def operator_token(directory: Path) -> str:
    """The token in a data directory; made once, readable by its owner alone."""
    path = directory / TOKEN_FILE
    if not path.exists() or not path.read_text().strip():
        write_token(path, secrets.token_hex(TOKEN_BYTES))
    return path.read_text().strip()


def write_token(path: Path, token: str) -> None:
    """Keep a token where only its owner reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=PRIVATE_MODE)
    path.chmod(PRIVATE_MODE)
    path.write_text(token + "\n")


class OperatorGate:
    """A middleware; without a token everything is allowed, for a gateway inside a test."""

    def __init__(self, token: str) -> None:
        self._token = token

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._token and is_guarded(request.method, request.path) and not self._is_operator(request):
            return error_response(
                401,
                "authentication_error",
                "operator_only",
                "this is for the gateway's operator: send Authorization: Bearer with the token in"
                f" {TOKEN_FILE} of its data directory",
            )
        return await handler(request)

    def _is_operator(self, request: web.Request) -> bool:
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            shown.strip().encode(), self._token.encode()
        )


def is_guarded(method: str, path: str) -> bool:
    """Whether a request changes what is the operator's."""
    return method not in READING and (path in GUARDED_PATHS or path.startswith(GUARDED_PREFIXES))
