import asyncio
import gzip
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

LIMITS = RpcLimits(request_bytes=2_000, connections=2, subscriptions=2, queued_messages=3, body_time_s=0.2)
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ASK = {"jsonrpc": "2.0", "id": 1, "method": "test_one"}


class Bench:
    def __init__(self, limits: RpcLimits = LIMITS, **options: Any) -> None:
        self.feeds = Feeds()
        self.answered = 0
        table = {"test_one": quick(lambda: 1), "test_big": quick(self.big)}
        self.server = RpcServer("127.0.0.1", 0, table, self.feeds, limits=limits, **options)
        self.session = aiohttp.ClientSession()

    def big(self) -> str:
        self.answered += 1
        return "x" * 100_000

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


async def test_a_post_is_answered(bench: Bench) -> None:
    answer = await bench.post()
    assert await answer.json() == {"jsonrpc": "2.0", "id": 1, "result": 1}


async def test_content_type_may_name_a_charset_and_must_be_json(bench: Bench) -> None:
    body = json.dumps(ASK)
    good = await bench.post(json=None, data=body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert good.status == 200
    plain = await bench.post(json=None, data=body, headers={"Content-Type": "text/plain"})
    assert plain.status == 415


async def test_large_answers_are_compressed_for_who_takes_that(bench: Bench) -> None:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        for coding, wanted in (("gzip", "gzip"), ("identity", None)):
            answer = await session.post(
                bench.url, json=ASK | {"method": "test_big"}, headers={"Accept-Encoding": coding}
            )
            assert answer.headers.get("Content-Encoding") == wanted
            assert (len(await answer.read()) < 1_000) is (wanted == "gzip")
    big = await bench.post(json=ASK | {"method": "test_big"})
    assert len((await big.json())["result"]) == 100_000


async def test_a_body_that_does_not_arrive(bench: Bench) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.server.port)
    head = (
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    )
    writer.write(head.encode())
    async with asyncio.timeout(5):
        assert b"408" in await reader.readline()
    writer.close()


async def test_too_large_a_body(bench: Bench) -> None:
    assert (await bench.post(json=[ASK] * 100)).status == 413

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield b" " * 100

    chunked = await bench.post(json=None, data=endless(), headers={"Content-Type": "application/json"})
    assert chunked.status == 413


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "x"])
async def test_bodies_are_not_decompressed(bench: Bench, coding: str) -> None:
    body = gzip.compress(b" " * 10_000_000)[:1_000]
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    assert (await bench.post(json=None, data=body, headers=headers)).status == 415


@pytest.mark.parametrize(
    "raw",
    [
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"POST / HTTP/1.1\r\nX: " + b"a" * 50_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        POST + b"Content-Length: 99999999999\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        b"POST / HTTP/1.0\r\n\r\n",
    ],
)
async def test_what_is_hardly_http_is_refused_without_a_word_in_the_log(
    bench: Bench, raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.server.port)
    writer.write(raw)
    async with asyncio.timeout(5):
        assert (await reader.readline())[9:10] == b"4"
    writer.close()
    assert (await bench.post()).status == 200
    assert not caplog.records


async def test_a_client_that_goes_away_leaves_no_word_in_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", bench.server.port)
    writer.write(POST + b"Content-Length: 50\r\n\r\n{")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()
    await asyncio.sleep(0.05)
    assert (await bench.post()).status == 200
    assert not caplog.records


async def test_foreign_host_is_refused(bench: Bench) -> None:
    assert (await bench.post(headers={"Host": "evil.example"})).status == 403
    assert (await bench.post(headers={"Host": "localhost:1"})).status == 200
    assert (await bench.post(headers={"Host": "[::1]:1"})).status == 200


async def test_any_origin_may_ask(bench: Bench) -> None:
    wanted = {
        "Origin": "https://wallet.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, x-api-key",
    }
    preflight = await bench.session.options(bench.url, headers=wanted)
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://wallet.example"
    assert preflight.headers["Access-Control-Allow-Headers"] == "content-type, x-api-key"
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
        assert codes == [-32601, None, None, -32005]


async def test_slow_reader_is_cut_off(bench: Bench) -> None:
    async with bench.session.ws_connect(bench.url) as socket:
        await socket.send_json(ASK | {"method": "eth_subscribe", "params": ["newHeads"]})
        await socket.receive_json()
        made = block(5, [])
        for _ in range(LIMITS.queued_messages + 1):
            bench.feeds.head_changed(HeadChange(removed=(), added=(made,)))
        async with asyncio.timeout(5):
            while (await socket.receive()).type != aiohttp.WSMsgType.CLOSE:
                pass
        assert socket.close_code == 1008


async def test_requests_wait_while_answers_are_not_read() -> None:
    limits = RpcLimits(queued_bytes=200_000)
    async with Bench(limits=limits) as bench:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.server.port)
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps(ASK | {"method": "test_big"}).encode()
        frame = bytes([0x81, 0x80 | len(body), 0, 0, 0, 0]) + body
        writer.write(frame * 2_000)
        await asyncio.sleep(0.5)
        assert bench.answered < 1_000
        assert (await bench.post(headers={"Host": "localhost"})).status == 200
        writer.close()


async def test_clients_that_do_not_read_hold_no_shutdown() -> None:
    bench = Bench(limits=RpcLimits())
    writers = []
    async with bench:
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", bench.server.port)
            writer.write(UPGRADE)
            await reader.readuntil(b"\r\n\r\n")
            writers.append(writer)
        started_s = asyncio.get_running_loop().time()
        async with asyncio.timeout(9):
            await bench.server.stop()
        assert asyncio.get_running_loop().time() - started_s < 9
    for writer in writers:
        writer.close()


async def test_unsubscribing_from_nothing(bench: Bench) -> None:
    async with bench.session.ws_connect(bench.url) as socket:
        await socket.send_json(ASK | {"method": "eth_unsubscribe", "params": ["0x1"]})
        error = (await socket.receive_json())["error"]
        assert (error["code"], error["message"]) == (-32000, "subscription not found")


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
