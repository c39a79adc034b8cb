"""How an answer's parts become server-sent events, with usage where it is asked for."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from aiohttp import web

from workers.serving.http.answers import Answers, Json
from workers.serving.http.generation import Asked
from workers.serving.http.parts import Part
from workers.serving.http.schema import GenerationRequest

WRITE_TIMEOUT_S = 60.0


async def chunks_of(
    first: tuple[int, Part],
    rest: AsyncIterator[tuple[int, Part]],
    wanted: GenerationRequest,
    asked: Asked,
    answers: Answers,
) -> AsyncGenerator[Json, None]:
    """The chunks of all choices as they come."""
    options = wanted.stream_options
    counts_always = bool(options and options.continuous_usage_stats)
    completion_tokens = 0

    def counted(chunk: Json) -> Json:
        if counts_always:
            return {**chunk, "usage": answers.usage(completion_tokens)}
        return {**chunk, "usage": None} if options and options.include_usage else chunk

    for number in range(asked.choices):
        opening = answers.first_chunk(number)
        if opening is not None:
            yield counted(opening)
    begun: set[int] = set()
    async for number, part in _chained(first, rest):
        completion_tokens += len(part.tokens)
        is_heard = part.text or part.calls or part.finish or wanted.return_token_ids
        if is_heard or asked.top_logprobs is not None:
            yield counted(answers.chunk(number, part, asked.top_logprobs, is_first=number not in begun))
        begun.add(number)
    if options and options.include_usage:
        yield answers.usage_chunk(completion_tokens)


async def _chained(
    first: tuple[int, Part], rest: AsyncIterator[tuple[int, Part]]
) -> AsyncIterator[tuple[int, Part]]:
    yield first
    async for part in rest:
        yield part


async def send(response: web.StreamResponse, data: str) -> None:
    """Write one event; raises TimeoutError when the client does not read."""
    async with asyncio.timeout(WRITE_TIMEOUT_S):
        await response.write(b"data: " + data.encode() + b"\n\n")
