"""How long an answer takes under load: `python -m benchmarks.serving.latency [--clients N] [--requests N]`.

A real server process on the project's small base (made once), and clients that ask again as soon as they are
answered: streams of random prompts' tokens over HTTP. Milliseconds by the clock: they are the machine's too.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from typing import Any

import aiohttp

from workers.text.base import make_base

PROMPT_TOKENS, ANSWER_TOKENS = 32, 32
FIRST_TOKEN_ID, LAST_TOKEN_ID = 3, 200
STEPS_OF_A_HUNDRED = 100


async def measure(clients: int, count: int) -> dict[str, Any]:
    """First tokens, gaps between tokens and whole answers, in milliseconds."""
    base = await asyncio.to_thread(make_base, "small")
    with tempfile.TemporaryDirectory(prefix="openledger-bench-") as artifacts:
        command = ["-m", "workers.serving.main", "--serve", str(base), "--artifacts", artifacts]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            "--listen",
            "127.0.0.1:0",
            "--threads",
            "1",
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().split()[-1]
        numbers = iter(range(count))
        found: list[tuple[float, list[float]]] = []
        async with aiohttp.ClientSession(url) as session:
            await asyncio.gather(*(_client(session, numbers, found) for _ in range(clients)))
        process.terminate()
        await process.wait()
    firsts = [times[0] - started for started, times in found]
    gaps = [later - earlier for _s, times in found for earlier, later in pairwise(times)]
    wholes = [times[-1] - started for started, times in found]
    figures = {"first_token_ms": firsts, "between_tokens_ms": gaps, "answer_ms": wholes}
    load = {"clients": clients, "requests": len(found), "load_average": round(os.getloadavg()[0], 1)}
    return load | {name: _percentiles(values) for name, values in figures.items()}


async def _client(
    session: aiohttp.ClientSession, numbers: Any, found: list[tuple[float, list[float]]]
) -> None:
    for number in numbers:
        tokens = random.Random(number).choices(range(FIRST_TOKEN_ID, LAST_TOKEN_ID), k=PROMPT_TOKENS)
        body = {"prompt": tokens, "max_tokens": ANSWER_TOKENS, "ignore_eos": True, "stream": True}
        times: list[float] = []
        started_s = time.perf_counter()
        async with session.post("/v1/completions", json=body | {"return_token_ids": True}) as response:
            assert response.status == 200, await response.text()
            async for line in response.content:
                if line.startswith(b"data: {"):
                    times.append(time.perf_counter())
        assert len(times) == ANSWER_TOKENS
        found.append((started_s, times))


def _percentiles(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=STEPS_OF_A_HUNDRED)
    return {"p50": round(1_000 * cuts[49], 1), "p99": round(1_000 * cuts[98], 1)}


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description="Latency of the OpenLoRA server under load.")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--requests", type=int, default=256)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options.clients, options.requests)), indent=2))


if __name__ == "__main__":
    main()
