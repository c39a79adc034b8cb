"""How language models are bought over HTTP: OpenAI's chat and completion endpoints, quotes, adapters.

Covered: `/v1/chat/completions`, `/v1/completions`, both streamed on request; `/v1/quotes`; adapters loaded
and unloaded, the base chosen, by the operator. Not covered: several answers a call (`n`), images.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from genesis.addresses import INFERENCE_METERING
from genesis.shares import receipt_fee
from openledger_node.client.errors import RemoteError
from openledger_node.errors import TemporaryError, UserError
from openledger_node.gateway.backend import BackendLostError, BackendRefusedError, TextBackend
from openledger_node.gateway.channels import Channels
from openledger_node.gateway.errors import PaymentRequiredError
from openledger_node.gateway.http import error_response, json_response, read_json
from openledger_node.gateway.payment_headers import PaymentHeaders, settled_header
from openledger_node.gateway.retrieval import Retrieval
from openledger_node.gateway.text_calls import CustomerGoneError, TextCall, TextCalls
from openledger_node.gateway.text_models import TextModel, TextModels
from openledger_node.gateway.text_requests import CHAT_PATH, COMPLETION_PATH, TextRequest, parse_request
from openledger_node.gateway.text_server import TextServer
from openledger_node.gateway.text_upstream import Upstream
from openledger_node.gateway.values import hex_data
from workers.artifacts.store import parse_id

GONE_POLL_S = 0.1
CLIENT_CLOSED_REQUEST = 499
SLOWEST_WRITE_S = 30.0
"""A customer that takes no bytes for so long is gone."""


class TextRoutes:
    def __init__(
        self,
        *,
        models: TextModels,
        calls: TextCalls,
        channels: Channels,
        server: TextServer,
        payments: PaymentHeaders,
        retrieval: Retrieval,
        chain_id: int,
    ) -> None:
        self._retrieval = retrieval
        self._payments = payments
        self._models = models
        self._calls = calls
        self._channels = channels
        self._server = server
        self._chain_id = chain_id
        self._backend: TextBackend | None = None

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_post(CHAT_PATH, self.complete)
        router.add_post(COMPLETION_PATH, self.complete)
        router.add_post("/v1/quotes", self.quote)
        router.add_post("/v1/load_lora_adapter", self.load)
        router.add_post("/v1/unload_lora_adapter", self.unload)
        router.add_post("/api/text/base", self.serve_base)
        router.add_get("/api/text", self.state)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """One paid answer, at once or as a stream; 402 says what the voucher must be."""
        asked = await self._retrieval.applied(parse_request(request.path, await read_json(request)))
        model = await self._models.find(asked.model)
        quote = lambda: self._quote(asked, model)  # noqa: E731 - asked only where needed
        payment = await self._payments.of(request, model.entry, quote)
        call = TextCall(asked, model, lambda: self._reach(model), payment)
        try:
            if asked.is_stream:
                return await self._stream(request, call)
            answer = await self._calls.answer(call, lambda: _gone(request))
            return json_response(answer, headers=settled_header(answer))
        except PaymentRequiredError as error:
            await self._payments.offer(error, request, model.entry, quote)
            raise
        except BackendRefusedError as error:
            said = error.status, "invalid_request_error", error.reason, str(error)
            return error_response(*said, parameter=error.parameter)
        except CustomerGoneError:
            return web.Response(status=CLIENT_CLOSED_REQUEST)

    async def quote(self, request: web.Request) -> web.StreamResponse:
        """The most a body of either endpoint can cost: `{messages | prompt, model, max_tokens}`."""
        body = await read_json(request)
        path = CHAT_PATH if "messages" in body else COMPLETION_PATH
        asked = await self._retrieval.applied(parse_request(path, body))
        model = await self._models.find(asked.model)
        return json_response(await self._quote(asked, model))

    async def load(self, request: web.Request) -> web.StreamResponse:
        """vLLM's shape, `{lora_name}` a model's name here: the adapter is ready before anybody asks."""
        model, backend = await self._adapter(request)
        await backend.load(model.entry.name, f"sha256:{model.folder}")
        return json_response({"status": "success", "model": model.entry.name})

    async def unload(self, request: web.Request) -> web.StreamResponse:
        model, backend = await self._adapter(request)
        await backend.unload(model.entry.name)
        return json_response({"status": "success", "model": model.entry.name})

    async def serve_base(self, request: web.Request) -> web.StreamResponse:
        """`{folder}`: serve the base with this hash, also after a restart."""
        folder = (await read_json(request)).get("folder")
        if not isinstance(folder, str):
            raise UserError("folder must name the base's folder by its hash")
        await self._server.serve(parse_id(folder))
        return await self.state(request)

    async def state(self, _request: web.Request) -> web.StreamResponse:
        """Which base is served, and what the server lists."""
        listed: list[dict[str, Any]] = []
        try:
            if self._server.url:
                listed = await self._connected().models()
        except BackendLostError:
            listed = []
        return json_response({"base": self._server.base, "ready": bool(listed), "models": listed})

    async def close(self) -> None:
        if self._backend is not None:
            await self._backend.close()

    async def _stream(self, request: web.Request, call: TextCall) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )

        async def send(chunks: Sequence[Mapping[str, Any]]) -> None:
            try:
                async with asyncio.timeout(SLOWEST_WRITE_S):
                    if not response.prepared:
                        await response.prepare(request)
                    await response.write(b"".join(b"data: %b\n\n" % orjson.dumps(each) for each in chunks))
            except (ConnectionError, TimeoutError) as error:
                raise CustomerGoneError("the customer went away") from error

        try:
            await self._calls.stream(call, send)
            await response.write(b"data: [DONE]\n\n")
        except (BackendLostError, PaymentRequiredError, TemporaryError, RemoteError) as error:
            if not response.prepared:
                raise
            code = error.reason if isinstance(error, PaymentRequiredError) else "interrupted"
            said = {"message": str(error), "type": "server_error", "code": code, "param": None}
            await send([{"error": said}])
        except ConnectionError as error:
            raise CustomerGoneError("the customer went away") from error
        return response

    async def _quote(self, asked: TextRequest, model: TextModel) -> dict[str, Any]:
        prompt, max_tokens = await (await self._reach(model)).measure(asked)
        prices = model.entry.model
        return {
            "model": asked.model,
            "modelId": model.entry.model_id,
            "provider": hex_data(self._channels.provider),
            "chainId": self._chain_id,
            "metering": hex_data(INFERENCE_METERING),
            "inputPrice": str(prices.input_price_wei),
            "outputPrice": str(prices.output_price_wei),
            "tokensIn": len(prompt),
            "tokensOut": max_tokens,
            "maximumFee": str(
                receipt_fee(len(prompt), max_tokens, prices.input_price_wei, prices.output_price_wei)
            ),
        }

    async def _adapter(self, request: web.Request) -> tuple[TextModel, TextBackend]:
        name = (await read_json(request)).get("lora_name")
        if not isinstance(name, str):
            raise UserError("lora_name must name a model", "GET /v1/models lists them")
        model = await self._models.find(name)
        if model.is_base:
            raise UserError(f"{name!r} is a base, not an adapter")
        return model, self._server_of(model)

    async def _reach(self, model: TextModel) -> Upstream:
        """The server that has a model; raises BackendLostError, UserError."""
        backend = self._server_of(model)
        return Upstream(backend, await self._models.upstream(model, backend))

    def _server_of(self, model: TextModel) -> TextBackend:
        if self._server.base and model.is_base and self._server.base != model.folder:
            raise UserError(f"{model.entry.name} is not the base that is served here")
        return self._connected()

    def _connected(self) -> TextBackend:
        url = self._server.url
        if not url:
            raise BackendLostError("no language model is served here", "see --gateway.text-url")
        if self._backend is None or self._backend.url != url.rstrip("/"):
            self._backend = TextBackend(url)
        return self._backend


async def _gone(request: web.Request) -> None:
    """Return when the customer has closed the connection."""
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(GONE_POLL_S)
