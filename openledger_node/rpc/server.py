"""JSON-RPC on a port: HTTP POST and WebSocket upgrade, CORS, host check, size limits.

Covered: cross-site requests (JSON content type and an allowed host are required, so that a web page cannot
reach a node on this machine by a plain form or a rebound name), a body's size and the time it may take, the
number of WebSockets and what one may leave unread.
Not covered: TLS and rate limits per client (a proxy's work), authentication (`admin_*` has its own port).
"""

import asyncio
import ipaddress
import logging
from collections.abc import Sequence

from aiohttp import web
from aiohttp.http import HttpProcessingError

from openledger_node.rpc.dispatch import Dispatcher, Observer, RpcLimits
from openledger_node.rpc.feeds import Feeds
from openledger_node.rpc.table import Table
from openledger_node.rpc.websocket import IDLE_PING_S, Connection

JSON_TYPE = "application/json"
ANY = "*"
COMPRESSED_BYTES = 1_400
"""Answers from here on are compressed where the client takes that: smaller ones fit a packet anyway."""
COMPRESSED_IN_A_THREAD_BYTES = 16_384
FAREWELL_S = 1.0


class RpcServer:
    """`start` binds; `port` is then the bound one (ask for 0 to get a free one).

    `hosts` are the names a request may address besides IP literals and localhost; `origins` the web origins
    that may read answers; `*` means all.
    """

    def __init__(
        self,
        host: str,
        port: int,
        methods: Table,
        feeds: Feeds,
        *,
        limits: RpcLimits | None = None,
        origins: Sequence[str] = (ANY,),
        hosts: Sequence[str] = ("localhost",),
        observer: Observer | None = None,
    ) -> None:
        self._host = host
        self._requested_port = port
        self._feeds = feeds
        self._limits = limits or RpcLimits()
        self._origins = frozenset(origins)
        self._hosts = frozenset(name.lower() for name in hosts)
        self._dispatcher = Dispatcher(methods, self._limits, observer)
        self._runner: web.AppRunner | None = None
        self._sockets: set[web.WebSocketResponse] = set()
        self.port = port

    @property
    def dispatcher(self) -> Dispatcher:
        """For answers without a socket: other services of the process, further ports."""
        return self._dispatcher

    async def start(self) -> None:
        """Bind and serve. Raises OSError when the port is taken."""
        app = web.Application(client_max_size=self._limits.request_bytes)
        app.router.add_route("*", "/", self._handle)
        app.on_shutdown.append(self._close_sockets)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=2.0, auto_decompress=False, logger=_HTTP_LOG
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._requested_port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close WebSockets, let answers under way finish for two seconds, release the port."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._dispatcher.close()

    async def _close_sockets(self, _app: web.Application) -> None:
        """All at once, and without waiting long for clients that do not read."""
        closing = [
            asyncio.create_task(socket.close(code=1001, message=b"shutting down")) for socket in self._sockets
        ]
        if closing:
            _, late = await asyncio.wait(closing, timeout=FAREWELL_S)
            for task in late:
                task.cancel()

    # -- requests

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if not self._is_allowed_host(request.host):
            return web.Response(status=403, text="invalid host specified\n")
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=self._cors(request, preflight=True))
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._websocket(request)
        if request.method == "GET":
            return web.Response(text="", headers=self._cors(request))
        if request.method != "POST":
            return web.Response(status=405, text="method not allowed\n")
        if request.content_type != JSON_TYPE:
            return web.Response(status=415, text="invalid content type, only application/json is supported\n")
        if request.headers.get("Content-Encoding", "identity") != "identity":
            return web.Response(status=415, text="send the body as it is, without a content encoding\n")
        if (request.content_length or 0) > self._limits.request_bytes:
            return web.Response(status=413, text=f"at most {self._limits.request_bytes} bytes are taken\n")
        try:
            async with asyncio.timeout(self._limits.body_time_s):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408, text="the body took too long\n")
        answer = await self._dispatcher.answer(body) or b""
        response = web.Response(
            body=answer,
            content_type=JSON_TYPE,
            headers=self._cors(request),
            zlib_executor_size=COMPRESSED_IN_A_THREAD_BYTES,
        )
        if len(answer) >= COMPRESSED_BYTES:
            response.enable_compression()
        return response

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if origin is not None and not self._is_allowed_origin(origin):
            return web.Response(status=403, text="origin not allowed\n")
        if len(self._sockets) >= self._limits.connections:
            return web.Response(status=503, text="too many connections\n")
        socket = web.WebSocketResponse(
            heartbeat=IDLE_PING_S, max_msg_size=self._limits.request_bytes, compress=False
        )
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            await Connection(socket, self._dispatcher, self._feeds, self._limits).serve()
        finally:
            self._sockets.discard(socket)
            await socket.close()
        return socket

    # -- who may

    def _is_allowed_host(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        name = name.strip("[]").lower()
        return ANY in self._hosts or name in self._hosts or _is_ip(name)

    def _is_allowed_origin(self, origin: str) -> bool:
        return ANY in self._origins or origin in self._origins

    def _cors(self, request: web.Request, *, preflight: bool = False) -> dict[str, str]:
        origin = request.headers.get("Origin")
        if origin is None or not self._is_allowed_origin(origin):
            return {}
        headers = {"Access-Control-Allow-Origin": ANY if ANY in self._origins else origin, "Vary": "Origin"}
        if preflight:
            headers |= {
                "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
                "Access-Control-Allow-Headers": request.headers.get(
                    "Access-Control-Request-Headers", "Content-Type"
                ),
                "Access-Control-Max-Age": "600",
            }
        return headers


def _is_fault_of_ours(record: logging.LogRecord) -> bool:
    """Not worth a line: a client that speaks no HTTP, or goes away."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionError)


_HTTP_LOG = logging.getLogger(f"{__name__}.http")
_HTTP_LOG.addFilter(_is_fault_of_ours)


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
