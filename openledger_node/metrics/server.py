"""What a monitor may ask: `/metrics`, `/livez` and `/readyz`, on their own port."""

from collections.abc import Callable, Mapping

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

HealthCheck = Callable[[], str | None]
"""Returns None when healthy, else the reason in a few words."""


class MetricsServer:
    """Serves one registry and the node's health checks; `port` is the bound one once it runs."""

    def __init__(
        self, host: str, port: int, registry: CollectorRegistry, checks: Mapping[str, HealthCheck]
    ) -> None:
        self._host = host
        self._requested_port = port
        self._registry = registry
        self._checks = checks
        self._runner: web.AppRunner | None = None
        self.port = port

    async def start(self) -> None:
        """Bind and serve; raises OSError when the port is taken."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/livez", self._live)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/healthz", self._ready)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._requested_port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    async def _live(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _ready(self, request: web.Request) -> web.Response:
        results = {name: check() for name, check in self._checks.items()}
        failed = any(results.values())
        if "verbose" in request.query:
            lines = [f"[!] {n}: {reason}" if reason else f"[+] {n} ok" for n, reason in results.items()]
            text = "\n".join([*lines, "not ready" if failed else "ready", ""])
        else:
            text = "not ready\n" if failed else "ok\n"
        return web.Response(text=text, status=503 if failed else 200)
