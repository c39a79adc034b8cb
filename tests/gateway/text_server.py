"""A server of the language model dialect for tests: counts bytes as tokens and answers from a fixed text.

It stands in for OpenLoRA's place, so that it can break off where a test wants it to. `tests/gateway/
test_open_lora.py` runs the gateway on the real one.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from workers.serving.tools.calls import CallPiece, CallStream

ANSWER = "The quick brown fox jumps over the lazy dog, again and again, until somebody stops it."
CONTEXT_TOKENS = 512


@dataclass
class ScriptedServer:
    """`break_after` closes the connection behind so many tokens; `pause_s` lies before each."""

    answer: str = ANSWER
    lines: list[str] = field(default_factory=list)
    """Answers to give first, one a call."""
    context_tokens: int = CONTEXT_TOKENS
    break_after: int | None = None
    pause_s: float = 0.0
    asked: list[dict[str, Any]] = field(default_factory=list)
    cancelled: int = 0
    running: int = 0
    url: str = ""
    base: str = ""
    _runner: web.AppRunner | None = None

    async def serve(self, folder: str) -> None:
        self.base = folder

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/tokenize", self._tokenize)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_post("/v1/completions", self._complete)
        app.router.add_post("/v1/load_lora_adapter", self._adapter)
        app.router.add_post("/v1/unload_lora_adapter", self._adapter)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _models(self, _request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "base", "object": "model"}]})

    async def _adapter(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        return web.Response(text="Success")

    async def _tokenize(self, request: web.Request) -> web.Response:
        body = await request.json()
        if isinstance(body.get("prompt"), list):
            refusal = {"message": "prompt: Input should be a valid string", "code": 400}
            return web.json_response({"error": refusal}, status=400)
        tokens = _tokens(body)
        return web.json_response(
            {"count": len(tokens), "tokens": tokens, "max_model_len": self.context_tokens}
        )

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        if body.get("temperature", 1.0) > 2.0:
            refusal = {"message": "temperature is at most 2", "type": "BadRequestError", "code": 400}
            return web.json_response({"error": refusal}, status=400)
        is_chat = request.path == "/v1/chat/completions"
        said = (self.lines.pop(0) if self.lines else self.answer).encode()[: body["max_tokens"]]
        finish = "length" if len(said) == body["max_tokens"] else "stop"
        self.running += 1
        try:
            if body.get("stream"):
                calls = CallStream() if body.get("tools") else None
                return await self._stream(request, said, finish, calls, is_chat=is_chat)
            await asyncio.sleep(self.pause_s * len(said))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if self.break_after is not None and request.transport is not None:
            request.transport.abort()
        choice: dict[str, Any] = {"text": said.decode()}
        if is_chat:
            words, made = _spoken(CallStream() if body.get("tools") else None, said.decode())
            choice = {"message": {"role": "assistant", "content": words or None, "tool_calls": made}}
            finish = "tool_calls" if made and finish == "stop" else finish
        choice |= {"index": 0, "finish_reason": finish, "logprobs": None, "token_ids": list(said)}
        usage = {"prompt_tokens": len(_tokens(body)), "completion_tokens": len(said)}
        return web.json_response({"choices": [choice], "usage": usage})

    async def _stream(
        self, request: web.Request, said: bytes, finish: str, calls: CallStream | None, *, is_chat: bool
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for place, byte in enumerate(said):
            if place == self.break_after and request.transport is not None:
                await asyncio.sleep(0.1)  # what was written has arrived
                request.transport.abort()
                return response
            await asyncio.sleep(self.pause_s)
            is_last = place == len(said) - 1
            words, made = _spoken(calls, chr(byte))
            delta: dict[str, Any] = {"content": words} | ({"tool_calls": made} if made else {})
            choice: dict[str, Any] = {"delta": delta} if is_chat else {"text": words}
            reason = "tool_calls" if calls and calls.begun and finish == "stop" else finish
            choice |= {"index": 0, "finish_reason": reason if is_last else None, "token_ids": [byte]}
            await response.write(b"data: " + orjson.dumps({"choices": [choice]}) + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response


def _spoken(calls: CallStream | None, text: str) -> tuple[str, list[dict[str, Any]]]:
    """Words and calls of tools, as vLLM writes them in deltas."""
    if calls is None:
        return text, []
    said = calls.add(text)
    return said.content, [_call(piece) for piece in said.calls]


def _call(piece: CallPiece) -> dict[str, Any]:
    if not piece.name:
        return {"index": piece.index, "function": {"arguments": piece.arguments}}
    function = {"name": piece.name, "arguments": piece.arguments}
    return {"index": piece.index, "id": piece.id, "type": "function", "function": function}


def _tokens(body: dict[str, Any]) -> list[int]:
    if "messages" in body:
        said = "".join(f"{m['role']}: {m['content']}\n" for m in body["messages"])
        return list((said + "".join(str(tool) for tool in body.get("tools", []))).encode())
    prompt = body["prompt"]
    return list(prompt.encode()) if isinstance(prompt, str) else list(prompt)
