"""Answers of language models, bought with the `openai` client: billed is what was delivered, once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest

from genesis.shares import receipt_fee
from openledger_node.client.account import dev_account
from openledger_node.client.economy import METERING, MODELS
from openledger_node.client.errors import DishonestReceiptError
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import GatewayError
from openledger_node.client.metering import Terms
from openledger_node.client.sender import Sender
from openledger_node.client.text import TextPurchases
from openledger_node.gateway.settling import SettlingRule
from tests.gateway.conftest import Running
from tests.gateway.text_server import ANSWER, ScriptedServer
from tests.jobs.economy import BUILDER, CHAIN_ID, CUSTOMER, DEPOSIT_WEI, Economy, InlinePool
from workers.artifacts import canonical_json

INPUT_PRICE_WEI, OUTPUT_PRICE_WEI = 10**18, 4 * 10**18
MODEL = "model-2"
MESSAGES = [{"role": "user", "content": "Who jumps?"}]
PROMPT_TOKENS = len(b"user: Who jumps?\n")


@dataclass
class Shop:
    """A gateway with a language model behind it, and one customer."""

    running: Running
    server: ScriptedServer
    purchases: TextPurchases

    @property
    def openai(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.running.url}/v1", api_key="none", max_retries=0)

    def body(self, **more: Any) -> dict[str, Any]:
        return {"model": MODEL, "messages": MESSAGES, **more}

    async def restart(self) -> None:
        await self.running.restart()
        self.purchases._gateway = self.running.http

    async def receipts(self) -> int:
        state = await self.running.http.get(f"/v1/channels/0x{self.purchases._terms.channel_id.hex()}")
        return int(state["receiptCount"])


async def add_text_model(economy: Economy, parent: int = 1) -> None:
    """Model 2: a language model by its artefact, with the classifier's index under it."""
    made = economy.trained
    document = {"format": "openledger-folder/1", "files": {"config.json": economy.store.put(b"{}")}}
    folder = economy.store.put(canonical_json.encode(document))
    sender = Sender(Ethereum(economy.node), dev_account(BUILDER))
    manifest, index = made.model.manifest, made.index
    await sender.transact(
        MODELS,
        "registerModel",
        bytes.fromhex(folder),
        parent,
        bytes.fromhex(manifest),
        [1],
        [1],
        f"sha256:{manifest}",
    )
    await sender.transact(MODELS, "setPrice", 2, INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)
    roots = (index.rows_root, index.sums_root, index.preconditioner_hash, index.numeric_profile)
    counts = (index.rows, index.contributors, index.dimensions)
    await sender.transact(MODELS, "commitFeatureIndex", 2, *roots, *counts, f"sha256:{index.index}")
    economy.node.advance(10)


async def open_text_channel(economy: Economy, running: Running) -> TextPurchases:
    customer = dev_account(CUSTOMER)
    mined = await Sender(Ethereum(economy.node), customer).transact(
        METERING, "openChannel", economy.provider, 2, customer.address, value_wei=DEPOSIT_WEI
    )
    channel_id = mined.event("ChannelOpened").arguments["channelId"]
    terms = Terms(channel_id, CHAIN_ID, MODEL, INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)
    return TextPurchases(running.http, customer, terms)


@pytest.fixture
async def shop(economy: Economy, tmp_path: Path) -> AsyncIterator[Shop]:
    server = ScriptedServer()
    await server.start()
    await add_text_model(economy)
    rule = SettlingRule(look_every_s=3600.0)
    running = Running(economy, tmp_path / "node", InlinePool(economy.store), rule, text_server=server)
    await running.start()
    yield Shop(running, server, await open_text_channel(economy, running))
    await running.stop()
    await server.stop()


def fee_wei(tokens_out: int) -> int:
    return receipt_fee(PROMPT_TOKENS, tokens_out, INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)


async def test_an_answer_at_once_is_openais_with_a_receipt(shop: Shop) -> None:
    body = shop.body(max_tokens=9)
    async with shop.openai as client:
        answer = await client.chat.completions.create(
            **body, extra_headers=await shop.purchases.headers(body)
        )
    assert (answer.object, answer.model) == ("chat.completion", MODEL)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (ANSWER[:9], "length")
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (PROMPT_TOKENS, 9)
    paid = answer.model_extra["x_openledger"]
    assert paid["fee"] == str(fee_wei(9))
    shop.purchases.accept(paid, ANSWER[:9])
    await shop.purchases.acknowledge()
    assert not hasattr(answer.choices[0], "token_ids")


async def test_a_stream_is_openais_with_the_receipt_in_its_last_chunk(shop: Shop) -> None:
    body = shop.body(max_tokens=20)
    text, paid, usage = "", None, None
    async with shop.openai as client:
        stream = await client.chat.completions.create(
            **body,
            stream=True,
            stream_options={"include_usage": True},
            extra_headers=await shop.purchases.headers(body),
        )
        async for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                if choice.finish_reason:
                    paid = chunk.model_extra["x_openledger"]
                    assert await shop.receipts() == 1, "the receipt is durable before the last token"
    assert text == ANSWER[:20]
    assert usage is not None
    assert usage.completion_tokens == 20
    assert paid is not None
    shop.purchases.accept(paid, text)


async def test_plain_completions_work_both_ways(shop: Shop) -> None:
    body: dict[str, Any] = {"model": MODEL, "prompt": "Who jumps?", "max_tokens": 5}
    async with shop.openai as client:
        answer = await client.completions.create(**body, extra_headers=await shop.purchases.headers(body))
        assert (answer.object, answer.choices[0].text) == ("text_completion", ANSWER[:5])
        shop.purchases.accept(answer.model_extra["x_openledger"], ANSWER[:5])
        headers = await shop.purchases.headers(body)
        text = ""
        async for chunk in await client.completions.create(**body, stream=True, extra_headers=headers):
            text += chunk.choices[0].text
    assert text == ANSWER[:5]
    assert await shop.receipts() == 2


async def test_a_prompt_may_be_tokens(shop: Shop) -> None:
    body = {"model": MODEL, "prompt": list(b"Who jumps?"), "max_tokens": 4}
    quote = await shop.running.http.post("/v1/quotes", body)
    assert (quote["tokensIn"], quote["tokensOut"]) == (10, 4)
    answer = await shop.running.http.post("/v1/completions", body, await shop.purchases.headers(body))
    assert answer["x_openledger"]["promptTokens"] == list(b"Who jumps?")
    assert shop.server.asked[-1]["prompt"] == list(b"Who jumps?")


async def test_without_a_voucher_the_answer_is_the_price(shop: Shop) -> None:
    async with shop.openai as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(**shop.body(max_tokens=7))
    assert caught.value.status_code == 402
    terms = caught.value.response.json()["x_openledger"]["terms"]
    assert (terms["tokensIn"], terms["tokensOut"], terms["maximumFee"]) == (PROMPT_TOKENS, 7, str(fee_wei(7)))
    assert terms == await shop.running.http.post("/v1/quotes", shop.body(max_tokens=7))
    assert shop.server.asked == []


async def test_a_voucher_for_less_than_the_most_is_refused_before_any_work(shop: Shop) -> None:
    cheap = await shop.purchases.headers(shop.body(max_tokens=5))
    with pytest.raises(GatewayError) as caught:
        await shop.running.http.post("/v1/chat/completions", shop.body(max_tokens=6), cheap)
    assert (caught.value.status, caught.value.reason) == (402, "insufficient_voucher")
    assert shop.server.asked == []


async def test_a_retry_bills_once_also_after_a_restart(shop: Shop) -> None:
    body = shop.body(max_tokens=6)
    headers = await shop.purchases.headers(body)
    first = await shop.running.http.post("/v1/chat/completions", body, headers)
    await shop.restart()
    assert await shop.running.http.post("/v1/chat/completions", body, headers) == first
    assert await shop.receipts() == 1
    with pytest.raises(GatewayError) as caught:
        await shop.running.http.post("/v1/chat/completions", shop.body(max_tokens=7), headers)
    assert caught.value.status == 409


async def test_a_retry_needs_no_server(shop: Shop) -> None:
    body = shop.body(max_tokens=6)
    headers = await shop.purchases.headers(body)
    first = await shop.running.http.post("/v1/chat/completions", body, headers)
    await shop.server.stop()
    shop.server.url = ""
    assert await shop.running.http.post("/v1/chat/completions", body, headers) == first
    with pytest.raises(GatewayError) as caught:
        await shop.running.http.post("/v1/chat/completions", shop.body(max_tokens=7), headers)
    assert caught.value.status == 409, "the key is another request's, whether there is a server or not"


async def test_a_stream_is_retried_as_a_stream(shop: Shop) -> None:
    body = shop.body(max_tokens=6, stream=True)
    headers = await shop.purchases.headers(body)
    texts = []
    async with shop.openai as client:
        for _ in range(2):
            said = ""
            async for chunk in await client.chat.completions.create(**body, extra_headers=headers):
                said += chunk.choices[0].delta.content or ""
            texts.append(said)
    assert texts == [ANSWER[:6]] * 2
    assert await shop.receipts() == 1


async def test_a_server_that_breaks_off_mid_stream_bills_what_came(shop: Shop) -> None:
    shop.server.break_after = 4
    body = shop.body(max_tokens=20, stream=True)
    headers = await shop.purchases.headers(body)
    text, paid = "", None
    async with shop.openai as client:
        with pytest.raises(openai.APIError):
            async for chunk in await client.chat.completions.create(**body, extra_headers=headers):
                text += chunk.choices[0].delta.content or ""
                paid = (chunk.model_extra or {}).get("x_openledger", paid)
    assert text == ANSWER[:4]
    assert paid is not None
    assert (paid["fee"], paid["interrupted"]) == (str(fee_wei(4)), "server_lost")
    shop.purchases.accept(paid, text)
    shop.server.break_after = None
    again = await shop.running.http.post("/v1/chat/completions", shop.body(max_tokens=3), await _fresh(shop))
    assert again["x_openledger"]["count"] == 2


async def _fresh(shop: Shop) -> dict[str, str]:
    return await shop.purchases.headers(shop.body(max_tokens=3))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_server_that_is_lost_before_the_first_token_costs_nothing(shop: Shop, stream: bool) -> None:
    shop.server.break_after = 0
    body = shop.body(max_tokens=5, stream=stream)
    with pytest.raises(GatewayError) as caught:
        await shop.running.http.post("/v1/chat/completions", body, await shop.purchases.headers(body))
    assert caught.value.status == 503
    assert await shop.receipts() == 0


async def test_a_customer_that_leaves_a_stream_pays_for_what_went_out(shop: Shop) -> None:
    shop.server.pause_s = 0.02
    body = shop.body(max_tokens=80, stream=True)
    headers = await shop.purchases.headers(body)
    seen = ""
    async with shop.openai as client:
        stream = await client.chat.completions.create(**body, extra_headers=headers)
        async for chunk in stream:
            seen += chunk.choices[0].delta.content or ""
            if len(seen) == 10:
                await stream.close()
                break
        await _until(lambda: shop.server.running == 0)
        assert shop.server.cancelled == 1
        retried = await client.chat.completions.create(**body, extra_headers=headers)
        (chunk,) = [chunk async for chunk in retried]
    text = chunk.choices[0].delta.content or ""
    paid = (chunk.model_extra or {})["x_openledger"]
    assert text.startswith(seen)
    assert len(text) <= len(seen) + 12, "what was on its way when the customer left, and no more"
    assert (paid["fee"], paid["interrupted"]) == (str(fee_wei(len(text))), "customer_gone")
    shop.purchases.accept(paid, text)


async def _until(condition: Any) -> None:
    async with asyncio.timeout(5.0):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_customer_that_leaves_before_the_answer_pays_nothing(shop: Shop) -> None:
    shop.server.pause_s = 0.1
    body = shop.body(max_tokens=80)
    headers = await shop.purchases.headers(body)
    asking = asyncio.create_task(shop.running.http.post("/v1/chat/completions", body, headers))
    await _until(lambda: shop.server.running == 1)
    asking.cancel()
    await _until(lambda: shop.server.running == 0)
    assert shop.server.cancelled == 1
    assert await shop.receipts() == 0


async def test_forms_and_limits_of_sampling_go_to_the_server(shop: Shop) -> None:
    asked = {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "a", "schema": {"type": "object"}},
        },
        "logit_bias": {"5": -1.0},
        "min_p": 0.1,
        "repetition_penalty": 1.2,
    }
    await shop.purchases.ask(shop.body(max_tokens=4, **asked))
    assert {name: shop.server.asked[-1][name] for name in asked} == asked


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"n": 2}, "n must"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"stream": "yes"}, "stream"),
        ({"attribution": {"top_k": 0}}, "attribution"),
        ({"attribution": True}, "attribution"),
        ({"max_tokens": 5000}, "tokens"),
        ({"temperature": 3.0}, "temperature"),
    ],
)
async def test_a_request_that_is_wrong_is_refused_by_name(
    shop: Shop, change: dict[str, Any], word: str
) -> None:
    headers = await shop.purchases.headers(shop.body(max_tokens=5))
    with pytest.raises(GatewayError, match=word) as caught:
        await shop.running.http.post(
            "/v1/chat/completions", shop.body() | {"max_tokens": 5} | change, headers
        )
    assert caught.value.status == 400
    assert await shop.receipts() == 0


@pytest.mark.parametrize(
    ("path", "change", "parameter"),
    [
        ("chat/completions", {"n": 2}, "n"),
        ("chat/completions", {"messages": [{}]}, "messages"),
        ("chat/completions", {"best_of": 2}, "best_of"),
        ("chat/completions", {"max_tokens": 0}, "max_tokens"),
        ("completions", {"messages": None, "prompt": []}, "prompt"),
        ("embeddings", {"model": "all-minilm-l6-v2", "input": 5}, "input"),
        (
            "embeddings",
            {"model": "all-minilm-l6-v2", "input": "x", "encoding_format": ["float"]},
            "encoding_format",
        ),
    ],
)
async def test_openais_client_is_told_which_parameter(
    shop: Shop, path: str, change: dict[str, Any], parameter: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await shop.openai.post(f"/{path}", body=shop.body() | change, cast_to=object)
    assert (caught.value.param, caught.value.type) == (parameter, "invalid_request_error")


async def test_a_model_goes_by_three_names(shop: Shop) -> None:
    listed = await shop.running.http.get("/v1/models")
    by_id = {model["id"]: model["x_openledger"] for model in listed["data"]}
    assert (by_id["model-1"]["kind"], by_id[MODEL]["kind"]) == ("classifier", "text")
    alias = by_id[MODEL]["alias"]
    assert alias == "digits/model-2@1"
    for name in (MODEL, "2", alias):
        body = shop.body(max_tokens=2) | {"model": name}
        headers = await shop.purchases.headers(body)
        answer = await shop.running.http.post("/v1/chat/completions", body, headers)
        shop.purchases.accept(answer["x_openledger"], ANSWER[:2])
    async with shop.openai as client:
        assert (await client.models.retrieve(MODEL)).id == MODEL
        assert [model.id async for model in await client.models.list()] == ["model-1", MODEL]
    assert {asked["model"][:7] for asked in shop.server.asked} == {"sha256:"}


async def test_a_customer_refuses_a_receipt_over_another_text(shop: Shop) -> None:
    body = shop.body(max_tokens=6)
    answer = await shop.running.http.post("/v1/chat/completions", body, await shop.purchases.headers(body))
    with pytest.raises(DishonestReceiptError):
        shop.purchases.accept(answer["x_openledger"], "another")
    longer = answer["x_openledger"] | {"responseTokens": [*answer["x_openledger"]["responseTokens"], 1]}
    with pytest.raises(DishonestReceiptError):
        shop.purchases.accept(longer, ANSWER[:6])


async def test_a_classifier_does_not_chat_and_a_text_model_does_not_classify(shop: Shop) -> None:
    with pytest.raises(GatewayError, match="not a language model"):
        await shop.running.http.post("/v1/chat/completions", shop.body() | {"model": "model-1"})


async def test_usage_is_told_by_day(shop: Shop) -> None:
    for count in (3, 5):
        body = shop.body(max_tokens=count)
        headers = await shop.purchases.headers(body)
        answer = await shop.running.http.post("/v1/chat/completions", body, headers)
        shop.purchases.accept(answer["x_openledger"], ANSWER[:count])
    path = f"/v1/usage?channel=0x{shop.purchases.channel_id.hex()}"
    (used,) = (await shop.running.http.get(path))["data"]
    assert (used["requests"], used["inputTokens"], used["outputTokens"]) == (2, 2 * PROMPT_TOKENS, 8)
    assert used["fee"] == str(fee_wei(3) + fee_wei(5)) == used["days"][0]["fee"]
    assert (await shop.running.http.get(f"{path}&end_time=1"))["data"][0]["requests"] == 0


async def test_an_answer_goes_without_an_attribution_that_cannot_be_made(shop: Shop) -> None:
    """The classifier's index stands under this model: its worker refuses token ids as features."""
    body = shop.body(max_tokens=4, attribution={"top_k": 2})
    headers = await shop.purchases.headers(shop.body(max_tokens=4))
    answer = await shop.running.http.post("/v1/chat/completions", body, headers)
    assert "error" in answer["x_openledger"]["attribution"]
    shop.purchases.accept(answer["x_openledger"], ANSWER[:4])
