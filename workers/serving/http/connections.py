"""How many connections may be open, and how long without a request: slow clients must not crowd out others.

Covered: more connections than the limit (503 and closed at once), clients that send a byte now and then and
never a request. Not covered: slow bodies and slow readers (`routes`), how many requests run (`generation`).
"""

import asyncio
import time
from typing import Any

from aiohttp import web

from workers.serving.http.errors import Handler

REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\n"
    b"Connection: close\r\nContent-Length: 129\r\n\r\n"
    b'{"error": {"message": "too many connections are open; try again", '
    b'"type": "ServiceUnavailableError", "param": null, "code": 503}}'
)
SWEEPS = 4
"""Idle connections are looked for so many times per limit."""


class _Refuse(asyncio.Protocol):
    """Says that the server is full and hangs up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(REFUSAL)
        transport.close()


class Connections:
    """Give it to `create_server` as protocol factory, `watch` to the application, and run `sweep`."""

    def __init__(self, limit: int, idle_s: float) -> None:
        self.refused = 0
        self._limit, self._idle_s = limit, idle_s
        self._server: web.Server | None = None
        self._busy: set[Any] = set()
        self._idle_since_s: dict[Any, float] = {}

    def attach(self, server: web.Server) -> None:
        """The server whose connections these are."""
        self._server = server

    def __call__(self) -> asyncio.Protocol:
        """A protocol for a new connection."""
        assert self._server is not None
        if len(self._server.connections) >= self._limit:
            self.refused += 1
            return _Refuse()
        return self._server()

    @web.middleware
    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note that a connection has a request."""
        self._busy.add(request.protocol)
        try:
            return await handler(request)
        finally:
            self._busy.discard(request.protocol)

    async def sweep(self) -> None:
        """Close what has been without a request for too long, until cancelled."""
        while True:
            await asyncio.sleep(self._idle_s / SWEEPS)
            self._close_idle(time.monotonic())

    def _close_idle(self, now_s: float) -> None:
        assert self._server is not None
        idle = [one for one in self._server.connections if one not in self._busy]
        self._idle_since_s = {one: self._idle_since_s.get(one, now_s) for one in idle}
        for connection, since_s in self._idle_since_s.items():
            if now_s - since_s >= self._idle_s:
                connection.force_close()
