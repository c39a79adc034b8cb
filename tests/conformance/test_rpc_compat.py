"""Requests and replies of the execution-apis test suite against our method table, and through the command.

Replies are compared deeply, error messages are not; a case marked `speconly` is compared by shape. Cases
that fail today are listed in `known_failures_rpc.txt`, which may only shrink: one that passes must leave it.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from openledger_node.clock import SystemClock
from openledger_node.rpc.context import ETHEREUM_TIPS, RpcContext
from openledger_node.rpc.dispatch import Dispatcher, RpcLimits
from openledger_node.rpc.feeds import Feeds
from openledger_node.rpc.methods import build_methods
from openledger_node.rpc.pool_service import PoolService
from tests.conformance.rpc_chain import load_chain

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("OPENLEDGER_SHARED", HERE.parents[1] / ".." / "shared"))
ARCHIVE = SHARED / "conformance" / "rpc-compat-prague.tar.xz"
KNOWN_FAILURES = HERE / "known_failures_rpc.txt"

Answer = Callable[[str], Awaitable[bytes | None]]

pytestmark = pytest.mark.skipif(not ARCHIVE.exists(), reason="the conformance archive is not here")


@dataclass(frozen=True)
class Case:
    name: str
    exchanges: tuple[tuple[Any, Any], ...]
    shape_only: bool


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rpc-compat")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(path, filter="data")
    return path


@pytest.fixture
async def dispatcher(folder: Path) -> AsyncIterator[Dispatcher]:
    chain, feeds = load_chain(folder), Feeds()
    pool = PoolService(chain, SystemClock(), feeds)
    pool.start()
    context = RpcContext(chain, pool, feeds, client_version="conformance", tips=ETHEREUM_TIPS, testing=True)
    made = Dispatcher(build_methods(context), RpcLimits())
    yield made
    made.close()
    pool.stop()


def cases(folder: Path) -> Iterator[Case]:
    for file in sorted(folder.glob("*/*.io")):
        lines = file.read_text().splitlines()
        asked = [json.loads(line[3:]) for line in lines if line.startswith(">> ")]
        told = [json.loads(line[3:]) for line in lines if line.startswith("<< ")]
        shape_only = any(line.startswith("// speconly:") for line in lines)
        name = f"{file.parent.name}/{file.stem}"
        yield Case(name, tuple(zip(asked, told, strict=True)), shape_only)


def known_failures() -> set[str]:
    lines = KNOWN_FAILURES.read_text().splitlines()
    return {line.split()[0] for line in lines if line and not line.startswith("#")}


async def test_cases_pass_but_for_the_known_failures(folder: Path, dispatcher: Dispatcher) -> None:
    await check_all(folder, dispatcher.answer)


@pytest.mark.slow
async def test_cases_pass_through_the_command(folder: Path, tmp_path: Path) -> None:
    """The same over HTTP, from the process that an operator starts; then again, from its store."""
    for _ in range(2):
        async with served(folder, tmp_path) as answer:
            await check_all(folder, answer)
        (tmp_path / "mempool.journal").unlink()


@contextlib.asynccontextmanager
async def served(folder: Path, datadir: Path) -> AsyncIterator[Answer]:
    port = free_port()
    files = ["--genesis", folder / "genesis.json", "--import", folder / "chain.rlp", "--datadir", datadir]
    command = [
        sys.executable,
        "-m",
        "openledger_node",
        "ethereum",
        *map(str, files),
        "--http.port",
        str(port),
    ]
    process = await asyncio.create_subprocess_exec(*command)
    try:
        async with aiohttp.ClientSession(headers={"Content-Type": "application/json"}) as session:

            async def answer(body: str) -> bytes:
                async with session.post(f"http://127.0.0.1:{port}", data=body) as response:
                    return await response.read()

            await until_it_serves(answer)
            yield answer
    finally:
        process.terminate()
        assert await process.wait() == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until_it_serves(answer: Answer) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                await answer('{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}')
                return
            await asyncio.sleep(0.1)


async def check_all(folder: Path, answer: Answer) -> None:
    failing: dict[str, str] = {}
    for case in cases(folder):
        difference = await first_difference(case, answer)
        if difference is not None:
            failing[case.name] = difference
    known = known_failures()
    new = {name: why for name, why in failing.items() if name not in known}
    assert new == {}, json.dumps(new, indent=1)
    present = {case.name for case in cases(folder)}
    assert sorted((known & present) - set(failing)) == [], "these pass now: take them off the list"


async def first_difference(case: Case, ask: Answer) -> str | None:
    for request, expected in case.exchanges:
        async with asyncio.timeout(30):
            answer = json.loads(await ask(json.dumps(request)) or b"null")
        if "error" in expected or "error" in answer:
            codes = [reply.get("error", {}).get("code") for reply in (expected, answer)]
            if codes[0] != codes[1]:
                return f"error code {codes[1]}, expected {codes[0]}: {str(answer)[:200]}"
            continue
        compare = shape_difference if case.shape_only else value_difference
        found = compare(expected["result"], answer["result"], "result")
        if found is not None:
            return found
    return None


def value_difference(expected: Any, got: Any, where: str) -> str | None:
    """Where two JSON values differ first; absent and null are different."""
    if isinstance(expected, dict) and isinstance(got, dict):
        if expected.keys() != got.keys():
            return f"{where}: fields {sorted(expected.keys() ^ got.keys())}"
        pairs = ((f"{where}.{name}", expected[name], got[name]) for name in expected)
        return next((found for w, e, g in pairs if (found := value_difference(e, g, w))), None)
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        items = enumerate(zip(expected, got, strict=True))
        return next(
            (found for i, (e, g) in items if (found := value_difference(e, g, f"{where}[{i}]"))), None
        )
    return None if expected == got else f"{where}: {str(got)[:100]}, expected {str(expected)[:100]}"


def shape_difference(expected: Any, got: Any, where: str) -> str | None:
    """Like `value_difference` for types and field names only; lists by their first items."""
    if isinstance(expected, dict) and isinstance(got, dict):
        missing = sorted(expected.keys() - got.keys())
        if missing:
            return f"{where}: without {missing}"
        pairs = ((f"{where}.{name}", expected[name], got[name]) for name in expected)
        return next((found for w, e, g in pairs if (found := shape_difference(e, g, w))), None)
    if isinstance(expected, list) and isinstance(got, list):
        return shape_difference(expected[0], got[0], f"{where}[0]") if expected and got else None
    same = isinstance(got, type(expected)) or isinstance(expected, int | float) == isinstance(
        got, int | float
    )
    return None if same else f"{where}: {type(got).__name__}, expected {type(expected).__name__}"
