import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from openledger_node.chain.records import HeadChange
from openledger_node.rpc.dispatch import RpcLimits
from openledger_node.rpc.feeds import Feeds
from openledger_node.rpc.server import RpcServer
from openledger_node.rpc.table import quick
from tests.rpc.records import block, log, transaction

LIMITS = RpcLimits(request_bytes=2_000, connections=2, subscriptions=2, queued_notifications=3)
ASK = {"jsonrpc": "2.0", "id": 1, "method": "test_one"}


class Bench:
    def __init__(self, **options: Any) -> None:
        self.feeds = Feeds()
        table = {"test_one": quick(lambda: 1)}
        self.server = RpcServer("127.0.0.1", 0, table, self.feeds, limits=LIMITS, **options)
        self.session = aiohttp.ClientSession()

    async def __aenter__(self) -> "Bench":
        await self.server.start()
        self.url = f"http://127.0.0.1:{self.server.port}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()
        await self.server.stop()

    async def post(self, **options: Any) -> aiohttp.ClientResponse:
        return await self.session.post(self.url, **({"json": ASK} | options))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with Bench(origins=("https://wallet.example",)) as made:
        yield made


async def test_post(bench: Bench) -> None:
    answer = await bench.post()
    assert await answer.json() == {"jsonrpc": "2.0", "id": 1, "result": 1}


async def test_content_type_may_name_a_charset_and_must_be_json(bench: Bench) -> None:
    body = json.dumps(ASK)
    good = await bench.post(json=None, data=body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert good.status == 200
    plain = await bench.post(json=None, data=body, headers={"Content-Type": "text/plain"})
    assert plain.status == 415


async def test_too_large_a_body(bench: Bench) -> None:
    assert (await bench.post(json=[ASK] * 100)).status == 413


async def test_foreign_host_is_refused(bench: Bench) -> None:
    assert (await bench.post(headers={"Host": "evil.example"})).status == 403
    assert (await bench.post(headers={"Host": "localhost:1"})).status == 200
    assert (await bench.post(headers={"Host": "[::1]:1"})).status == 200


async def test_cors(bench: Bench) -> None:
    wanted = {"Origin": "https://wallet.example", "Access-Control-Request-Method": "POST"}
    preflight = await bench.session.options(bench.url, headers=wanted)
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://wallet.example"
    assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]
    other = await bench.post(headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


async def test_websocket_answers_and_notifies(bench: Bench) -> None:
    async with bench.session.ws_connect(bench.url) as socket:
        await socket.send_json(ASK)
        assert (await socket.receive_json())["result"] == 1
        await socket.send_json(ASK | {"method": "eth_subscribe", "params": ["logs", {}]})
        identity = (await socket.receive_json())["result"]
        made = block(5, [(transaction(1), [log(b"\1")])])
        bench.feeds.head_changed(HeadChange(removed=(), added=(made,)))
        bench.feeds.head_changed(HeadChange(removed=(made,), added=()))
        for removed in (False, True):
            note = await socket.receive_json()
            assert note["method"] == "eth_subscription"
            assert note["params"]["subscription"] == identity
            assert note["params"]["result"]["removed"] is removed
        await socket.send_json(ASK | {"method": "eth_unsubscribe", "params": [identity]})
        assert (await socket.receive_json())["result"] is True


async def test_subscriptions_are_for_sockets_only(bench: Bench) -> None:
    answer = await bench.post(json=ASK | {"method": "eth_subscribe", "params": ["newHeads"]})
    assert (await answer.json())["error"]["code"] == -32601


async def test_unknown_kinds_and_too_many(bench: Bench) -> None:
    async with bench.session.ws_connect(bench.url) as socket:
        codes = []
        for kind in ("tea", "newHeads", "newHeads", "newHeads"):
            await socket.send_json(ASK | {"method": "eth_subscribe", "params": [kind]})
            codes.append((await socket.receive_json()).get("error", {}).get("code"))
        assert codes == [-32602, None, None, -32005]


async def test_slow_reader_is_cut_off(bench: Bench) -> None:
    async with bench.session.ws_connect(bench.url) as socket:
        await socket.send_json(ASK | {"method": "eth_subscribe", "params": ["newHeads"]})
        await socket.receive_json()
        made = block(5, [])
        for _ in range(LIMITS.queued_notifications + 1):
            bench.feeds.head_changed(HeadChange(removed=(), added=(made,)))
        async with asyncio.timeout(5):
            while (await socket.receive()).type != aiohttp.WSMsgType.CLOSE:
                pass
        assert socket.close_code == 1008


async def test_sockets_are_counted(bench: Bench) -> None:
    async with bench.session.ws_connect(bench.url), bench.session.ws_connect(bench.url):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await bench.session.ws_connect(bench.url)


async def test_stop_closes_sockets() -> None:
    bench = Bench()
    async with bench:
        socket = await bench.session.ws_connect(bench.url)
        async with asyncio.timeout(5):
            await bench.server.stop()
            assert (await socket.receive()).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
