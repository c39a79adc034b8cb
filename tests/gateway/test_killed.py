"""A gateway killed with -9 in the middle of answers: a retry brings back exactly what is billed."""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from openledger_node.client.errors import RemoteError
from openledger_node.client.gateway import GatewayClient
from openledger_node.client.rpc import Rpc
from openledger_node.client.text import TextPurchases
from tests.agents.evm_node import EvmNode
from tests.gateway import test_x402 as x402
from tests.gateway.conftest import Running
from tests.gateway.test_text import MESSAGES, MODEL, add_text_model, fee_wei, open_text_channel
from tests.gateway.text_server import ANSWER, ScriptedServer
from tests.jobs.economy import Economy, Trained
from workers.artifacts.store import ArtifactStore

KILLS = 6
MOST_AHEAD = 12


@asynccontextmanager
async def rpc_server(node: Rpc) -> AsyncIterator[str]:
    """A chain over HTTP; it outlives the gateways."""

    async def answer(request: web.Request) -> web.Response:
        asked = await request.json()
        try:
            said: dict[str, Any] = {"result": await node.call(asked["method"], *asked["params"])}
        except RemoteError as error:
            said = {"error": {"code": error.rpc_code, "message": error.message, "data": error.data}}
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], **said})

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


class GatewayProcess:
    """A gateway that can be killed and started again on the same data."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.gateway.gateway_process", *self._arguments,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        while not (line := (await self._process.stdout.readline()).strip()).isdigit():
            assert line, "the gateway did not start"
        self.url = f"http://127.0.0.1:{int(line)}"

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()


@pytest.mark.slow
async def test_killed_gateways_bill_what_they_delivered(economy: Economy, tmp_path: Path) -> None:
    server = ScriptedServer(pause_s=0.01)
    await server.start()
    await add_text_model(economy)
    choose = random.Random(7)
    async with rpc_server(economy.node) as rpc_url:
        gateway = GatewayProcess(rpc_url, str(tmp_path / "node"), str(economy.store.directory), server.url)
        await gateway.start()
        running = Running(economy, tmp_path, None, None)  # type: ignore[arg-type] # only its client is used
        running.client = GatewayClient(gateway.url)
        purchases = await open_text_channel(economy, running)
        for _ in range(KILLS):
            await _kill_and_retry(gateway, purchases, choose.randrange(1, 60))
        await purchases.acknowledge()
        state = await purchases._gateway.get(f"/v1/channels/0x{purchases._terms.channel_id.hex()}")
        assert state["feesSoFar"] == str(purchases.tree.total_fee_wei)
        await purchases._gateway.close()
        await gateway.kill()
    await server.stop()


@pytest.mark.slow
async def test_killed_gateways_collect_from_x402_what_they_delivered(tmp_path: Path, made: Trained) -> None:
    """Killed in the middle of answers and in the middle of collecting: taken is what a retry brings back."""
    node, store, server = EvmNode(), ArtifactStore(tmp_path / "artifacts"), ScriptedServer(pause_s=0.01)
    await x402.text_economy(node, store, made)
    await x402.fill_purse(node)
    await server.start()
    choose = random.Random(7)
    async with rpc_server(node) as rpc_url:
        gateway = GatewayProcess(rpc_url, str(tmp_path / "node"), str(store.directory), server.url)
        await gateway.start()
        for number in range(KILLS):
            before_wei = await x402.purse_wei(node)
            if number % 2:
                fee = await _kill_collecting(gateway, node)
            else:
                fee = await _kill_streaming(gateway, choose.randrange(1, 60))
            assert await x402.purse_wei(node) == before_wei - fee
        await gateway.kill()
    await server.stop()


X402_BODY = {"model": MODEL, "messages": MESSAGES, "max_tokens": 70, "stream": True}


async def _kill_streaming(gateway: GatewayProcess, after: int) -> int:
    """Kill once `after` tokens have come; returns the fee of what the retry brought back."""
    headers = {"PAYMENT-SIGNATURE": await x402.signed_payment(gateway.url, X402_BODY)}
    seen = ""
    with suppress(aiohttp.ClientError):
        async for chunk in _chunks(gateway.url, X402_BODY, headers):
            seen += chunk["choices"][0]["delta"].get("content") or ""
            if len(seen) == after:
                await gateway.kill()
    return await _again(gateway, headers, seen)


async def _kill_collecting(gateway: GatewayProcess, node: EvmNode) -> int:
    """Kill while the transaction that collects is on its way: it is mined, the gateway does not know."""
    headers = {"PAYMENT-SIGNATURE": await x402.signed_payment(gateway.url, X402_BODY)}
    sent: list[asyncio.Task[None]] = []
    node.on_transaction = lambda: sent.append(asyncio.create_task(gateway.kill()))
    seen = ""
    with suppress(aiohttp.ClientError):
        async for chunk in _chunks(gateway.url, X402_BODY, headers):
            seen += chunk["choices"][0]["delta"].get("content") or ""
    node.on_transaction = lambda: None
    await asyncio.gather(*sent)
    assert sent
    return await _again(gateway, headers, seen)


async def _again(gateway: GatewayProcess, headers: dict[str, str], seen: str) -> int:
    await gateway.start()
    (again,) = [chunk async for chunk in _chunks(gateway.url, X402_BODY, headers)]
    text, paid = again["choices"][0]["delta"]["content"], again["x_openledger"]
    assert ANSWER.startswith(text)
    assert text.startswith(seen)
    assert len(text) <= len(seen) + MOST_AHEAD, "at most the piece that was on disk and not yet sent"
    fee = x402.fee_wei(len(text))
    assert (paid["fee"], paid["x402"]["amount"]) == (str(fee), str(fee))
    return fee


async def _kill_and_retry(gateway: GatewayProcess, purchases: TextPurchases, after: int) -> None:
    """Kill once `after` tokens have come, start again, ask again under the same key."""
    body = {"model": MODEL, "messages": MESSAGES, "max_tokens": 70, "stream": True}
    headers = await purchases.headers(body)
    seen = ""
    with suppress(aiohttp.ClientError):
        async for chunk in _chunks(gateway.url, body, headers):
            seen += chunk["choices"][0]["delta"].get("content") or ""
            if len(seen) == after:
                await gateway.kill()
    assert len(seen) >= after
    await gateway.start()
    await purchases._gateway.close()
    purchases._gateway = GatewayClient(gateway.url)
    (again,) = [chunk async for chunk in _chunks(gateway.url, body, headers)]
    text, paid = again["choices"][0]["delta"]["content"], again["x_openledger"]
    assert ANSWER.startswith(text)
    assert text.startswith(seen)
    assert len(text) <= len(seen) + MOST_AHEAD, "at most the piece that was on disk and not yet sent"
    assert (paid["fee"], paid["interrupted"]) == (str(fee_wei(len(text))), "gateway_restarted")
    purchases.accept(paid, text)


async def _chunks(url: str, body: dict[str, Any], headers: dict[str, str]) -> AsyncIterator[dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/chat/completions", json=body, headers=headers) as response,
    ):
        assert response.status == 200, await response.text()
        async for line in response.content:
            if line.startswith(b"data:") and b"[DONE]" not in line:
                yield orjson.loads(line[5:])
