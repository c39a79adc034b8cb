"""Calls of tools, bought with the `openai` client: billed as any other tokens, once, whole or broken off."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openai
import pytest

from openledger_node.client.answers import said_text
from openledger_node.client.gateway import GatewayError
from openledger_node.client.text import TextPurchases
from openledger_node.gateway.settling import SettlingRule
from openledger_node.gateway.text_server import OutsideServer
from tests.gateway.conftest import Running
from tests.gateway.test_text import Shop, add_text_model, open_text_channel, shop
from tests.jobs.economy import Economy, InlinePool
from tests.workers.serving.tool_speaker import (
    ANSWER,
    ARGUMENTS,
    QUESTION,
    TOOLS,
    call_text,
    make_tool_speaker,
)
from workers.serving.server import Server, ServerOptions

__all__ = ["shop"]
CHAT = "/v1/chat/completions"
WEATHER_CALL = f'<tool_call>{{"name": "weather", "arguments": {ARGUMENTS}}}</tool_call>'
"""As the receipt's output has it."""


@dataclass
class Seller:
    """A gateway before OpenLoRA, which serves a base that calls tools."""

    running: Running
    purchases: TextPurchases

    async def ask(self, messages: list[Any], *, stream: bool, **more: Any) -> Any:
        """The choice that the client put together, its receipt checked."""
        body: Any = {"model": "model-2", "messages": messages, "max_tokens": 120, "temperature": 0, **more}
        headers = await self.purchases.headers(body)
        async with openai.AsyncOpenAI(base_url=f"{self.running.url}/v1", api_key="none") as client:
            if stream:
                async with client.chat.completions.stream(**body, extra_headers=headers) as events:
                    chunks = [event.chunk async for event in events if event.type == "chunk"]
                    last, answer = chunks[-1], await events.get_final_completion()
            else:
                last = answer = await client.chat.completions.create(**body, extra_headers=headers)
        choice = answer.choices[0]
        self.purchases.accept((last.model_extra or {})["x_openledger"], said_text(choice.model_dump()))
        return choice


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("speaker")
    make_tool_speaker(folder)
    return folder


@pytest.fixture
async def seller(economy: Economy, speaker: Path, tmp_path: Path) -> AsyncIterator[Seller]:
    server = await Server.open(ServerOptions(speaker, "base", threads=1, lanes=2, slots=2), economy.store)
    await add_text_model(economy, parent=0)
    rule = SettlingRule(look_every_s=3600.0)
    pool = InlinePool(economy.store)
    running = Running(economy, tmp_path / "node", pool, rule, text_server=OutsideServer(server.url))
    await running.start()
    yield Seller(running, await open_text_channel(economy, running))
    await running.stop()
    await server.close()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_round_trip_with_a_tool(seller: Seller, stream: bool) -> None:
    called = await seller.ask([QUESTION], stream=stream, tools=TOOLS)
    (call,) = called.message.tool_calls
    assert (call.function.name, call.function.arguments) == ("weather", ARGUMENTS)
    assert called.finish_reason == "tool_calls"
    assert not called.message.content
    result = {"role": "tool", "tool_call_id": call.id, "content": "snow"}
    conversation = [QUESTION, called.message.model_dump(exclude_none=True, exclude={"parsed"}), result]
    answered = await seller.ask(conversation, stream=stream, tools=TOOLS)
    assert (answered.message.content, answered.finish_reason) == (ANSWER, "stop")
    forced = await seller.ask(
        [QUESTION],
        stream=stream,
        tools=TOOLS,
        tool_choice={"type": "function", "function": {"name": "clock"}},
    )
    assert [call.function.name for call in forced.message.tool_calls] == ["clock"]
    await seller.purchases.acknowledge()
    assert seller.purchases.tree.count == 3


async def test_what_is_wrong_with_tools_is_said_before_anything_is_billed(seller: Seller) -> None:
    body: Any = {"model": "model-2", "messages": [QUESTION], "max_tokens": 5}
    headers = await seller.purchases.headers({**body, "tools": TOOLS})
    other = {"type": "function", "function": {"name": "other"}}
    wrong: list[tuple[Any, str, str]] = [
        ({"tools": [{"type": "retrieval"}]}, "tools", r"tools\[0\] is not"),
        ({"tools": TOOLS, "tool_choice": other}, "tool_choice", "not in tools"),
        ({"tool_choice": "required"}, "tool_choice", "needs tools"),
        ({"tools": TOOLS, "response_format": {"type": "json_object"}}, "response_format", "go together"),
    ]
    async with openai.AsyncOpenAI(base_url=f"{seller.running.url}/v1", api_key="none") as client:
        for change, parameter, word in wrong:
            with pytest.raises(openai.BadRequestError, match=word) as caught:
                await client.chat.completions.create(**{**body, **change}, extra_headers=headers)
            assert caught.value.param == parameter
    assert (await seller.ask([QUESTION], stream=False, tools=TOOLS, tool_choice="none")).message.content


def body_of(shop: Shop, **more: Any) -> dict[str, Any]:
    return shop.body(max_tokens=100, tools=TOOLS, **more)


async def retried(shop: Shop, body: dict[str, Any], headers: dict[str, str]) -> tuple[Any, dict[str, Any]]:
    """The choice of the stream that a retry brings back, as one message, and its receipt."""
    async with shop.openai as client:
        (chunk,) = [
            chunk async for chunk in await client.chat.completions.create(**body, extra_headers=headers)
        ]
    delta = chunk.choices[0].delta.model_dump(exclude_none=True)
    return {"message": delta}, (chunk.model_extra or {})["x_openledger"]


async def test_a_call_is_durable_before_its_last_token(shop: Shop) -> None:
    shop.server.answer = "I look.\n" + call_text(ARGUMENTS)
    body = body_of(shop, stream=True)
    headers = await shop.purchases.headers(body)
    calls, paid = list[Any](), dict[str, Any]()
    async with shop.openai as client:
        async for chunk in await client.chat.completions.create(**body, extra_headers=headers):
            calls += chunk.choices[0].delta.tool_calls or []
            if chunk.choices[0].finish_reason:
                assert chunk.choices[0].finish_reason == "tool_calls"
                assert await shop.receipts() == 1
                paid = (chunk.model_extra or {})["x_openledger"]
    assert "".join(call.function.arguments for call in calls) == ARGUMENTS
    assert paid["receipt"]["tokensOut"] == len(shop.server.answer)
    shop.purchases.accept(paid, f"I look.\n{WEATHER_CALL}")
    choice, again = await retried(shop, body, headers)
    assert (again["receipt"], said_text(choice)) == (paid["receipt"], f"I look.\n{WEATHER_CALL}")
    assert choice["message"]["tool_calls"][0]["id"] == calls[0].id


async def test_a_server_lost_in_a_call_is_paid_for_its_beginning(shop: Shop) -> None:
    shop.server.answer = call_text(ARGUMENTS)
    shop.server.break_after = shop.server.answer.index("Oslo") + 2
    body = body_of(shop, stream=True)
    headers = await shop.purchases.headers(body)
    with pytest.raises(openai.APIError):
        async with shop.openai as client:
            async for _ in await client.chat.completions.create(**body, extra_headers=headers):
                pass
    choice, paid = await retried(shop, body, headers)
    assert (paid["interrupted"], paid["receipt"]["tokensOut"]) == ("server_lost", shop.server.break_after)
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"city": "Os'
    shop.purchases.accept(paid, said_text(choice))


async def test_a_customer_that_leaves_a_call_pays_for_what_went_out(shop: Shop) -> None:
    shop.server.answer, shop.server.pause_s = call_text(ARGUMENTS), 0.01
    body = body_of(shop, stream=True)
    headers = await shop.purchases.headers(body)
    seen = ""
    async with shop.openai as client:
        stream = await client.chat.completions.create(**body, extra_headers=headers)
        async for chunk in stream:
            seen += "".join(call.function.arguments for call in chunk.choices[0].delta.tool_calls or [])
            if len(seen) > 4:
                await stream.close()
                break
    async with asyncio.timeout(5.0):
        while shop.server.running:
            await asyncio.sleep(0.02)
    choice, paid = await retried(shop, body, headers)
    (call,) = choice["message"]["tool_calls"]
    assert paid["interrupted"] == "customer_gone"
    assert call["function"]["name"] == "weather"
    assert ARGUMENTS.startswith(call["function"]["arguments"])
    assert call["function"]["arguments"].startswith(seen)
    shop.purchases.accept(paid, said_text(choice))


async def test_a_gateway_killed_in_a_call_bills_its_beginning(shop: Shop, tmp_path: Path) -> None:
    """What is on disk in the middle of a call is what a killed gateway leaves: another one starts from it."""
    shop.server.answer, shop.server.pause_s = call_text(ARGUMENTS), 0.01
    body = body_of(shop, stream=True)
    headers = await shop.purchases.headers(body)
    seen = ""
    async with shop.openai as client:
        stream = await client.chat.completions.create(**body, extra_headers=headers)
        async for chunk in stream:
            seen += "".join(call.function.arguments for call in chunk.choices[0].delta.tool_calls or [])
            if len(seen) > 4:
                shop.server.pause_s = 5.0
                await asyncio.sleep(0.2)
                shutil.copytree(shop.running.directory, tmp_path / "killed")
                break
        await stream.close()
    heir = replace(shop.running, directory=tmp_path / "killed", gateway=None, client=None)
    await heir.start()
    choice, paid = await retried(replace(shop, running=heir), body, headers)
    await heir.stop()
    assert paid["interrupted"] == "gateway_restarted"
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "weather"
    assert call["function"]["arguments"].startswith(seen)
    assert len(call["function"]["arguments"]) < len(ARGUMENTS)
    shop.purchases.accept(paid, said_text(choice))


async def test_several_answers_are_several_calls(shop: Shop) -> None:
    headers = await shop.purchases.headers(shop.body(max_tokens=5))
    with pytest.raises(GatewayError, match="a receipt is of one answer"):
        await shop.running.http.post(CHAT, shop.body(max_tokens=5, n=2), headers)
