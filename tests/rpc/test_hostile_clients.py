"""Many and slow clients on a real node's port: the others are answered, memory stays flat."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from openledger_node.rpc.dispatch import RpcLimits
from tests.rpc.running_node import RunningNode

IDLE_SOCKETS = 1_000
SLOW_READERS = 50
FLOOD = 200
BLOCKS = 40
PATIENCE_S = 60
QUEUED_BYTES = 64 * 1024
HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SUBSCRIBE = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
ASK = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def node() -> Iterator[RunningNode]:
    running = RunningNode(limits=RpcLimits(queued_bytes=QUEUED_BYTES)).start()
    yield running
    running.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as made:
        yield made


def masked(body: bytes) -> bytes:
    """A text frame whose mask is zero."""
    length = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + body


async def silent(node: RunningNode) -> asyncio.StreamWriter:
    """A subscriber that never reads what it is told."""
    reader, writer = await asyncio.open_connection("127.0.0.1", node.server.port, limit=256)
    writer.write(HANDSHAKE.encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.write(masked(json.dumps(SUBSCRIBE).encode()))
    await writer.drain()
    return writer


async def honest(node: RunningNode, session: aiohttp.ClientSession, questions: int) -> None:
    """Every question is answered in bounded time."""
    for _ in range(questions):
        async with asyncio.timeout(PATIENCE_S), session.post(node.url, json=ASK) as answer:
            assert "result" in await answer.json()


async def test_a_thousand_idle_sockets_hurt_nobody(node: RunningNode, session: aiohttp.ClientSession) -> None:
    sockets = [await session.ws_connect(node.url) for _ in range(IDLE_SOCKETS)]
    await honest(node, session, 100)
    await sockets[0].send_json(SUBSCRIBE)
    await sockets[0].receive_json()
    await asyncio.to_thread(node.mine)
    async with asyncio.timeout(PATIENCE_S):
        assert (await sockets[0].receive_json())["method"] == "eth_subscription"
    await asyncio.gather(*(socket.close() for socket in sockets))


async def test_slow_readers_do_not_grow_the_node(node: RunningNode, session: aiohttp.ClientSession) -> None:
    writers = [await silent(node) for _ in range(SLOW_READERS)]
    flood = masked(json.dumps(ASK | {"method": "rpc.discover"}).encode())
    for writer in writers:
        writer.write(flood * FLOOD)
    tracemalloc.start()
    for _ in range(BLOCKS):
        await asyncio.to_thread(node.mine)
        await honest(node, session, 1)
    gc.collect()
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Sixteen answers of 40 kB may be under way per client, and what the outbox holds.
    assert grown < SLOW_READERS * (16 * 64 * 1024 + 4 * QUEUED_BYTES)
    for writer in writers:
        writer.close()
    await honest(node, session, 10)
