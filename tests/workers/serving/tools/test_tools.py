"""Tools over HTTP with the `openai` client: called when the model wants to, called when it must, answered."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.workers.serving.conftest import Shelf
from tests.workers.serving.dialect import TOOL_CHECKS, Dialect
from tests.workers.serving.models import CHAT_TEMPLATE
from tests.workers.serving.test_http import client_of, post
from tests.workers.serving.tool_speaker import (
    ANSWER,
    ARGUMENTS,
    BEFORE,
    CALLED,
    QUESTION,
    RESULT,
    ROME,
    TOOLS,
    TWICE,
    WEATHER,
    make_tool_speaker,
)
from workers.serving.server import Server, ServerOptions

CHAT = "/v1/chat/completions"
ASKED: Any = {"model": "base", "temperature": 0, "max_tokens": 200}
SHORT: Any = {"max_tokens": 110}
WEATHER_ONLY: Any = {"type": "function", "function": {"name": "weather"}}


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("speaker")
    make_tool_speaker(folder)
    return folder


@pytest.fixture
async def server(shelf: Shelf, speaker: Path) -> AsyncIterator[Server]:
    """A base whose template knows tools."""
    server = await Server.open(ServerOptions(speaker, "base", threads=1, lanes=4, slots=4), shelf.store)
    yield server
    await server.close()


@pytest.fixture
async def plain(shelf: Shelf, speaker: Path) -> AsyncIterator[Server]:
    """A base whose template knows none."""
    ignorant = ServerOptions(speaker, "base", threads=1, lanes=4, slots=4, chat_template=CHAT_TEMPLATE)
    server = await Server.open(ignorant, shelf.store)
    yield server
    await server.close()


async def whole(server: Server, messages: Any, **more: Any) -> Any:
    async with client_of(server) as client:
        answer = await client.chat.completions.create(**ASKED, messages=messages, **more)
    return answer.choices[0]


async def streamed(server: Server, messages: Any, **more: Any) -> tuple[list[str], Any]:
    """The pieces of content that came, and the choice that the client put together."""
    pieces = []
    async with (
        client_of(server) as client,
        client.chat.completions.stream(**ASKED, messages=messages, **more) as events,
    ):
        async for event in events:
            if event.type == "content.delta":
                pieces.append(event.delta)
        return pieces, (await events.get_final_completion()).choices[0]


def calls_of(choice: Any) -> list[tuple[str, str]]:
    return [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or []]


async def test_a_model_calls_a_tool_and_speaks_of_its_result(server: Server) -> None:
    called = await whole(server, [QUESTION], tools=TOOLS)
    assert calls_of(called) == [("weather", ARGUMENTS)]
    assert (called.message.content, called.finish_reason) == (None, "tool_calls")
    message = called.message.model_dump(exclude_none=True)
    result = {**RESULT, "tool_call_id": called.message.tool_calls[0].id}
    answered = await whole(server, [QUESTION, message, result], tools=TOOLS)
    assert (answered.message.content, answered.message.tool_calls) == (ANSWER, None)
    assert answered.finish_reason == "stop"


async def test_a_stream_has_the_calls_of_the_answer_and_no_tags(server: Server) -> None:
    for messages in ([QUESTION], [TWICE], [QUESTION, CALLED, RESULT]):
        at_once = await whole(server, messages, tools=TOOLS)
        pieces, choice = await streamed(server, messages, tools=TOOLS)
        assert calls_of(choice) == calls_of(at_once)
        assert "".join(pieces) == (at_once.message.content or "")
        assert choice.finish_reason == at_once.finish_reason
        assert not any("<" in piece for piece in pieces)


async def test_arguments_come_piece_by_piece(server: Server) -> None:
    names, arguments = [], []
    async with client_of(server) as client:
        stream = await client.chat.completions.create(**ASKED, messages=[QUESTION], tools=TOOLS, stream=True)
        async for chunk in stream:
            for call in chunk.choices[0].delta.tool_calls or []:
                assert call.function is not None
                names.append(call.function.name)
                arguments.append(call.function.arguments or "")
    assert names[0] == "weather"
    assert not any(names[1:])
    assert len(arguments) > 5
    assert "".join(arguments) == ARGUMENTS


async def test_several_calls_an_answer_or_only_one(server: Server) -> None:
    both = await whole(server, [TWICE], tools=TOOLS)
    assert calls_of(both) == [("weather", ARGUMENTS), ("weather", ROME)]
    assert both.message.content.strip() == BEFORE
    one = await whole(server, [TWICE], tools=TOOLS, parallel_tool_calls=False)
    assert calls_of(one) == calls_of(both)[:1]
    assert one.finish_reason == "tool_calls"


async def test_every_token_is_counted_once(server: Server) -> None:
    async with client_of(server) as client:
        answer = await client.chat.completions.create(
            **ASKED, messages=[TWICE], tools=TOOLS, extra_body={"return_token_ids": True}
        )
        chunks = [
            chunk
            async for chunk in await client.chat.completions.create(
                **ASKED,
                messages=[TWICE],
                tools=TOOLS,
                stream=True,
                stream_options={"include_usage": True},
                extra_body={"return_token_ids": True},
            )
        ]
    tokens = answer.choices[0].model_dump()["token_ids"]
    parts = [one.model_dump().get("token_ids") or [] for chunk in chunks for one in chunk.choices]
    assert [token for part in parts for token in part] == tokens
    assert answer.usage is not None
    assert chunks[-1].usage is not None
    assert len(tokens) == answer.usage.completion_tokens == chunks[-1].usage.completion_tokens


async def test_a_call_that_meets_max_tokens_is_cut(server: Server) -> None:
    for tokens in (4, 20, 40):
        cut = await whole(server, [QUESTION], tools=TOOLS, extra_body={"max_tokens": tokens})
        assert cut.finish_reason == "length"
        assert "<" not in (cut.message.content or "")
        assert all(ARGUMENTS.startswith(arguments) for _name, arguments in calls_of(cut))


async def test_with_none_the_tools_are_not_in_the_prompt(server: Server) -> None:
    async with client_of(server) as client:
        without = await client.chat.completions.create(**ASKED, messages=[QUESTION])
        none = await client.chat.completions.create(
            **ASKED, messages=[QUESTION], tools=TOOLS, tool_choice="none"
        )
    assert none.usage == without.usage
    assert none.choices[0].message.content == without.choices[0].message.content == "Nobody knows."


async def test_tokens_are_counted_with_the_tools(server: Server, plain: Server) -> None:
    for one, choice in ((server, "auto"), (server, "required"), (plain, "required"), (plain, WEATHER_ONLY)):
        for messages in ([QUESTION], [QUESTION, CALLED, RESULT]):
            body = {"model": "base", "messages": messages, "tools": [WEATHER], "tool_choice": choice}
            _status, counted = await post(one, "/tokenize", json.dumps(body))
            asked = {**body, "max_tokens": 1, "return_token_ids": True}
            _status, answer = await post(one, CHAT, json.dumps(asked))
            assert answer["prompt_token_ids"] == counted["tokens"]


@pytest.mark.parametrize("choice", ["required", WEATHER_ONLY])
async def test_a_model_that_must_calls_by_the_schema_whatever_it_would_say(
    plain: Server, choice: Any
) -> None:
    more: Any = {
        **SHORT,
        "tools": [WEATHER],
        "tool_choice": choice,
        "parallel_tool_calls": False,
        "temperature": 2.0,
    }
    for seed in range(2):
        choices = [
            await whole(plain, [QUESTION], extra_body={**more, "seed": seed}),
            (await streamed(plain, [QUESTION], extra_body={**more, "seed": seed}))[1],
        ]
        assert calls_of(choices[0]) == calls_of(choices[1])
        ((name, arguments),) = calls_of(choices[0])
        assert name == "weather"
        assert set(json.loads(arguments)) == {"city"}
        assert (choices[0].finish_reason, choices[0].message.content) == ("tool_calls", None)


async def test_a_forced_call_has_the_properties_that_are_named(plain: Server) -> None:
    more = {**SHORT, "tool_choice": "required", "parallel_tool_calls": False, "temperature": 2.0, "seed": 3}
    number = {"type": "integer", "minimum": 0, "maximum": 9}
    for parameters, expected in (
        ({}, set()),
        ({"properties": {"x": number}, "required": ["x"]}, {"x"}),
    ):
        asked = {**more, "tools": [tool(**({"parameters": parameters} if parameters else {}))]}
        ((_name, arguments),) = calls_of(await whole(plain, [QUESTION], extra_body=asked))
        assert set(json.loads(arguments)) == expected


async def test_references_within_a_schema_are_followed(plain: Server) -> None:
    schema: Any = {"properties": {"at": {"$ref": "#/$defs/place"}}, "required": ["at"]}
    schema |= {"$defs": {"place": {"enum": ["here", "there"]}}, "additionalProperties": False}
    many = [tool("go"), tool("go-to", parameters=schema)]
    named = {"type": "function", "function": {"name": "go-to"}}
    more = {**SHORT, "tools": many, "tool_choice": named, "seed": 1}
    ((name, arguments),) = calls_of(await whole(plain, [QUESTION], extra_body=more))
    assert name == "go-to"
    assert json.loads(arguments)["at"] in {"here", "there"}


async def test_choices_have_calls_of_their_own(plain: Server) -> None:
    more: Any = {
        **SHORT,
        "tools": [WEATHER],
        "tool_choice": WEATHER_ONLY,
        "n": 3,
        "seed": 1,
        "temperature": 2.0,
    }
    async with client_of(plain) as client:
        answer = await client.chat.completions.create(**{**ASKED, **more}, messages=[QUESTION])
    ids = [call.id for choice in answer.choices for call in choice.message.tool_calls or []]
    assert len(set(ids)) == 3
    assert all(choice.finish_reason == "tool_calls" for choice in answer.choices)


async def test_a_template_that_knows_no_tools_cannot_be_left_to_decide(plain: Server) -> None:
    with pytest.raises(openai.BadRequestError, match="does not know tools") as refused:
        await whole(plain, [QUESTION], tools=TOOLS)
    assert refused.value.param == "tools"
    said = await whole(plain, [QUESTION, CALLED, RESULT], extra_body={"max_tokens": 4})
    assert said.message.tool_calls is None


def tool(name: Any = "f", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


@pytest.mark.parametrize(
    ("change", "parameter", "word"),
    [
        ({"tools": [tool()] * 129}, "tools", "at most 128"),
        ({"tools": [tool(description="x" * 70_000)]}, "tools", "65536 bytes"),
        ({"tools": [tool(), tool()]}, "tools", "same name"),
        ({"tools": [tool("no spaces")]}, "tools", "name of"),
        ({"tools": [tool(7)]}, "tools", "name of"),
        ({"tools": [{"type": "retrieval"}]}, "tools", "type"),
        ({"tools": ["f"]}, "tools", "type"),
        ({"tools": [tool(description=1)]}, "tools", "description"),
        ({"tools": [tool(parameters=[])]}, "tools", "schema of an object"),
        ({"tools": [tool(parameters={"type": "array"})]}, "tools", "schema of an object"),
        ({"tools": [tool(parameters={"properties": 5})], "tool_choice": "required"}, "tools", "form"),
        ({"tools": [tool(parameters={"$ref": "http://x/"})], "tool_choice": "required"}, "tools", "form"),
        ({"tool_choice": "required"}, "tool_choice", "needs tools"),
        ({"tools": [], "tool_choice": WEATHER_ONLY}, "tool_choice", "needs tools"),
        ({"tools": [tool()], "tool_choice": WEATHER_ONLY}, "tool_choice", "not in tools"),
        ({"tools": [tool()], "tool_choice": "any"}, "tool_choice", "tool_choice is"),
        ({"tools": [tool()], "tool_choice": {"type": "function"}}, "tool_choice", "tool_choice is"),
        (
            {"tools": [tool()], "tool_choice": "required", "response_format": {"type": "json_object"}},
            "response_format",
            "cannot go together",
        ),
        ({"tools": [tool()], "tool_choice": "required", "min_tokens": 2}, "min_tokens", "form"),
        ({"messages": [{"role": "assistant", "content": None}]}, "messages", "text content"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages", "function"),
        ({"messages": [{"role": "assistant", "tool_calls": "f"}]}, "messages", "list"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [tool(arguments="{")]}]},
            "messages",
            "not JSON",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [tool(arguments="[]")]}]},
            "messages",
            "JSON object",
        ),
    ],
)
async def test_bad_tools_have_reasons(
    plain: Server, change: dict[str, Any], parameter: str, word: str
) -> None:
    status, answer = await post(plain, CHAT, json.dumps({"messages": [QUESTION], "max_tokens": 1} | change))
    assert status == 400
    assert answer["error"]["type"] == "BadRequestError"
    assert answer["error"]["param"] == parameter
    assert word in answer["error"]["message"]


async def test_tools_nested_without_end_are_refused(plain: Server) -> None:
    nested = '{"items":' * 900 + "1" + "}" * 900
    body = '{"messages": [{"role": "user", "content": "x"}], "tool_choice": "required", "tools": [{"type": '
    body += f'"function", "function": {{"name": "f", "parameters": {nested}}}}}]}}'
    status, answer = await post(plain, CHAT, body)
    assert (status, answer["error"]["param"]) == (400, "tools")


@pytest.mark.parametrize(
    "check", [*TOOL_CHECKS, Dialect.tools_that_may_be_called], ids=lambda check: check.__name__
)
async def test_the_dialect_holds(server: Server, check: Callable[[Dialect], Awaitable[None]]) -> None:
    await check(Dialect(server.url, "base"))
