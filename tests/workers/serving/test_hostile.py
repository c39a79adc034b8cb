"""The server among clients and disks that mean it ill: others are served, and everybody gets a reason."""

import asyncio
import errno
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from tests.workers.serving.conftest import Shelf
from tests.workers.serving.test_http import LONG, client_of, options, post
from workers.artifacts.store import ArtifactStore
from workers.serving.http import routes
from workers.serving.server import Server

FEW, IDLE_S = 16, 2.0
STORM = 60


@pytest.fixture
async def server(shelf: Shelf, tmp_path: Path) -> AsyncIterator[Server]:
    """A server with a copy of the shelf's artefacts, which may be spoilt."""
    store = ArtifactStore(tmp_path / "artifacts")
    for file in shelf.store.directory.iterdir():
        (store.directory / file.name).write_bytes(file.read_bytes())
    server = await Server.open(options(shelf, connections=FEW, idle_s=IDLE_S), store)
    yield server
    await server.close()


async def ask(server: Server, model: str = "base", **more: Any) -> str:
    asked: dict[str, Any] = {"prompt": "x", "max_tokens": 4, "temperature": 0, **more}
    async with client_of(server) as client:
        answer = await client.completions.create(model=model, **asked)
        return str(answer.choices[0].text)


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_slow_connections_end_and_others_are_served(server: Server, count: int) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    opened = [await asyncio.open_connection(host, int(port)) for _ in range(count)]
    for _reader, writer in opened:
        writer.write(b"POST /v1/completions HTTP/1.1\r\nX-Slow: ")  # and never another byte

    async def heard(reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readline()
        except ConnectionError:
            return b"reset"

    async with asyncio.timeout(60):
        lines = await asyncio.gather(*(heard(reader) for reader, _writer in opened))
    assert sum(b"503" in line or line == b"reset" for line in lines) >= count // 2
    assert b"" in lines, "the first ones were not closed for being idle"
    assert await ask(server)
    for _reader, writer in opened:
        writer.close()


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe{}",
        b'{"prompt": "\xc3"}',
        b'{"prompt": "\\ud800"}',
        b"[" * 200_000,
        b'{"max_tokens": ' + b"9" * 10_000 + b"}",
        b'{"prompt": "x", "model": "\\ud800"}',
        b"\0" * 100,
        b"",
    ],
    ids=["bytes", "half", "surrogate", "deep", "digits", "model", "zeros", "nothing"],
)
async def test_bodies_that_are_none_get_a_reason(server: Server, body: bytes) -> None:
    status, answer = await post(server, "/v1/completions", body)
    assert status in {400, 404}
    assert answer["error"]["message"]
    assert await ask(server)


async def test_a_huge_body_is_not_read(server: Server) -> None:
    status, answer = await post(server, "/v1/completions", b"x" * (routes.MAX_BODY_BYTES + 1))
    assert status == 413
    assert answer["error"]["code"] == 413
    assert await ask(server)


async def test_a_slow_body_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "BODY_TIMEOUT_S", 0.1)

    async def trickle() -> AsyncIterator[bytes]:
        yield b'{"prompt":'
        await asyncio.sleep(5)

    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.url}/v1/completions", data=trickle()) as response,
    ):
        assert response.status == 408
        assert (await response.json())["error"]["type"] == "RequestTimeoutError"


async def test_a_storm_of_cancellations_leaves_nothing_behind(shelf: Shelf) -> None:
    server = await Server.open(options(shelf), shelf.store)
    models = ["base", *(f"sha256:{folder}" for folder in shelf.hashes.values())]
    before = await ask(server)

    async def give_up(number: int) -> None:
        async with client_of(server) as client:
            asking = client.completions.create(
                model=models[number % len(models)], prompt="x", stream=True, **LONG
            )
            try:
                async with asyncio.timeout(0.01 * number):
                    async for _chunk in await asking:
                        pass
            except TimeoutError:
                return

    await asyncio.gather(*(give_up(number) for number in range(STORM)))
    async with asyncio.timeout(20):
        while server.generator.engine.open_sequences or server.generator.open_requests:
            await asyncio.sleep(0.01)
    assert not server.generator.engine.engine.slots._users
    assert await ask(server) == before
    await server.close()


async def test_an_adapter_swapped_on_disk_is_never_computed(server: Server, shelf: Shelf) -> None:
    library, model = server.generator.library, f"sha256:{shelf.hashes['some']}"
    before = await ask(server, model)
    other = await asyncio.to_thread(library.resolve, f"sha256:{shelf.hashes['everything']}")
    path = library._store.path(library._known[library.folder_of(model)].tensors)
    path.write_bytes(library._store.get(library._known[other].tensors))
    assert await ask(server, model) == before  # what is loaded stays what it is
    status, _text = await post(server, "/v1/unload_lora_adapter", json.dumps({"lora_name": model}))
    assert status == 200
    with pytest.raises(openai.NotFoundError, match="hashes to"):
        await ask(server, model)
    assert await ask(server)


async def test_a_full_disk_is_a_reason_and_not_an_end(
    server: Server, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(server.generator.library._store, "get", full)
    with pytest.raises(openai.InternalServerError, match="No space left") as failed:
        await ask(server, f"sha256:{shelf.hashes['attention']}")
    assert failed.value.status_code == 503
    monkeypatch.undo()
    assert await ask(server, f"sha256:{shelf.hashes['attention']}")


async def test_a_disk_that_fails_under_a_known_adapter_ends_its_request(
    server: Server, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, model = server.generator.library, f"sha256:{shelf.hashes['attention']}"
    folder = await asyncio.to_thread(library.resolve, model)
    with library._lock:
        library._drop(folder)

    def broken(*arguments: Any) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(library._store, "get", broken)
    async with asyncio.timeout(20):
        with pytest.raises(openai.InternalServerError, match="Input/output"):
            await ask(server, model)
