"""How the text demo's customer buys: OpenAI's client, a voucher beside each call, every receipt checked."""

import importlib
from typing import Any

from genesis.types import Hash32
from openledger_node.client.account import dev_account
from openledger_node.client.economy import METERING
from openledger_node.client.ethereum import from_hex
from openledger_node.client.metering import Terms
from openledger_node.client.text import TextPurchases
from openledger_node.demo.text.data import TextData
from openledger_node.demo.text.model import PublishedText
from openledger_node.demo.text.records import AnswerRow, TextDemoResult
from openledger_node.demo.world import ACCOUNT_OF, CONTRIBUTORS, CUSTOMER, World, open_text
from openledger_node.errors import OpenLedgerError

MAX_TOKENS = 48
TOP_K = 5
DEPOSIT_WEI = 20 * 10**18


async def buy_answers(
    world: World, result: TextDemoResult, published: PublishedText, data: TextData
) -> Hash32:
    """Ask about every subject in turn; every other answer as a stream; returns the channel."""
    name = f"model-{published.model_id}"
    purchases = await _open(world, name, published.model_id)
    questions = data.questions(world.options.inferences // len(data.subjects))
    async with _client(world.options.gateway_url) as client:
        for place, (contributor, question) in enumerate(questions):
            body = {
                "model": name,
                "messages": [{"role": "user", "content": question}],
                "max_tokens": MAX_TOKENS,
                "temperature": 0.0,
                "extra_body": {"attribution": {"top_k": TOP_K}},
            }
            ask = _streamed if place % 2 else _whole
            text, paid = await ask(client, body, await purchases.headers(body))
            purchases.accept(paid, text)
            _note(world, result, (contributor, question, text), paid)
    await purchases.acknowledge()
    result.inferences = len(questions)
    world.say(
        f"{len(questions)} answers bought for {open_text(purchases.tree.total_fee_wei, 4)}; "
        f"every receipt checked; {sum(bool(row.spans) for row in result.answers)} with verbatim passages"
    )
    return purchases.channel_id


async def _open(world: World, name: str, model_id: int) -> TextPurchases:
    quote = await world.gateway.get(f"/v1/models/{name}/price")
    mined = await world.send(
        CUSTOMER,
        METERING,
        "openChannel",
        from_hex(quote["provider"]),
        model_id,
        world.address(CUSTOMER),
        value_wei=DEPOSIT_WEI,
    )
    channel_id = Hash32(mined.event("ChannelOpened").arguments["channelId"])
    channel = await world.reader.channel(channel_id)
    chain_id = await world.l2.chain_id()
    terms = Terms(channel_id, chain_id, name, channel.input_price_wei, channel.output_price_wei)
    return TextPurchases(world.gateway, dev_account(ACCOUNT_OF[CUSTOMER]), terms)


def _client(gateway_url: str) -> Any:
    try:
        openai = importlib.import_module("openai")
    except ImportError:
        raise OpenLedgerError("the text demo buys with OpenAI's client", "pip install openai") from None
    return openai.AsyncOpenAI(base_url=f"{gateway_url.rstrip('/')}/v1", api_key="vouchers pay")


async def _whole(client: Any, body: dict[str, Any], headers: dict[str, str]) -> tuple[str, dict[str, Any]]:
    answer = await client.chat.completions.create(**body, extra_headers=headers)
    return answer.choices[0].message.content, answer.x_openledger


async def _streamed(client: Any, body: dict[str, Any], headers: dict[str, str]) -> tuple[str, dict[str, Any]]:
    text, paid = "", dict[str, Any]()
    async for chunk in await client.chat.completions.create(**body, stream=True, extra_headers=headers):
        text += chunk.choices[0].delta.content or ""
        paid = (chunk.model_extra or {}).get("x_openledger", paid)
    return text, paid


def _note(world: World, result: TextDemoResult, asked: tuple[int, str, str], paid: dict[str, Any]) -> None:
    contributor, question, text = asked
    found = paid["attribution"]
    if "error" in found:
        raise OpenLedgerError(f"an answer came without its attribution: {found['error']}")
    names = {f"0x{world.address(role).hex()}": role for role in CONTRIBUTORS}
    row = AnswerRow(
        question=question,
        answer=text,
        tokens_in=paid["receipt"]["tokensIn"],
        tokens_out=paid["receipt"]["tokensOut"],
        fee_wei=paid["fee"],
        asked_for=CONTRIBUTORS[contributor],
        first=names[found["contributors"][0]["contributor"]],
        spans=found["spans"],
    )
    result.answers.append(row)
    result.explained += 1
    result.own_contributor_first += row.first == row.asked_for
