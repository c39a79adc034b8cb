"""Where people look first: `/`, its refreshed body, and the same as JSON."""

from aiohttp import web

from openledger_node.gateway.http import json_response
from openledger_node.gateway.pages import CONTENT_SECURITY_POLICY, body, page
from openledger_node.gateway.status import StatusSource, status_to_json

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
}


class PageRoutes:
    def __init__(self, source: StatusSource) -> None:
        self._source = source

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/", self.index)
        router.add_get("/status/body", self.body)
        router.add_get("/api/status", self.status)

    async def index(self, _request: web.Request) -> web.StreamResponse:
        text = page(await self._source.read())
        return web.Response(text=text, content_type="text/html", headers=HEADERS)

    async def body(self, _request: web.Request) -> web.StreamResponse:
        text = body(await self._source.read())
        return web.Response(text=text, content_type="text/html", headers=HEADERS)

    async def status(self, _request: web.Request) -> web.StreamResponse:
        return json_response(status_to_json(await self._source.read()))
