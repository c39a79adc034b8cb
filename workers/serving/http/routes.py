"""The server's routes: OpenAI's and vLLM's paths, over one `Generator`.

Covered: whole and streamed answers, a client that goes away, adapters named by hash or by an operator, an
optional API key. Not covered: TLS and rate limits per customer (the gateway stands in front).
"""

import asyncio
import hmac
import json
from contextlib import aclosing
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from workers.artifacts.folders import store_folder
from workers.artifacts.store import ArtifactStore
from workers.errors import InvalidInputError
from workers.serving.adapters.library import PREFIX
from workers.serving.errors import (
    AdapterRefusedError,
    BadRequestError,
    DrainingError,
    EngineFailedError,
    ModelNotFoundError,
    RequestTimeoutError,
    ServingError,
    UnauthorizedError,
)
from workers.serving.http.answers import Answers, Json
from workers.serving.http.errors import Handler, error_body, errors_as_openai
from workers.serving.http.generation import Asked, Generator
from workers.serving.http.metrics import exposition
from workers.serving.http.schema import (
    ChatRequest,
    CompletionRequest,
    DetokenizeRequest,
    Endpoint,
    GenerationRequest,
    LoadAdapterRequest,
    TokenizeRequest,
    UnloadAdapterRequest,
)
from workers.serving.http.streaming import chunks_of, send

MAX_BODY_BYTES = 8 << 20
BODY_TIMEOUT_S = 30.0
OPEN_PATHS = ("/health", "/metrics", "/version", "/ping")
GENERATOR: web.AppKey[Generator] = web.AppKey("generator", Generator)


class Routes:
    """Builds the application. `folders` is where `lora_path` may point besides hashes; None for nowhere."""

    def __init__(
        self,
        generator: Generator,
        store: ArtifactStore,
        *,
        created_s: int,
        api_key: str,
        folders: Path | None,
    ) -> None:
        self._generator, self._store, self._created_s = generator, store, created_s
        self._api_key, self._folders = api_key, folders

    def application(self) -> web.Application:
        """The application, ready to be run."""
        application = web.Application(
            middlewares=[errors_as_openai, self._check_key], client_max_size=MAX_BODY_BYTES
        )
        application[GENERATOR] = self._generator
        application.add_routes(
            [
                web.get("/health", self.health),
                web.get("/ping", self.health),
                web.get("/version", self.version),
                web.get("/metrics", self.metrics),
                web.get("/v1/models", self.models),
                web.post("/v1/completions", self.completions),
                web.post("/v1/chat/completions", self.chat),
                web.post("/tokenize", self.tokenize),
                web.post("/detokenize", self.detokenize),
                web.post("/v1/load_lora_adapter", self.load_adapter),
                web.post("/v1/unload_lora_adapter", self.unload_adapter),
            ]
        )
        return application

    @web.middleware
    async def _check_key(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._api_key and request.path not in OPEN_PATHS:
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self._api_key.encode()):
                raise UnauthorizedError("the API key is missing or wrong")
        return await handler(request)

    # --- Status -------------------------------------------------------------------------------------------

    async def health(self, request: web.Request) -> web.Response:
        """200 while requests are taken."""
        if self._generator.is_draining:
            raise DrainingError("the server is shutting down")
        if not self._generator.engine.is_healthy:
            raise EngineFailedError("the engine is not running")
        return web.Response()

    async def version(self, request: web.Request) -> web.Response:
        """What answers here."""
        return web.json_response({"version": "openlora/1"})

    async def metrics(self, request: web.Request) -> web.Response:
        """Prometheus text."""
        return web.Response(text=exposition(self._generator), content_type="text/plain")

    async def models(self, request: web.Request) -> web.Response:
        """The base, and the adapters in use."""
        generator = self._generator
        base = self._card(generator.base_name, generator.base_name, None)
        names = generator.library.names()
        adapters = [self._card(name, PREFIX + folder, generator.base_name) for name, folder in names]
        return web.json_response({"object": "list", "data": [base, *adapters]})

    def _card(self, name: str, root: str, parent: str | None) -> Json:
        return {
            "id": name,
            "object": "model",
            "created": self._created_s,
            "owned_by": "openledger",
            "root": root,
            "parent": parent,
            "max_model_len": self._generator.limits.length,
        }

    # --- Generation ---------------------------------------------------------------------------------------

    async def completions(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/completions`."""
        return await self._generate(
            request, CompletionRequest.model_validate(await _body(request)), "completion"
        )

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/chat/completions`."""
        return await self._generate(request, ChatRequest.model_validate(await _body(request)), "chat")

    async def _generate(
        self, request: web.Request, wanted: GenerationRequest, endpoint: Endpoint
    ) -> web.StreamResponse:
        asked = await self._generator.prepare(wanted)
        answers = Answers(
            endpoint,
            asked.model,
            self._generator.tokenizer,
            asked.prompt,
            with_tokens=bool(wanted.return_token_ids),
        )
        if wanted.stream:
            return await self._stream(request, wanted, asked, answers)
        parts = await self._generator.whole(asked)
        return web.json_response(answers.whole(parts, asked.top_logprobs))

    async def _stream(
        self, request: web.Request, wanted: GenerationRequest, asked: Asked, answers: Answers
    ) -> web.StreamResponse:
        """Server-sent events; the first part is waited for, so that early failures have a status."""
        async with aclosing(self._generator.answers(asked)) as parts:
            first = await anext(parts)
            response = web.StreamResponse(headers={"Cache-Control": "no-cache"})
            response.content_type = "text/event-stream"
            response.charset = "utf-8"
            await response.prepare(request)
            try:
                async with aclosing(chunks_of(first, parts, wanted, asked, answers)) as chunks:
                    async for chunk in chunks:
                        await send(response, json.dumps(chunk))
            except ServingError as error:
                await send(response, json.dumps(error_body(error)))
            except ConnectionResetError:
                return response
            except TimeoutError:  # whoever does not read holds nobody up
                if request.transport is not None:
                    request.transport.abort()
                return response
            await send(response, "[DONE]")
            await response.write_eof()
        return response

    # --- Tokens -------------------------------------------------------------------------------------------

    async def tokenize(self, request: web.Request) -> web.Response:
        """`POST /tokenize`."""
        wanted = TokenizeRequest.model_validate(await _body(request))
        tokenizer = self._generator.tokenizer
        if wanted.messages is not None:
            chat = wanted.model_dump(include={"messages", "tools", "tool_choice", "add_generation_prompt"})
            tokens = self._generator.chat_tokens(ChatRequest.model_validate(chat))
        elif wanted.prompt is not None:
            tokens = tokenizer.encode(
                wanted.prompt, add_special_tokens=wanted.add_special_tokens is not False
            )
        else:
            raise BadRequestError("prompt or messages is needed", "prompt")
        return web.json_response(
            {
                "count": len(tokens),
                "max_model_len": self._generator.limits.length,
                "tokens": tokens,
                "token_strs": [tokenizer.piece(token) for token in tokens]
                if wanted.return_token_strs
                else None,
            }
        )

    async def detokenize(self, request: web.Request) -> web.Response:
        """`POST /detokenize`."""
        wanted = DetokenizeRequest.model_validate(await _body(request))
        if any(not 0 <= token < self._generator.limits.vocabulary for token in wanted.tokens):
            raise BadRequestError(f"tokens are 0 to {self._generator.limits.vocabulary - 1}", "tokens")
        return web.json_response({"prompt": self._generator.tokenizer.decode(wanted.tokens)})

    # --- Adapters -----------------------------------------------------------------------------------------

    async def load_adapter(self, request: web.Request) -> web.Response:
        """`POST /v1/load_lora_adapter`: give an adapter a name; `pin` keeps it in memory."""
        wanted = LoadAdapterRequest.model_validate(await _body(request))
        library = self._generator.library
        if wanted.lora_name == self._generator.base_name or wanted.lora_name.startswith(PREFIX):
            raise BadRequestError(f"{wanted.lora_name!r} is a name already taken", "lora_name")
        if library.has_alias(wanted.lora_name):
            raise BadRequestError(
                f"The lora adapter '{wanted.lora_name}' has already been loaded.", "lora_name"
            )
        folder = wanted.lora_path if wanted.lora_path.startswith(PREFIX) else self._stored(wanted.lora_path)
        resolved = await self._generator.adapter_of(folder)
        library.add_alias(wanted.lora_name, resolved, pin=wanted.pin)
        return web.Response(text=f"Success: LoRA adapter '{wanted.lora_name}' added successfully.")

    async def unload_adapter(self, request: web.Request) -> web.Response:
        """`POST /v1/unload_lora_adapter`; running requests finish with it."""
        wanted = UnloadAdapterRequest.model_validate(await _body(request))
        folder = self._generator.library.remove(wanted.lora_name)
        if folder is not None:
            slots = self._generator.engine.engine.slots
            self._generator.engine.call(lambda: slots.forget(folder))
        return web.Response(text=f"Success: LoRA adapter '{wanted.lora_name}' removed successfully.")

    def _stored(self, path: str) -> str:
        """A folder on this machine as an artefact; raises unless it lies where operators allow it."""
        if self._folders is None:
            raise BadRequestError(
                "lora_path must be sha256:<hex>; folders need --adapter-folders", "lora_path"
            )
        try:
            folder = Path(path).resolve()
        except ValueError as error:
            raise BadRequestError(f"lora_path is not a path: {error}", "lora_path") from error
        if not folder.is_relative_to(self._folders.resolve()):
            raise BadRequestError(f"lora_path must lie in {self._folders}", "lora_path")
        if not folder.is_dir():
            raise ModelNotFoundError(f"{path} is not a folder", "lora_path")
        try:
            return PREFIX + store_folder(self._store, folder)
        except InvalidInputError as error:
            raise AdapterRefusedError(str(error), "lora_path") from error


async def _body(request: web.Request) -> Any:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = orjson.loads(await request.read())
    except TimeoutError as error:
        raise RequestTimeoutError(f"the body did not arrive in {BODY_TIMEOUT_S:.0f} s") from error
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadRequestError("the body must be a JSON object")
    return body
