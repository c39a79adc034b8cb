"""The gateway on the real server of language models: an adapter sold, explained, settled and paid."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest

from openledger_node.client.account import dev_account
from openledger_node.client.economy import METERING, MODELS
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.explanations import check_explanation
from openledger_node.client.gateway import GatewayClient
from openledger_node.client.metering import Terms
from openledger_node.client.sender import Sender
from openledger_node.client.text import TextPurchases
from openledger_node.gateway.settling import SettlingRule
from openledger_node.node.text_server import LocalTextServer
from tests.gateway.conftest import Running
from tests.integration.market import TextCustomer
from tests.integration.processes import kill, process_of
from tests.jobs.economy import BUILDER, CHAIN_ID, CUSTOMER, PROVIDER, Economy, InlinePool
from tests.workers.text_chain import TextChain, make_text_chain
from workers.artifacts.folders import read_folder
from workers.jobs.feature_index import feature_index
from workers.protocol import FeatureIndexRequest, FeatureIndexResult

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

INPUT_PRICE_WEI, OUTPUT_PRICE_WEI = 10**18, 4 * 10**18
BASE, ADAPTER = 2, 3
"""Model ids, behind the classifier's."""
LONG_ANSWER_TOKENS = 120
"""A server that has said everything by the time it is killed breaks nothing off."""


@dataclass
class TextShop:
    """A chain with base and adapter, a gateway, and OpenLoRA as a child process."""

    running: Running
    chain: TextChain
    server: LocalTextServer

    async def open_channel(self) -> TextPurchases:
        customer = dev_account(CUSTOMER)
        mined = await Sender(Ethereum(self.running.economy.node), customer).transact(
            METERING,
            "openChannel",
            self.running.economy.provider,
            ADAPTER,
            customer.address,
            value_wei=10**20,
        )
        channel_id = mined.event("ChannelOpened").arguments["channelId"]
        terms = Terms(channel_id, CHAIN_ID, f"model-{ADAPTER}", INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)
        return TextPurchases(self.running.http, customer, terms)


async def publish(economy: Economy, chain: TextChain, index: FeatureIndexResult) -> None:
    sender = Sender(Ethereum(economy.node), dev_account(BUILDER))
    recipe, manifest = read_folder(economy.store, chain.base)["recipe.json"], chain.trained.manifest
    for folder, parent, document in ((chain.base, 0, recipe), (chain.trained.model, BASE, manifest)):
        hashes = bytes.fromhex(folder), parent, bytes.fromhex(document)
        await sender.transact(MODELS, "registerModel", *hashes, [1], [1], f"sha256:{document}")
    await sender.transact(MODELS, "setPrice", ADAPTER, INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)
    roots = (index.rows_root, index.sums_root, index.preconditioner_hash, index.numeric_profile)
    counts = (index.rows, index.contributors, index.dimensions)
    await sender.transact(MODELS, "commitFeatureIndex", ADAPTER, *roots, *counts, f"sha256:{index.index}")
    economy.node.advance(10)


@pytest.fixture
async def shop(economy: Economy, tmp_path: Path) -> AsyncIterator[TextShop]:
    chain = await asyncio.to_thread(make_text_chain, economy.store)
    request = FeatureIndexRequest(chain.trained.manifest)
    await publish(economy, chain, await asyncio.to_thread(feature_index, economy.store, request))
    server = LocalTextServer(tmp_path / "node", economy.store)
    serving = asyncio.create_task(server.run())
    rule = SettlingRule(look_every_s=3600.0)
    running = Running(economy, tmp_path / "node", InlinePool(economy.store), rule, text_server=server)
    await running.start()
    await running.http.post("/api/text/base", {"folder": chain.base})
    await until_ready(running.http)
    yield TextShop(running, chain, server)
    await running.stop()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def until_ready(http: GatewayClient) -> None:
    async with asyncio.timeout(300.0):
        while not (await http.get("/api/text"))["ready"]:
            await asyncio.sleep(0.2)


async def test_an_adapter_is_sold_explained_and_paid(shop: TextShop) -> None:
    purchases = await shop.open_channel()
    records = [record for part in shop.chain.parts.parts for record in part[:1]]
    async with openai.AsyncOpenAI(base_url=f"{shop.running.url}/v1", api_key="none") as client:
        for place, record in enumerate(records):
            body: dict[str, Any] = {
                "model": f"model-{ADAPTER}",
                "messages": [{"role": "user", "content": record.turns()[0][-1].content}],
                "max_tokens": 16,
                "temperature": 0.0,
            }
            headers = await purchases.headers(body)
            text, paid = "", dict[str, Any]()
            async for chunk in await client.chat.completions.create(
                **body,
                stream=True,
                extra_headers=headers,
                extra_body={"attribution": {"top_k": 2}} if place == 0 else {},
            ):
                text += chunk.choices[0].delta.content or ""
                paid = (chunk.model_extra or {}).get("x_openledger", paid)
            purchases.accept(paid, text)
            if place == 0:
                assert len(paid["attribution"]["contributors"]) == 2
                assert isinstance(paid["attribution"]["spans"], list)
                signed = check_explanation(paid, text, dev_account(PROVIDER).address, CHAIN_ID)
                assert signed == (len(paid["attribution"]["spans"]) or None)
                early = await shop.running.http.get(f"/v1/attributions/{paid['inferenceId']}")
                assert early["contributors"][:2] == paid["attribution"]["contributors"]
                assert early["settlementId"] == 0
    await purchases.acknowledge()
    settled = await _settled(shop, purchases)
    assert settled["error"] == ""
    assert sum(int(each["amount_wei"]) for each in settled["attribution"]["contributors"]) > 0
    assert settled["postId"] > 0


async def _settled(shop: TextShop, purchases: TextPurchases) -> dict[str, Any]:
    path = f"/api/channels/0x{purchases.channel_id.hex()}/settle"
    key = (await shop.running.http.post(path, {}))["key"]
    async with asyncio.timeout(300.0):
        while True:
            found: dict[str, Any] = await shop.running.http.get(f"/api/settlements/{key}")
            if found["final"] or found["error"]:
                return found
            shop.running.economy.node.advance(5)
            await asyncio.sleep(0.3)


async def test_a_server_killed_in_its_answers_is_paid_for_what_came(shop: TextShop) -> None:
    """Killed with -9 behind some pieces, three times: the customer's count is the channel's, to the wei."""
    dice, purchases = random.Random(2), await shop.open_channel()
    questions = [record.turns()[0][-1].content for part in shop.chain.parts.parts for record in part[:2]]
    customer = TextCustomer(
        dev_account(CUSTOMER), purchases, dice, questions=questions, max_tokens=LONG_ANSWER_TOKENS
    )
    for kills in range(1, 4):
        moment = dice.randrange(1, 6)

        def strike(count: int, moment: int = moment) -> None:
            pid = process_of(shop.running.directory, "text server")
            if count == moment and pid is not None:
                kill(pid)

        customer.on_piece = strike
        async with asyncio.timeout(120.0):
            while customer.interrupted < kills:
                await customer._buy()
        customer.on_piece = lambda count: None
        await until_ready(shop.running.http)
        await customer._buy()
    await purchases.acknowledge()
    assert (await _settled(shop, purchases))["error"] == ""
    channel = await shop.running.economy.reader.channel(purchases.channel_id)
    assert (channel.settled_receipts, channel.settled_fee_wei) == (customer.answers, customer.spent_wei)
    assert (purchases.tree.count, purchases.tree.total_fee_wei) == (customer.answers, customer.spent_wei)
