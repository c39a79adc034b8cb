"""How the gateway talks to the server that runs language models, in vLLM's HTTP dialect.

Covered: tokenising, completions at once and as a stream, adapters loaded and unloaded, the server's refusals
told from its absence. Ending an iteration early closes the connection, which ends the generation.
Not covered: which model is asked for (`text_models`), what is billed (`text_calls`).
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from openledger_node.client.http import HttpClient
from openledger_node.errors import TemporaryError
from openledger_node.gateway.errors import ParameterError

TOKENIZE_PATH = "/tokenize"
LOAD_PATH, UNLOAD_PATH = "/v1/load_lora_adapter", "/v1/unload_lora_adapter"
ANSWER_PATIENCE_S = 600.0
SILENCE_S = 60.0
"""A stream that says nothing for so long is given up."""
SERVER_ERROR = 500
DONE = b"[DONE]"


class BackendLostError(TemporaryError):
    """The server is not there, broke off, or answered nonsense."""

    code = "OL-1323"


class BackendRefusedError(ParameterError):
    """The server says what is wrong with the request; `status` and `body` are its own."""

    code = "OL-1123"

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        error = body.get("error")
        said = error if isinstance(error, Mapping) else body
        parameter = said.get("param")
        named = parameter if isinstance(parameter, str) else None
        super().__init__(named, str(said.get("message", "no reason given")))
        self.status = status
        self.reason = str(said.get("code") or "invalid_request_error")


@dataclass(frozen=True, slots=True)
class Tokenized:
    """A prompt as the model sees it, and how many tokens prompt and answer may have together."""

    tokens: tuple[int, ...]
    context_tokens: int


class TextBackend(HttpClient):
    """A server by URL."""

    def __init__(self, url: str) -> None:
        super().__init__(ANSWER_PATIENCE_S)
        self.url = url.rstrip("/")

    async def models(self) -> list[dict[str, Any]]:
        """The server's own list. Raises BackendLostError."""
        answer = await self._call("GET", "/v1/models", None)
        return [model for model in answer.get("data", []) if isinstance(model, dict)]

    async def tokenize(self, body: Mapping[str, Any]) -> Tokenized:
        """`{model, messages | prompt}` as token ids. Raises BackendRefusedError, BackendLostError."""
        answer = await self._call("POST", TOKENIZE_PATH, body)
        tokens = answer.get("tokens")
        if not isinstance(tokens, list) or not all(type(token) is int for token in tokens):
            raise BackendLostError(f"{self.url}{TOKENIZE_PATH} gave no tokens")
        return Tokenized(tuple(tokens), int(answer.get("max_model_len") or 0))

    async def complete(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One answer at once. Raises BackendRefusedError, BackendLostError."""
        return await self._call("POST", path, body)

    async def load(self, name: str, path: str) -> None:
        await self._call("POST", LOAD_PATH, {"lora_name": name, "lora_path": path})

    async def unload(self, name: str) -> None:
        await self._call("POST", UNLOAD_PATH, {"lora_name": name})

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The answer's chunks until the server says that it is done; raises like `complete`.

        Close the iterator to end the generation.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_read=SILENCE_S)
        try:
            async with self._session.post(f"{self.url}{path}", json=body, timeout=timeout) as response:
                if response.status != 200:
                    _refuse(self.url, response.status, await response.read())
                async with aclosing(_events(response.content)) as events:
                    async for data in events:
                        if data == DONE:
                            return
                        yield _chunk(data, self.url)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise BackendLostError(f"{self.url} broke off ({error!r})", "try again") from error
        raise BackendLostError(f"{self.url} ended its answer without saying so", "try again")

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        try:
            async with self._session.request(method, f"{self.url}{path}", json=body) as response:
                data, status = await response.read(), response.status
        except (TimeoutError, aiohttp.ClientError) as error:
            raise BackendLostError(f"{self.url} gave no answer ({error!r})", "try again") from error
        if status != 200:
            _refuse(self.url, status, data)
        return _object(data)


async def _events(content: aiohttp.StreamReader) -> AsyncGenerator[bytes, None]:
    """The data of server-sent events, one line each as every server of this dialect writes them."""
    async for line in content:
        if line.startswith(b"data:"):
            yield line[5:].strip()


def _chunk(data: bytes, url: str) -> dict[str, Any]:
    chunk = _object(data)
    if "error" in chunk:
        raise BackendLostError(f"{url} broke off ({chunk['error']})", "try again")
    return chunk


def _refuse(url: str, status: int, data: bytes) -> None:
    """Raise what an answer that is not 200 means."""
    if status >= SERVER_ERROR or status == 429:
        raise BackendLostError(f"{url} answered {status}", "try again")
    raise BackendRefusedError(status, _object(data))


def _object(data: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(data) if data.strip() else {}
    except orjson.JSONDecodeError:
        parsed = {}
    return parsed if isinstance(parsed, dict) else {}
