"""The dialect of vLLM that our gateway relies on, as checks against any server by URL.

`python -m tests.workers.serving.dialect URL [--adapter NAME] [--tools]` runs them against a server that is
already up: OpenLoRA, or `vllm serve BASE --enable-lora` in its place (with `--tools` and
`--enable-auto-tool-choice --tool-call-parser hermes`, for a base whose chat template knows tools).
"""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import openai
import pytest

PROMPT = "The quick brown fox"
MESSAGES: list[Any] = [{"role": "user", "content": "Say something."}]
TOKEN_IDS = {"return_token_ids": True}
SWITCH = {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]}
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {"name": "set_switch", "parameters": {**SWITCH, "additionalProperties": False}},
    }
]
NAMED: Any = {"type": "function", "function": {"name": "set_switch"}}
CALLED: Any = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "set_switch", "arguments": '{"on": true}'}}
    ],
}
RESULT: Any = {"role": "tool", "tool_call_id": "call_1", "content": "It is on."}


class Dialect:
    """One server under test; `model` is what is asked for: its base or an adapter."""

    def __init__(self, url: str, model: str, key: str = "none") -> None:
        self.url, self.model = url.rstrip("/"), model
        self.client = openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0)

    async def models(self) -> None:
        """The base is listed with its context; adapters name it as their parent."""
        models = [model.model_dump() for model in (await self.client.models.list()).data]
        base = models[0]
        assert base["object"] == "model"
        assert base["max_model_len"] > 0
        assert all(one["parent"] == base["id"] for one in models[1:])

    async def health(self) -> None:
        """200 without a body to read."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/health") as response:
            assert response.status == 200

    async def tokens(self) -> None:
        """`/tokenize` counts as completions do, for prompts and for messages."""
        counted = await self._post("/tokenize", {"model": self.model, "prompt": PROMPT})
        assert counted["count"] == len(counted["tokens"])
        assert counted["max_model_len"] > 0
        answer = await self.client.completions.create(
            model=self.model, prompt=PROMPT, max_tokens=1, extra_body=TOKEN_IDS
        )
        assert answer.usage is not None
        assert answer.usage.prompt_tokens == counted["count"]
        assert answer.choices[0].model_dump()["prompt_token_ids"] == counted["tokens"]

    async def chat_tokens(self) -> None:
        """A chat's prompt tokens are those of `/tokenize` with messages."""
        counted = await self._post("/tokenize", {"model": self.model, "messages": MESSAGES})
        answer = await self.client.chat.completions.create(
            model=self.model, messages=MESSAGES, max_tokens=2, extra_body=TOKEN_IDS
        )
        assert answer.usage is not None
        assert answer.usage.prompt_tokens == counted["count"]
        assert answer.model_dump()["prompt_token_ids"] == counted["tokens"]
        assert len(answer.choices[0].model_dump()["token_ids"]) == answer.usage.completion_tokens

    async def streams_are_the_answer(self) -> None:
        """Chunks join to what comes whole for the same seed; the last one has the usage."""
        asked: Any = {"model": self.model, "prompt": PROMPT, "max_tokens": 12, "seed": 5, "temperature": 1.0}
        whole = await self.client.completions.create(**asked, extra_body=TOKEN_IDS)
        stream = await self.client.completions.create(
            **asked, stream=True, stream_options={"include_usage": True}, extra_body=TOKEN_IDS
        )
        chunks = [chunk async for chunk in stream]
        texts = [chunk.choices[0].text for chunk in chunks if chunk.choices]
        tokens = [
            token for chunk in chunks for one in chunk.choices for token in one.model_dump()["token_ids"]
        ]
        assert "".join(texts) == whole.choices[0].text
        assert tokens == whole.choices[0].model_dump()["token_ids"]
        assert chunks[-1].choices == []
        assert chunks[-1].usage == whole.usage
        assert all(chunk.usage is None for chunk in chunks[:-1])
        reasons = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
        assert reasons[-1] == whole.choices[0].finish_reason
        assert not any(reasons[:-1])

    async def chat_streams(self) -> None:
        """The first chunk has the role, the last a finish reason."""
        stream = await self.client.chat.completions.create(
            model=self.model, messages=MESSAGES, max_tokens=4, stream=True, temperature=0
        )
        chunks = [chunk async for chunk in stream]
        assert chunks[0].choices[0].delta.role == "assistant"
        assert chunks[-1].choices[0].finish_reason in {"stop", "length"}
        assert len({chunk.id for chunk in chunks}) == 1

    async def logprobs(self) -> None:
        """One entry per token, the alternatives likeliest first."""
        chat = await self.client.chat.completions.create(
            model=self.model, messages=MESSAGES, max_tokens=3, logprobs=True, top_logprobs=2, temperature=0
        )
        content = chat.choices[0].logprobs
        assert content is not None
        assert content.content is not None
        assert chat.usage is not None
        assert len(content.content) == chat.usage.completion_tokens
        for entry in content.content:
            assert entry.logprob <= 0
            assert entry.top_logprobs[0].logprob >= entry.top_logprobs[1].logprob
            assert abs(entry.top_logprobs[0].logprob - entry.logprob) < 1e-4

    async def stops(self) -> None:
        """A stop string is not part of the text."""
        asked: Any = {"model": self.model, "prompt": PROMPT, "max_tokens": 16, "temperature": 0}
        text = (await self.client.completions.create(**asked)).choices[0].text
        stop = text[len(text) // 2 :][:2]
        stopped = (await self.client.completions.create(**asked, stop=[stop])).choices[0]
        assert stopped.text == text[: text.index(stop)]
        assert stopped.finish_reason == "stop"

    async def tools_that_must_be_called(self) -> None:
        """A named tool is called with arguments of its schema, whole and streamed; its tokens are counted."""
        counted = await self._post(
            "/tokenize", {"model": self.model, "messages": MESSAGES, "tools": TOOLS, "tool_choice": NAMED}
        )
        asked: Any = {"model": self.model, "messages": MESSAGES, "tools": TOOLS, "tool_choice": NAMED}
        asked |= {"max_tokens": 128, "temperature": 0}
        whole = await self.client.chat.completions.create(**asked, extra_body=TOKEN_IDS)
        assert whole.usage is not None
        assert whole.usage.prompt_tokens == counted["count"]
        choice: Any = whole.choices[0]
        (call,) = choice.message.tool_calls
        assert call.function.name == "set_switch"
        assert set(json.loads(call.function.arguments)) == {"on"}
        assert choice.finish_reason in {"tool_calls", "stop"}, "vLLM says stop where the tool was named"
        async with self.client.chat.completions.stream(**asked, extra_body=TOKEN_IDS) as events:
            tokens = [
                token
                async for event in events
                if event.type == "chunk"
                for one in event.chunk.choices
                for token in one.model_dump().get("token_ids") or []
            ]
            streamed: Any = (await events.get_final_completion()).choices[0]
        assert streamed.message.tool_calls[0].function.arguments == call.function.arguments
        assert tokens == choice.model_dump()["token_ids"], "chunks without words have their tokens too"

    async def tools_that_may_be_called(self) -> None:
        """Calls and results stand in the prompt as `/tokenize` counts it; the template must know tools."""
        messages = [*MESSAGES, CALLED, RESULT]
        for tools in ([], TOOLS):
            asked: Any = {"model": self.model, "messages": messages, **({"tools": tools} if tools else {})}
            counted = await self._post("/tokenize", asked)
            answer = await self.client.chat.completions.create(**asked, max_tokens=2)
            assert answer.usage is not None
            assert answer.usage.prompt_tokens == counted["count"]

    async def unknown_tools(self) -> None:
        """400 for a choice that is not among the tools."""
        other: Any = {"type": "function", "function": {"name": "no_such_tool"}}
        with pytest.raises(openai.BadRequestError, match=r"no_such_tool|tool_choice"):
            await self.client.chat.completions.create(
                model=self.model, messages=MESSAGES, tools=TOOLS, tool_choice=other, max_tokens=2
            )

    async def unknown_models(self) -> None:
        """404 with OpenAI's error body."""
        with pytest.raises(openai.NotFoundError) as refused:
            await self.client.completions.create(model="no-such-model", prompt=PROMPT)
        body: Any = refused.value.body
        assert body["code"] == 404
        assert body["type"] == "NotFoundError"

    async def too_long(self) -> None:
        """400 for a prompt beyond the context."""
        context = (await self._post("/tokenize", {"model": self.model, "prompt": PROMPT}))["max_model_len"]
        with pytest.raises(openai.BadRequestError, match="context"):
            await self.client.completions.create(model=self.model, prompt=[5] * (context + 1), max_tokens=1)

    async def _post(self, path: str, body: Any) -> Any:
        async with aiohttp.ClientSession() as session, session.post(self.url + path, json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()


CHECKS: tuple[Callable[[Dialect], Awaitable[None]], ...] = (
    Dialect.models,
    Dialect.health,
    Dialect.tokens,
    Dialect.chat_tokens,
    Dialect.streams_are_the_answer,
    Dialect.chat_streams,
    Dialect.logprobs,
    Dialect.stops,
    Dialect.unknown_models,
    Dialect.too_long,
)
TOOL_CHECKS = (Dialect.tools_that_must_be_called, Dialect.unknown_tools)


async def run(url: str, adapter: str, *, with_tools: bool = False) -> None:
    """All checks for the base and, where named, for an adapter."""
    checks = [*CHECKS, *TOOL_CHECKS, *([Dialect.tools_that_may_be_called] if with_tools else [])]
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as client:
        base = (await client.models.list()).data[0].id
    for model in [base, *([adapter] if adapter else [])]:
        for check in checks:
            await check(Dialect(url, model))
            print(f"{model}: {check.__name__} holds")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Does this server speak the dialect the gateway relies on?")
    parser.add_argument("url")
    parser.add_argument("--adapter", default="")
    parser.add_argument("--tools", action="store_true", help="the base's chat template knows tools")
    options = parser.parse_args()
    asyncio.run(run(options.url.rstrip("/"), options.adapter, with_tools=options.tools))
