"""A market on a running dev node: models for sale, customers that buy all the time, a provider that settles.

Customers remember what they were given and nothing else, so that their memory can be held against the chain.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from genesis.types import Hash32
from openledger_node.client.account import Account, dev_account
from openledger_node.client.economy import METERING, MODELS
from openledger_node.client.errors import UnreachableError
from openledger_node.client.ethereum import from_hex
from openledger_node.client.gateway import GatewayClient, GatewayError
from openledger_node.client.metering import Purchases, Terms
from openledger_node.client.sender import Sender
from openledger_node.client.text import TextPurchases
from openledger_node.demo.data import load_data
from openledger_node.demo.datanet import Contributed, commit, contribute_all, create_datanet, publish, reveal
from openledger_node.demo.model import NO_PARENT, publish_index, register, register_model, train
from openledger_node.demo.records import DemoOptions
from openledger_node.demo.text.data import load_text_data
from openledger_node.demo.text.model import NAME, RECIPE, RECIPE_FILE, make_base, serve_base
from openledger_node.demo.text.records import TextDemoResult
from openledger_node.demo.world import BUILDER, World, close_world, open_world
from tests.integration.network import DevNode
from workers.artifacts.folders import read_folder
from workers.artifacts.store import ArtifactStore
from workers.protocol import DatasetVersion, FinetuneRequest, FinetuneResult
from workers.protocol.codec import from_json, to_json

PART_RECORDS = 40
TEXT_PART_RECORDS = 20
CUSTOMERS = (7, 8, 9, 0)
"""Two of the classifier, two of the language model; accounts of the development mnemonic."""
CLASSIFIER_DEPOSIT_WEI, TEXT_DEPOSIT_WEI = 900 * 10**18, 200 * 10**18
TEXT_PRICES_WEI = (10**18, 4 * 10**18)
MAX_TOKENS = 40
RETRY_S = 0.5
MOST_PAUSE_S = 0.4
BUSY = 503


@dataclass(frozen=True, slots=True)
class Goods:
    """What is for sale: a classifier with inputs for it, a language model with questions for it."""

    classifier: int
    inputs: Sequence[Sequence[int]]
    text: int
    questions: Sequence[str]
    digits: DatasetVersion
    """What the classifier was trained on; more can be."""


@dataclass
class Customer:
    """One channel. `spent_wei` and `answers` are counted here, apart from the receipts that were checked."""

    account: Account
    purchases: Purchases
    dice: random.Random
    answers: int = 0
    spent_wei: int = 0
    interrupted: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def buy_until(self, stopping: asyncio.Event) -> None:
        """Buy one answer after the other."""
        while not stopping.is_set():
            async with self.turn:
                await self._buy()
            await asyncio.sleep(self.dice.uniform(0, MOST_PAUSE_S))

    async def _buy(self) -> None:
        raise NotImplementedError

    def _note(self, fee_wei: int) -> None:
        self.answers += 1
        self.spent_wei += fee_wei


@dataclass
class ClassifierCustomer(Customer):
    """Asks for classifications, which workers answer."""

    inputs: Sequence[Sequence[int]] = ()

    async def _buy(self) -> None:
        features = self.dice.choice(self.inputs)
        try:
            answer = await self.purchases.classify(list(features))
        except (GatewayError, UnreachableError) as error:
            if isinstance(error, GatewayError) and error.status != BUSY:
                raise
            await asyncio.sleep(RETRY_S)  # given up after some tries: nothing was billed
            return
        self._note(int(answer["x_openledger"]["fee"]))


@dataclass
class TextCustomer(Customer):
    """Streams answers; `on_piece` hears how many pieces of an answer have come."""

    questions: Sequence[str] = ()
    max_tokens: int = MAX_TOKENS
    on_piece: Callable[[int], None] = lambda count: None

    async def _buy(self) -> None:
        assert isinstance(self.purchases, TextPurchases)
        question = self.dice.choice(self.questions)
        body = {
            "model": self.purchases.model,
            "messages": [{"role": "user", "content": question}],
            "max_tokens": self.max_tokens,
            "stream": True,
        }
        try:
            headers = await self.purchases.headers(body)
        except GatewayError as error:
            if error.status != BUSY:
                raise
            await asyncio.sleep(RETRY_S)
            return
        text, paid = await self._stream(body, headers)
        if not paid:
            await asyncio.sleep(RETRY_S)
            return
        if paid.get("interrupted"):
            self.interrupted += 1
            again = await self._stream(body, headers)
            assert again == (text, paid), "a retry brought back something else"
        self.purchases.accept(paid, text)
        self._note(int(paid["fee"]))

    async def _stream(
        self, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> tuple[str, dict[str, Any]]:
        """Text and `x_openledger` of an answer; nothing of either where nothing was delivered."""
        text, paid, pieces = "", dict[str, Any](), 0
        url = f"{self.purchases._gateway.url}/v1/chat/completions"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=body, headers=headers) as response,
        ):
            if response.status == BUSY:
                return text, paid
            assert response.status == 200, await response.text()
            async for line in response.content:
                if not line.startswith(b"data: {"):
                    continue
                chunk = orjson.loads(line[6:])
                if "error" in chunk:
                    assert chunk["error"]["code"] == "interrupted", chunk
                    continue
                text += chunk["choices"][0]["delta"].get("content") or ""
                paid = chunk.get("x_openledger", paid)
                pieces += 1
                self.on_piece(pieces)
        return text, paid


@asynccontextmanager
async def open_market(node: DevNode, directory: Path) -> AsyncIterator[tuple[World, Goods]]:
    """Data, two models, indexes and a served base; everything by public surfaces."""
    options = DemoOptions(
        node.url("rpc"), node.url("l1"), node.url("gateway"), as_json=True, part_records=PART_RECORDS
    )
    world = open_world(options, directory)
    try:
        classifier, inputs, digits = await _sell_classifier(world)
        text, questions = await _sell_text(world)
        yield world, Goods(classifier, inputs, text, questions, digits)
    finally:
        await close_world(world)


async def _sell_classifier(world: World) -> tuple[int, list[list[int]], DatasetVersion]:
    options = world.options
    data = await load_data(world.directory / "data", options.seed, options.copy_noise, options.part_records)
    datanet_id = await create_datanet(world)
    version = await publish(world, datanet_id, await contribute_all(world, datanet_id, data))
    published = await register(world, version, await train(world, version, data))
    return published.model_id, [list(record.features) for record in data.holdout], version


async def _sell_text(world: World) -> tuple[int, list[str]]:
    base = await make_base(world, TextDemoResult(), "tiny")
    data = await load_text_data(world.directory / "text", TEXT_PART_RECORDS)
    everyone = range(len(data.subjects))
    datanet_id = await create_datanet(world, "Python by subject", "docstrings", b"psf-2.0")
    contributed: list[Contributed] = await commit(world, datanet_id, data.parts, everyone)
    await reveal(world, everyone, contributed)
    version = await publish(world, datanet_id, contributed)
    request = FinetuneRequest(NAME, base, (version,), replace(RECIPE, epochs=1), licence="psf-2.0")
    trained = from_json(FinetuneResult, await world.gateway.job("finetune", to_json(request)))
    recipe = read_folder(ArtifactStore(world.directory / "base"), base)[RECIPE_FILE]
    parent = await register_model(world, base, NO_PARENT, recipe, None)
    model_id = await register_model(world, trained.model, parent, trained.manifest, version)
    await world.send(BUILDER, MODELS, "setPrice", model_id, *TEXT_PRICES_WEI)
    await publish_index(world, model_id, trained.manifest, "for sale")
    await serve_base(world, base)
    return model_id, [question for _number, question in data.questions(4)]


async def open_customers(
    world: World, goods: Goods, on_piece: Callable[[int], None], seed: int
) -> list[Customer]:
    """Two customers of the classifier and two of the language model, each with an account of its own."""
    customers: list[Customer] = []
    for number, account in enumerate(map(dev_account, CUSTOMERS)):
        is_text = number >= 2
        model_id = goods.text if is_text else goods.classifier
        deposit_wei = TEXT_DEPOSIT_WEI if is_text else CLASSIFIER_DEPOSIT_WEI
        terms = await _open_channel(world, account, model_id, deposit_wei)
        gateway, dice = GatewayClient(world.options.gateway_url), random.Random(seed + number)
        if is_text:
            bought: Purchases = TextPurchases(gateway, account, terms)
            customers.append(
                TextCustomer(account, bought, dice, questions=goods.questions, on_piece=on_piece)
            )
        else:
            bought = Purchases(gateway, account, terms)
            customers.append(ClassifierCustomer(account, bought, dice, inputs=goods.inputs))
    return customers


async def _open_channel(world: World, account: Account, model_id: int, deposit_wei: int) -> Terms:
    name = f"model-{model_id}"
    quote = await world.gateway.get(f"/v1/models/{name}/price")
    provider, chain_id = from_hex(quote["provider"]), await world.l2.chain_id()
    sender = Sender(world.l2, account)
    mined = await sender.transact(
        METERING, "openChannel", provider, model_id, account.address, value_wei=deposit_wei
    )
    channel_id = Hash32(mined.event("ChannelOpened").arguments["channelId"])
    channel = await world.reader.channel(channel_id)
    return Terms(channel_id, chain_id, name, channel.input_price_wei, channel.output_price_wei)


async def settle(world: World, customer: Customer) -> str:
    """Acknowledge what was received and ask for its settlement; its key, "" when all is settled."""
    async with customer.turn:
        if not customer.answers:
            return ""
        await customer.purchases.acknowledge()
    try:
        path = f"/api/channels/0x{customer.purchases.channel_id.hex()}/settle"
        return str((await world.gateway.post(path, {}))["key"])
    except GatewayError as error:
        if "every acknowledged receipt is settled" not in str(error):
            raise
        return ""
