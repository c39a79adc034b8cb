"""How an answer's parts become server-sent events, with usage where it is asked for."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from aiohttp import web

from workers.serving.http.answers import Answers, Json, Part
from workers.serving.http.generation import Asked
from workers.serving.http.schema import GenerationRequest

WRITE_TIMEOUT_S = 60.0


async def chunks_of(
    first: Part,
    rest: AsyncIterator[Part],
    wanted: GenerationRequest,
    asked: Asked,
    answers: Answers,
) -> AsyncGenerator[Json, None]:
    """The chunks of one answer, in order."""
    options = wanted.stream_options
    counts_always = bool(options and options.continuous_usage_stats)
    completion_tokens = 0

    def counted(chunk: Json) -> Json:
        if counts_always:
            return {**chunk, "usage": answers.usage(completion_tokens)}
        return {**chunk, "usage": None} if options and options.include_usage else chunk

    opening = answers.first_chunk()
    if opening is not None:
        yield counted(opening)
    async for part, is_first in _numbered(first, rest):
        completion_tokens += len(part.tokens)
        if part.text or part.finish or wanted.return_token_ids or asked.top_logprobs is not None:
            yield counted(answers.chunk(part, asked.top_logprobs, is_first=is_first))
    if options and options.include_usage:
        yield answers.usage_chunk(completion_tokens)


async def _numbered(first: Part, rest: AsyncIterator[Part]) -> AsyncIterator[tuple[Part, bool]]:
    yield first, True
    async for part in rest:
        yield part, False


async def send(response: web.StreamResponse, data: str) -> None:
    """Write one event; raises TimeoutError when the client does not read."""
    async with asyncio.timeout(WRITE_TIMEOUT_S):
        await response.write(b"data: " + data.encode() + b"\n\n")
