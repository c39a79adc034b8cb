"""How texts become vectors over HTTP: OpenAI's `/v1/embeddings` on the model that every worker carries, or on
an encoder that was trained on Datanets and registered (`model-<id>`).

The carried model is free within the rate limit, and so is an encoder without a price; one with a price is
paid by voucher (`embedding_calls`). Covered: texts and lists of texts, `float` and `base64`, shortened
vectors, usage. Not covered: token ids as input.
"""

import array
import asyncio
import base64
from typing import Any

from aiohttp import web

from openledger_node.client.metering import KEY_HEADER, VOUCHER_HEADER
from openledger_node.errors import UserError
from openledger_node.gateway.catalog import Catalog, CatalogEntry
from openledger_node.gateway.embedding_calls import Asked, EmbeddingCalls
from openledger_node.gateway.errors import NotFoundError, ParameterError, PaymentRequiredError
from openledger_node.gateway.http import json_response, read_json
from openledger_node.gateway.vouchers import decode_voucher
from openledger_node.jobs.ports import WorkerFailedError, WorkerLostError, WorkerPool
from workers.artifacts.store import ArtifactId
from workers.protocol import NO_ARTIFACT, EmbedRequest, EmbedResult
from workers.protocol.codec import from_json, to_json

EMBEDDING_MODEL = "all-minilm-l6-v2"
DIMENSIONS = 384
MAX_TEXTS = 256
PATIENCE_S = 60.0


class EmbeddingRoutes:
    def __init__(self, pool: WorkerPool, catalog: Catalog, calls: EmbeddingCalls) -> None:
        self._pool = pool
        self._catalog = catalog
        self._calls = calls

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/embeddings", self.embed)

    async def embed(self, request: web.Request) -> web.StreamResponse:
        """`{model, input}` with one text or several; vectors of unit length in the same order."""
        body = await read_json(request)
        entry = await self._entry(body.get("model"))
        asked = Asked(
            str(body["model"]),
            _texts(body.get("input")),
            _dimensions(body.get("dimensions")),
            _encoding(body.get("encoding_format")),
            str(body.get("encoding_format")),
        )
        manifest = NO_ARTIFACT if entry is None else ArtifactId(entry.manifest)

        async def make() -> EmbedResult:
            return await self._vectors(EmbedRequest(asked.texts, manifest))

        if entry is None or not entry.has_price:
            return json_response(asked.body(await make()))
        voucher = request.headers.get(VOUCHER_HEADER)
        if voucher is None:
            raise PaymentRequiredError(
                "missing_voucher",
                f"send a voucher in {VOUCHER_HEADER}",
                self._calls.terms(entry, sum((await make()).tokens)),
            )
        key = request.headers.get(KEY_HEADER, "")
        return json_response(await self._calls.answer(entry, asked, decode_voucher(voucher), key, make))

    async def _entry(self, model: Any) -> CatalogEntry | None:
        """A registered encoder, None for the model that workers carry; raises NotFoundError."""
        if model == EMBEDDING_MODEL:
            return None
        if not isinstance(model, str):
            raise NotFoundError(f"no embedding model {model!r}", f"there is {EMBEDDING_MODEL!r}")
        return await self._catalog.entry(model)

    async def _vectors(self, request: EmbedRequest) -> EmbedResult:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return from_json(EmbedResult, await self._pool.run("embed", to_json(request)))
        except WorkerFailedError as error:
            if error.failure == "invalid_input":
                raise UserError(error.message) from error
            raise
        except TimeoutError:
            raise WorkerLostError(f"no worker answered in {PATIENCE_S:.0f} s", "try again") from None


def _texts(value: Any) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not 1 <= len(texts) <= MAX_TEXTS:
        raise ParameterError("input", f"input must be a text or a list of 1 to {MAX_TEXTS} texts")
    if not all(isinstance(text, str) and text for text in texts):
        raise ParameterError(
            "input", "every input must be a text that is not empty", "token ids are not taken"
        )
    return tuple(texts)


def _dimensions(value: Any) -> int:
    if value is None:
        return DIMENSIONS
    if type(value) is not int or not 1 <= value <= DIMENSIONS:
        raise ParameterError("dimensions", f"dimensions must be a whole number from 1 to {DIMENSIONS}")
    return value


def _encoding(value: Any) -> Any:
    """How a vector is written: a list, or base64 of little-endian float32."""
    if value in (None, "float"):
        return list
    if value == "base64":
        return lambda vector: base64.b64encode(array.array("f", vector).tobytes()).decode()
    raise ParameterError("encoding_format", "encoding_format must be float or base64")
