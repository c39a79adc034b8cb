"""Several answers to one prompt: each as if it were asked for alone, together in one body or one stream."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from tests.workers.serving.conftest import Shelf
from tests.workers.serving.test_http import client_of, options
from workers.serving.server import Server

COUNT = 5
LONG_PROMPT = list(range(3, 63))


@pytest.fixture
async def server(shelf: Shelf) -> AsyncIterator[Server]:
    server = await Server.open(options(shelf), shelf.store)
    yield server
    await server.close()


def asked(shelf: Shelf, **more: Any) -> dict[str, Any]:
    model = f"sha256:{shelf.hashes['some']}"
    extra = {"return_token_ids": True, "ignore_eos": True}
    return {"model": model, "prompt": LONG_PROMPT, "max_tokens": 8, "seed": 40, "extra_body": extra, **more}


async def alone(server: Server, shelf: Shelf) -> list[str]:
    async with client_of(server) as client:
        answers = [
            await client.completions.create(**asked(shelf, seed=40 + number)) for number in range(COUNT)
        ]
    return [answer.choices[0].text for answer in answers]


async def test_each_choice_is_what_its_seed_gives_alone(server: Server, shelf: Shelf) -> None:
    async with client_of(server) as client:
        answer = await client.completions.create(**asked(shelf, n=COUNT, logprobs=1))
    assert [choice.index for choice in answer.choices] == list(range(COUNT))
    texts = [choice.text for choice in answer.choices]
    assert texts == await alone(server, shelf)
    assert len(set(texts)) > 1
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (len(LONG_PROMPT), 8 * COUNT)
    for choice in answer.choices:
        assert choice.logprobs is not None
        assert choice.logprobs.text_offset is not None
        assert choice.logprobs.text_offset[0] == 0
    assert server.generator.engine.statistics().prompt_tokens < COUNT * len(LONG_PROMPT)


async def test_a_stream_has_all_choices(server: Server, shelf: Shelf) -> None:
    texts, ends = [""] * COUNT, [""] * COUNT
    prompts = 0
    async with client_of(server) as client:
        stream = await client.completions.create(
            **asked(shelf, n=COUNT, stream=True, stream_options={"include_usage": True})
        )
        async for chunk in stream:
            for choice in chunk.choices:
                texts[choice.index] += choice.text
                ends[choice.index] = choice.finish_reason or ends[choice.index]
                prompts += "prompt_token_ids" in (choice.model_extra or {})
            usage = chunk.usage
    assert texts == await alone(server, shelf)
    assert ends == ["length"] * COUNT
    assert prompts == COUNT
    assert usage is not None
    assert usage.completion_tokens == 8 * COUNT


async def test_a_chat_has_a_role_for_each_choice(server: Server) -> None:
    body: dict[str, Any] = {"model": "base", "messages": [{"role": "user", "content": "x"}], "max_tokens": 3}
    async with client_of(server) as client:
        whole = await client.chat.completions.create(**body, n=3, temperature=0)
        stream = await client.chat.completions.create(**body, n=3, temperature=0, stream=True)
        roles = [choice.index async for chunk in stream for choice in chunk.choices if choice.delta.role]
    assert len({choice.message.content for choice in whole.choices}) == 1
    assert roles == [0, 1, 2]


async def test_who_leaves_ends_all_choices(server: Server, shelf: Shelf) -> None:
    async with client_of(server) as client:
        stream = await client.completions.create(**asked(shelf, n=COUNT, max_tokens=150, stream=True))
        async for _chunk in stream:
            break
        await stream.close()
    while server.generator.open_requests:
        await asyncio.sleep(0.01)
    assert not server.generator.engine.engine.slots._users


async def test_more_choices_than_the_queue_takes_are_refused(shelf: Shelf) -> None:
    server = await Server.open(options(shelf, queue=4), shelf.store)
    async with client_of(server) as client:
        with pytest.raises(openai.RateLimitError):
            await client.completions.create(**asked(shelf, n=COUNT))
        answer = await client.completions.create(**asked(shelf, n=4))
    assert len(answer.choices) == 4
    await server.close()
