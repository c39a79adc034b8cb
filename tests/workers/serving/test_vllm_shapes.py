"""vLLM's bodies, as its source has them: the gateway's client reads them, and OpenLoRA answers with the same
fields. What only a running vLLM can show is checked by `dialect` against a URL.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from openledger_node.gateway.backend import BackendLostError, BackendRefusedError, TextBackend
from openledger_node.gateway.deliveries import Piece, joined
from openledger_node.gateway.text_answers import read_answer, read_part
from openledger_node.gateway.text_tools import CallPiece
from tests.workers.serving.conftest import Shelf
from tests.workers.serving.test_http import options
from workers.serving.server import Server

SHAPES: dict[str, Any] = json.loads((Path(__file__).parent / "vllm_shapes.json").read_text())
ASKED = {"prompt": "x", "messages": [{"role": "user", "content": "x"}], "max_tokens": 2}
TEXT, CHAT = "/v1/completions", "/v1/chat/completions"


@asynccontextmanager
async def replaying(answers: dict[str, web.Response]) -> AsyncIterator[TextBackend]:
    """A client of a server that answers each path with the given body."""

    async def answer(request: web.Request) -> web.Response:
        return answers[request.path]

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    backend = TextBackend(f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield backend
    await backend.close()
    await runner.cleanup()


async def test_the_gateway_reads_whole_answers() -> None:
    bodies = {
        "/v1/models": "models",
        "/tokenize": "tokenize",
        TEXT: "completion",
        CHAT: "chat",
    }
    answers = {path: web.json_response(SHAPES[name]) for path, name in bodies.items()}
    answers["/v1/load_lora_adapter"] = web.Response(text=SHAPES["loaded"])
    answers["/v1/unload_lora_adapter"] = web.Response(text=SHAPES["unloaded"])
    async with replaying(answers) as backend:
        assert [(one["id"], one["parent"]) for one in await backend.models()] == [
            ("base", None),
            ("mine", "base"),
        ]
        tokenized = await backend.tokenize(ASKED)
        assert (tokenized.tokens, tokenized.context_tokens) == ((9, 8, 7), 256)
        for path in (TEXT, CHAT):
            part = read_answer(await backend.complete(path, ASKED), is_chat=path == CHAT)
            assert (part.piece.tokens, part.piece.text) == ((1, 2), "ab")
        await backend.load("mine", "/adapters/mine")
        await backend.unload("mine")


async def test_the_gateway_reads_streams() -> None:
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in SHAPES["chat_chunks"]]
    whole = web.Response(text="".join([*lines, "data: [DONE]\n\n"]), content_type="text/event-stream")
    async with replaying({CHAT: whole}) as backend:
        parts = [read_part(chunk, is_chat=True) async for chunk in backend.stream(CHAT, ASKED)]
    present = [part for part in parts if part is not None]
    assert [part.piece.tokens for part in present] == [(), (1,), (2,)]
    assert "".join(part.piece.text for part in present) == "ab"
    assert present[-1].finish == "stop"


async def test_the_gateway_reads_calls_of_tools() -> None:
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in SHAPES["chat_tools_chunks"]]
    stream = web.Response(text="".join([*lines, "data: [DONE]\n\n"]), content_type="text/event-stream")
    async with replaying({CHAT: stream}) as backend:
        parts = [read_part(chunk, is_chat=True) async for chunk in backend.stream(CHAT, ASKED)]
    streamed = joined(part.piece for part in parts if part is not None)
    whole = read_answer(SHAPES["chat_tools"], is_chat=True).piece
    assert streamed == whole
    assert streamed == Piece((1, 2, 3), "", (CallPiece(0, "chatcmpl-tool-1", "weather", '{"city": "Oslo"}'),))


async def test_the_gateway_hears_of_errors_in_and_before_a_stream() -> None:
    broken = f"data: {json.dumps({'error': SHAPES['errors'][0]['error']})}\n\ndata: [DONE]\n\n"
    async with replaying({CHAT: web.Response(text=broken)}) as backend:
        with pytest.raises(BackendLostError, match="broke off"):
            [chunk async for chunk in backend.stream(CHAT, ASKED)]
    for shape in SHAPES["errors"]:
        refusal = web.json_response({"error": shape["error"]}, status=shape["status"])
        async with replaying({CHAT: refusal}) as backend:
            with pytest.raises(BackendRefusedError) as refused:
                await backend.complete(CHAT, ASKED)
        assert refused.value.status == shape["status"]
        assert shape["error"]["message"] in str(refused.value)
        assert refused.value.parameter == shape["error"]["param"]


NOT_OURS = {"permission", "prompt_logprobs", "prompt_tokens_details", "tool_calls"}
"""Fields of vLLM's that nobody here reads."""


def missing(shape: Any, found: Any, at: str = "") -> list[str]:
    """Fields of `shape` that `found` does not have, by their path."""
    if isinstance(shape, dict):
        own = [key for key in shape if key not in NOT_OURS]
        absent = [f"{at}.{key}" for key in own if key not in found]
        return absent + [
            field for key in own if key in found for field in missing(shape[key], found[key], f"{at}.{key}")
        ]
    if isinstance(shape, list) and shape and found:
        return missing(shape[0], found[0], f"{at}[0]")
    return []


async def test_open_lora_answers_with_the_same_fields(shelf: Shelf) -> None:
    server = await Server.open(options(shelf), shelf.store)
    asked = {"max_tokens": 2, "return_token_ids": True, "model": "base"}
    async with aiohttp.ClientSession(server.url) as session:

        async def post(path: str, body: dict[str, Any]) -> tuple[int, str]:
            async with session.post(path, json=body) as response:
                return response.status, await response.text()

        async with session.get("/v1/models") as response:
            assert not missing(SHAPES["models"], await response.json())
        for path, name, prompt in (
            ("/tokenize", "tokenize", {"prompt": "x"}),
            (TEXT, "completion", {"prompt": "x"}),
            (CHAT, "chat", {"messages": ASKED["messages"]}),
        ):
            _status, text = await post(path, {**asked, **prompt})
            assert not missing(SHAPES[name], json.loads(text)), path
        mine = {"lora_name": "mine", "lora_path": f"sha256:{shelf.hashes['some']}"}
        assert await post("/v1/load_lora_adapter", mine) == (200, SHAPES["loaded"])
        again, text = await post("/v1/load_lora_adapter", mine)
        assert again == SHAPES["errors"][2]["status"]
        assert "has already been loaded" in json.loads(text)["error"]["message"]
        assert await post("/v1/unload_lora_adapter", {"lora_name": "mine"}) == (200, SHAPES["unloaded"])
        for path, body, number in (
            (TEXT, {"model": "nobody", "prompt": "x"}, 0),
            ("/v1/unload_lora_adapter", {"lora_name": "nobody"}, 1),
        ):
            status, text = await post(path, body)
            error, known = json.loads(text)["error"], SHAPES["errors"][number]["error"]
            assert (status, error["message"]) == (SHAPES["errors"][number]["status"], known["message"])
            assert (error["type"], error["code"]) == (known["type"], known["code"])
    await server.close()
