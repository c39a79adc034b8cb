"""How texts become vectors over HTTP: OpenAI's `/v1/embeddings` on the model that every worker carries.

Free within the rate limit: no channel can pay for a model without a feature index, and nobody here
contributed to this one. Covered: texts and lists of texts, `float` and `base64`, shortened vectors, usage.
Not covered: token ids as input, embedding models that were trained here.
"""

import array
import asyncio
import base64
import math
from typing import Any

from aiohttp import web

from openledger_node.errors import UserError
from openledger_node.gateway.errors import NotFoundError
from openledger_node.gateway.http import json_response, read_json
from openledger_node.jobs.ports import WorkerLostError, WorkerPool
from workers.jobs.codec import from_json, to_json
from workers.jobs.types import EmbedRequest, EmbedResult

EMBEDDING_MODEL = "all-minilm-l6-v2"
DIMENSIONS = 384
MAX_TEXTS = 256
PATIENCE_S = 60.0


class EmbeddingRoutes:
    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/embeddings", self.embed)

    async def embed(self, request: web.Request) -> web.StreamResponse:
        """`{model, input}` with one text or several; vectors of unit length in the same order."""
        body = await read_json(request)
        if body.get("model") != EMBEDDING_MODEL:
            raise NotFoundError(f"no embedding model {body.get('model')!r}", f"there is {EMBEDDING_MODEL!r}")
        texts, dimensions = _texts(body.get("input")), _dimensions(body.get("dimensions"))
        encode = _encoding(body.get("encoding_format"))
        made = await self._vectors(texts)
        total = sum(made.tokens)
        return json_response(
            {
                "object": "list",
                "model": EMBEDDING_MODEL,
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

    async def _vectors(self, texts: tuple[str, ...]) -> EmbedResult:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return from_json(EmbedResult, await self._pool.run("embed", to_json(EmbedRequest(texts))))
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
