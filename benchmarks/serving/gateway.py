"""What the gateway adds to an answer: `python -m benchmarks.serving.gateway [--requests N] [--tokens N]`.

The same scripted server, which answers at once, is asked directly and through the gateway, in turns. What
the gateway adds is an HTTP hop, the prompt's tokens, the voucher's check, pieces and the receipt on disk.
Quote, voucher and the receipt's check are the customer's and not in the figure; the chain is the law node.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from openledger_node.client.text import TextPurchases
from openledger_node.gateway.settling import SettlingRule
from tests.gateway.conftest import Running
from tests.gateway.test_text import MESSAGES, MODEL, add_text_model, open_text_channel
from tests.gateway.text_server import ScriptedServer
from tests.jobs.economy import InlinePool, open_economy, trained

Ask = Callable[[], Awaitable[Callable[[], Awaitable[Any]]]]
"""Prepares a request and returns what sends it."""


async def measure(requests: int, tokens: int) -> dict[str, Any]:
    """Milliseconds per request: medians of wall time and means of this process's CPU time."""
    with tempfile.TemporaryDirectory(prefix="openledger-bench-") as temporary:
        directory = Path(temporary)
        economy = await asyncio.to_thread(open_economy, directory, trained(str(directory / "trained")))
        await add_text_model(economy)
        server = ScriptedServer(answer="x" * tokens)
        await server.start()
        rule = SettlingRule(look_every_s=3_600.0)
        pool = InlinePool(economy.store)
        running = Running(economy, directory / "node", pool, rule, text_server=server)
        await running.start()
        purchases = await open_text_channel(economy, running)
        async with aiohttp.ClientSession() as session:
            found = await _compare(session, server, purchases, requests, tokens)
        await running.stop()
        await server.stop()
    return {"requests": requests, "tokens": tokens} | found


async def _compare(
    session: aiohttp.ClientSession,
    server: ScriptedServer,
    purchases: TextPurchases,
    requests: int,
    tokens: int,
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for stream in (False, True):
        body = {"messages": MESSAGES, "max_tokens": tokens, "stream": stream}
        direct = body | {"model": "base"}
        paid = body | {"model": MODEL}

        async def ask_directly(body: dict[str, Any] = direct) -> Callable[[], Awaitable[Any]]:
            return lambda: _read(session, f"{server.url}/v1/chat/completions", body, {})

        async def ask_gateway(body: dict[str, Any] = paid) -> Callable[[], Awaitable[Any]]:
            headers = await purchases.headers(body)
            url = f"{purchases._gateway.url}/v1/chat/completions"
            return lambda: _read(session, url, body, headers)

        figures = await _in_turns((ask_directly, ask_gateway), requests, purchases)
        name = "stream" if stream else "whole"
        found[name] = {"direct": figures[0], "gateway": figures[1]}
        found[name]["added_ms"] = round(figures[1]["median_ms"] - figures[0]["median_ms"], 2)
        found[name]["added_cpu_ms"] = round(figures[1]["cpu_ms"] - figures[0]["cpu_ms"], 2)
    return found


async def _in_turns(asks: Sequence[Ask], requests: int, purchases: TextPurchases) -> list[dict[str, float]]:
    """Each asked `requests` times, in turns, after one warm-up each."""
    for ask in asks:
        _accept(purchases, await (await ask())())
    wall_s: list[list[float]] = [[] for _ in asks]
    cpu_s = [0.0 for _ in asks]
    for _ in range(requests):
        for place, ask in enumerate(asks):
            send = await ask()
            start_s, start_cpu_s = time.perf_counter(), time.process_time()
            answer = await send()
            wall_s[place].append(time.perf_counter() - start_s)
            cpu_s[place] += time.process_time() - start_cpu_s
            _accept(purchases, answer)
    return [
        {
            "median_ms": round(1_000 * statistics.median(wall), 2),
            "cpu_ms": round(1_000 * cpu / requests, 2),
        }
        for wall, cpu in zip(wall_s, cpu_s, strict=True)
    ]


def _accept(purchases: TextPurchases, answer: tuple[dict[str, Any], str]) -> None:
    if answer[0]:
        purchases.accept(*answer)


async def _read(
    session: aiohttp.ClientSession, url: str, body: dict[str, Any], headers: dict[str, str]
) -> tuple[dict[str, Any], str]:
    """`x_openledger` and text of an answer, whichever way it comes."""
    async with session.post(url, json=body, headers=headers) as response:
        assert response.status == 200, await response.text()
        if not body["stream"]:
            answer = await response.json()
            return answer.get("x_openledger", {}), answer["choices"][0]["message"]["content"]
        paid, text = {}, ""
        async for line in response.content:
            if line.startswith(b"data: {"):
                chunk = json.loads(line[6:])
                text += chunk["choices"][0]["delta"].get("content") or ""
                paid = chunk.get("x_openledger", paid)
        return paid, text


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description="What the gateway adds to an answer.")
    parser.add_argument("--requests", type=int, default=30)
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options.requests, options.tokens)), indent=2))


if __name__ == "__main__":
    main()
