"""A JSON-RPC server over real HTTP that answers what a test tells it to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

Answer = Callable[[list[Any]], Any]


class RpcError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class FakeNode:
    """`answers` by method; `status`, `body` and `hang_s` spoil the transport."""

    def __init__(self, **answers: Answer) -> None:
        self.answers: dict[str, Answer] = answers
        self.requests: list[tuple[str, list[Any]]] = []
        self.status = 200
        self.body: bytes | None = None
        self.hang_s = 0.0
        self.url = ""

    def methods(self) -> list[str]:
        return [method for method, _ in self.requests]

    async def handle(self, request: web.Request) -> web.Response:
        call = orjson.loads(await request.read())
        self.requests.append((call["method"], call["params"]))
        if self.hang_s:
            await asyncio.sleep(self.hang_s)
        if self.body is not None:
            return web.Response(status=self.status, body=self.body)
        return web.Response(status=self.status, body=orjson.dumps(self._answer(call)))

    def _answer(self, call: dict[str, Any]) -> dict[str, Any]:
        frame = {"jsonrpc": "2.0", "id": call["id"]}
        answer = self.answers.get(call["method"])
        if answer is None:
            return {**frame, "error": {"code": -32601, "message": "the method does not exist"}}
        try:
            return {**frame, "result": answer(call["params"])}
        except RpcError as error:
            return {**frame, "error": {"code": error.code, "message": str(error)}}


@asynccontextmanager
async def running(*nodes: FakeNode) -> AsyncIterator[list[str]]:
    """Serve each node on a port of its own; yields the URLs."""
    runners = []
    for node in nodes:
        application = web.Application()
        application.router.add_post("/", node.handle)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        node.url = f"http://127.0.0.1:{port}/"
        runners.append(runner)
    try:
        yield [node.url for node in nodes]
    finally:
        for runner in runners:
            await runner.cleanup()
