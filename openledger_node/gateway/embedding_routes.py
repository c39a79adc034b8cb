"""How texts become vectors over HTTP: OpenAI's `/v1/embeddings` on the model that every worker carries, or on
an encoder that was trained on Datanets and registered (`model-<id>`).

Free within the rate limit. Covered: texts and lists of texts, `float` and `base64`, shortened vectors, usage.
Not covered: token ids as input; payment, since a vector alone has no answer to attribute.
"""

import array
import asyncio
import base64
import math
from typing import Any

from aiohttp import web

from openledger_node.client.economy import EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.errors import UserError
from openledger_node.gateway.errors import NotFoundError
from openledger_node.gateway.http import json_response, read_json
from openledger_node.jobs.ports import WorkerFailedError, WorkerLostError, WorkerPool
from workers.artifacts.store import ArtifactId
from workers.jobs.codec import from_json, to_json
from workers.jobs.types import NO_ARTIFACT, EmbedRequest, EmbedResult

EMBEDDING_MODEL = "all-minilm-l6-v2"
DIMENSIONS = 384
MAX_TEXTS = 256
PATIENCE_S = 60.0
MOST_DIGITS = 20
"""Of a model's id."""


class EmbeddingRoutes:
    def __init__(self, pool: WorkerPool, reader: EconomyReader) -> None:
        self._pool = pool
        self._reader = reader

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/embeddings", self.embed)

    async def embed(self, request: web.Request) -> web.StreamResponse:
        """`{model, input}` with one text or several; vectors of unit length in the same order."""
        body = await read_json(request)
        manifest = await self._manifest_of(body.get("model"))
        texts, dimensions = _texts(body.get("input")), _dimensions(body.get("dimensions"))
        encode = _encoding(body.get("encoding_format"))
        made = await self._vectors(EmbedRequest(texts, manifest))
        total = sum(made.tokens)
        return json_response(
            {
                "object": "list",
                "model": body["model"],
                "data": [
                    {
                        "object": "embedding",
                        "index": place,
                        "embedding": encode(shortened(vector, dimensions)),
                    }
                    for place, vector in enumerate(made.vectors)
                ],
                "usage": {"prompt_tokens": total, "total_tokens": total},
            }
        )

    async def _manifest_of(self, model: Any) -> ArtifactId:
        """The manifest of a registered encoder, "" for the model that workers carry; raises NotFoundError."""
        if model == EMBEDDING_MODEL:
            return NO_ARTIFACT
        digits = model.removeprefix("model-") if isinstance(model, str) else ""
        if not (digits.isascii() and digits.isdecimal() and len(digits) < MOST_DIGITS):
            raise NotFoundError(f"no embedding model {model!r}", f"there is {EMBEDDING_MODEL!r}")
        try:
            found = await self._reader.model(int(digits))
        except RevertedError:
            raise NotFoundError(f"no model {model!r} is registered") from None
        return ArtifactId(found.manifest_hash.hex())

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


def shortened(vector: tuple[float, ...], dimensions: int) -> list[float]:
    """The first coordinates, at unit length again."""
    part = vector[:dimensions]
    length = math.sqrt(sum(value * value for value in part)) or 1.0
    return [value / length for value in part]


def _texts(value: Any) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not 1 <= len(texts) <= MAX_TEXTS:
        raise UserError(f"input must be a text or a list of 1 to {MAX_TEXTS} texts")
    if not all(isinstance(text, str) and text for text in texts):
        raise UserError("every input must be a text that is not empty", "token ids are not taken")
    return tuple(texts)


def _dimensions(value: Any) -> int:
    if value is None:
        return DIMENSIONS
    if type(value) is not int or not 1 <= value <= DIMENSIONS:
        raise UserError(f"dimensions must be a whole number from 1 to {DIMENSIONS}")
    return value


def _encoding(value: Any) -> Any:
    """How a vector is written: a list, or base64 of little-endian float32."""
    if value in {None, "float"}:
        return list
    if value == "base64":
        return lambda vector: base64.b64encode(array.array("f", vector).tobytes()).decode()
    raise UserError("encoding_format must be float or base64")
