"""Single calls paid by x402's own client, unmodified, in an EVM: billed is what was delivered."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp
import orjson
import pytest
import requests
from eth_account import Account as EthAccount
from x402 import SchemeRegistration, x402ClientConfig, x402ClientSync
from x402.http.clients.requests import wrapRequestsWithPayment
from x402.http.utils import (
    decode_payment_required_header,
    decode_payment_response_header,
    encode_payment_signature_header,
)
from x402.mechanisms.evm.upto import UptoEvmClientScheme

from genesis.addresses import OP_WETH9, PERMIT2
from genesis.shares import receipt_fee
from genesis.spec import OPEN_UNIT
from genesis.types import Hash32
from openledger_node.client.account import dev_account, dev_private_key
from openledger_node.client.contract import Contract
from openledger_node.client.economy import DATANETS, METERING, MODELS, ROLE_PROVIDER, STAKING
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.predeploys import predeploy_interface
from openledger_node.client.sender import Sender
from openledger_node.gateway.settling import SettlingRule, plan_settlement
from openledger_node.jobs.settlement import receipts_root_children
from tests.agents.evm_node import CHAIN_ID, EvmNode
from tests.client.law_node import LawNode
from tests.gateway.conftest import Running
from tests.gateway.text_server import ANSWER, ScriptedServer
from tests.jobs.economy import BUILDER, CUSTOMER, OWNER, PROVIDER, Economy, InlinePool, Trained
from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactStore

INPUT_PRICE_WEI, OUTPUT_PRICE_WEI = 10**18, 4 * 10**18
MODEL = "model-2"
MESSAGES = [{"role": "user", "content": "Who jumps?"}]
PROMPT_TOKENS = len(b"user: Who jumps?\n")
PURSE_WEI = 50 * OPEN_UNIT
PATH = "/v1/chat/completions"
WOPEN = Contract(OP_WETH9, predeploy_interface("WOPEN"))


async def text_economy(node: EvmNode, store: ArtifactStore, made: Trained) -> None:
    """A Datanet, a classifier and a language model with usable indexes, a staked provider."""
    for each in (OWNER, BUILDER, CUSTOMER, PROVIDER):
        node.fund(dev_account(each).address, 2_000 * OPEN_UNIT)
    for data in made.files.values():
        store.put(data)
    document = {"format": "openledger-folder/1", "files": {"config.json": store.put(b"{}")}}
    folder, model = store.put(canonical_json.encode(document)), made.model
    index = made.index
    roots = (index.rows_root, index.sums_root, index.preconditioner_hash, index.numeric_profile)
    counts = (index.rows, index.contributors, index.dimensions)
    owner, builder, provider = (
        Sender(Ethereum(node), dev_account(who)) for who in (OWNER, BUILDER, PROVIDER)
    )
    cc0 = b"cc0".ljust(32, b"\0")
    await owner.transact(DATANETS, "createDatanet", "Digits", "sha256:00", bytes(32), cc0, 0, 0)
    await owner.transact(DATANETS, "contribute", 1, b"\x01" * 32, made.index.rows, 1, value_wei=OPEN_UNIT)
    node.machine.advance(3, 3)
    await owner.transact(DATANETS, "reveal", 1, "sha256:00")
    await owner.transact(DATANETS, "review", 1, True, 10_000)
    await owner.transact(DATANETS, "publishVersion", 1)
    manifest = bytes.fromhex(model.manifest)
    for artifact, parent in ((model.model, 0), (folder, 1)):
        uri = f"sha256:{model.manifest}"
        await builder.transact(
            MODELS, "registerModel", bytes.fromhex(artifact), parent, manifest, [1], [1], uri
        )
    await builder.transact(MODELS, "setPrice", 2, INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)
    for account in (builder, provider):
        await account.transact(STAKING, "stake", ROLE_PROVIDER, value_wei=1_000 * OPEN_UNIT)
    await builder.transact(MODELS, "commitFeatureIndex", 2, *roots, *counts, f"sha256:{index.index}")
    node.machine.advance(10, 10)


Change = Callable[[Any], None]
"""What is done to x402's requirements before they are signed."""


MOST_WEI = 10 * OPEN_UNIT


def payer(controls: Any = False) -> x402ClientSync:
    """x402's client with the customer's key."""
    scheme = UptoEvmClientScheme(EthAccount.from_key(dev_private_key(CUSTOMER)))
    schemes = [SchemeRegistration("eip155:*", scheme)]
    return x402ClientSync.from_config(x402ClientConfig(schemes, spend_controls=controls))


CONTROLS = {
    "allowed_assets": [
        {
            "network": f"eip155:{CHAIN_ID}",
            "asset": f"0x{OP_WETH9.hex()}",
            "max_amount_per_payment": str(MOST_WEI),
        }
    ]
}
"""x402's client pays in tokens it does not know only where it is told to, and at most so much."""


async def signed_payment(url: str, body: dict[str, Any], change: Change = lambda _: None) -> str:
    """The header that x402's client would send, its offer changed before it signs."""
    asked = await asyncio.to_thread(requests.post, f"{url}{PATH}", json=body, timeout=60)
    assert asked.status_code == 402
    required = decode_payment_required_header(asked.headers["PAYMENT-REQUIRED"])
    change(required.accepts[0])
    return encode_payment_signature_header(payer().create_payment_payload(required))


async def fill_purse(node: EvmNode) -> None:
    """WOPEN for the customer, which Permit2 may move."""
    customer = Sender(Ethereum(node), dev_account(CUSTOMER))
    await customer.transact(WOPEN, "deposit", value_wei=PURSE_WEI)
    await customer.transact(WOPEN, "approve", PERMIT2, 2**256 - 1)


async def purse_wei(node: EvmNode) -> int:
    return int(await Ethereum(node).read(WOPEN, "balanceOf", dev_account(CUSTOMER).address))


@dataclass
class Shop:
    """A gateway with a language model behind it, and a customer who has WOPEN and no channel."""

    node: EvmNode
    running: Running
    server: ScriptedServer

    def body(self, **more: Any) -> dict[str, Any]:
        return {"model": MODEL, "messages": MESSAGES, **more}

    async def buy(self, body: dict[str, Any]) -> requests.Response:
        """A post by x402's client around `requests`, as its documentation shows."""
        session = wrapRequestsWithPayment(requests.Session(), payer(CONTROLS))
        return await asyncio.to_thread(session.post, f"{self.running.url}{PATH}", json=body, timeout=60)

    async def post(self, body: dict[str, Any], payment: str | None = None) -> requests.Response:
        headers = {} if payment is None else {"PAYMENT-SIGNATURE": payment}
        url = f"{self.running.url}{PATH}"
        return await asyncio.to_thread(requests.post, url, json=body, headers=headers, timeout=60)

    async def payment(self, body: dict[str, Any], change: Change = lambda _: None) -> str:
        return await signed_payment(self.running.url, body, change)

    async def purse_wei(self) -> int:
        return await purse_wei(self.node)

    async def approve(self, wei: int) -> None:
        await Sender(Ethereum(self.node), dev_account(CUSTOMER)).transact(WOPEN, "approve", PERMIT2, wei)


@pytest.fixture
async def shop(tmp_path: Path, made: Trained) -> AsyncIterator[Shop]:
    node, store, server = EvmNode(), ArtifactStore(tmp_path / "artifacts"), ScriptedServer()
    await text_economy(node, store, made)
    await fill_purse(node)
    await server.start()
    economy = Economy(cast("LawNode", node), store, made, Hash32(bytes(32)))
    rule = SettlingRule(look_every_s=3600.0)
    running = Running(economy, tmp_path / "node", InlinePool(store), rule, text_server=server)
    await running.start()
    yield Shop(node, running, server)
    await running.stop()
    await server.stop()


def fee_wei(tokens_out: int) -> int:
    return receipt_fee(PROMPT_TOKENS, tokens_out, INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)


async def test_x402s_client_pays_for_what_was_used_and_everybody_gets_a_part(shop: Shop) -> None:
    """The answer has 86 bytes, the payment was signed for 200."""
    answer = await shop.buy(shop.body(max_tokens=200))
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["choices"][0]["message"]["content"] == ANSWER
    used_wei = fee_wei(len(ANSWER))
    settled = decode_payment_response_header(answer.headers["PAYMENT-RESPONSE"])
    assert (settled.success, settled.amount) == (True, str(used_wei))
    assert settled.transaction in shop.node.receipts
    assert settled.network == f"eip155:{CHAIN_ID}"
    assert await shop.purse_wei() == PURSE_WEI - used_wei
    paid = said["x_openledger"]
    assert (paid["fee"], paid["receipt"]["number"]) == (str(used_wei), 0)
    channel_id = Hash32(bytes.fromhex(paid["receipt"]["channelId"][2:]))
    channel = await shop.running.economy.reader.channel(channel_id)
    assert (channel.provider, channel.model_id) == (dev_account(PROVIDER).address, 2)
    assert channel.deposit_wei == used_wei + 1
    await _assert_split(shop, channel_id, used_wei)


async def _assert_split(shop: Shop, channel_id: Hash32, used_wei: int) -> None:
    """The provider settles with its own voucher, and every party's part is on chain."""
    gateway = shop.running.gateway
    assert gateway is not None
    reader, ethereum = shop.running.economy.reader, Ethereum(shop.node)
    signed = await gateway.parts.receipts.newest_voucher(channel_id)
    assert signed is not None
    receipts = await gateway.parts.receipts.of_channel(channel_id)
    plan = plan_settlement(await reader.channel(channel_id), signed, receipts, 0)
    left, right = receipts_root_children(plan, CHAIN_ID)
    root, queries = plan.receipts_root, b"\x01" * 32
    sums = (left.hash, left.sum, right.hash, right.sum)
    mined = await Sender(ethereum, dev_account(PROVIDER)).transact(
        METERING, "settle", channel_id, 1, used_wei, root, plan.signature, *sums, queries, "uri"
    )
    parts = mined.event("Settled").arguments
    assert parts["gross"] == used_wei
    shares = [parts[name] for name in ("platform", "provider", "owner", "stakers")]
    assert min(shares) > 0
    pool_wei = (await reader.settlement(1)).pool_wei
    passed_wei = await ethereum.read(METERING, "passedTo", 1)
    assert sum(shares) + pool_wei + passed_wei == used_wei, "contributors get the rest, the base its part"


async def test_a_payer_has_one_channel_and_a_stream_says_what_it_cost(shop: Shop) -> None:
    body = shop.body(max_tokens=20, stream=True)
    channels = set()
    for number in range(2):
        answer = await shop.buy(body)
        events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
        assert events[-1] == "[DONE]"
        paid = orjson.loads(events[-2])["x_openledger"]
        assert (paid["receipt"]["number"], paid["x402"]["amount"]) == (number, str(fee_wei(20)))
        channels.add(paid["receipt"]["channelId"])
    assert len(channels) == 1
    assert await shop.purse_wei() == PURSE_WEI - 2 * fee_wei(20)


async def test_the_same_payment_brings_back_the_same_answer_and_pays_for_no_other(shop: Shop) -> None:
    body = shop.body(max_tokens=7)
    payment = await shop.payment(body)
    first = await shop.post(body, payment)
    await shop.running.restart()
    again = await shop.post(body, payment)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["PAYMENT-RESPONSE"] == first.headers["PAYMENT-RESPONSE"]
    other = await shop.post(shop.body(max_tokens=6), payment)
    assert (other.status_code, other.json()["error"]["code"]) == (402, "payment_used")
    assert "PAYMENT-REQUIRED" in other.headers
    assert await shop.purse_wei() == PURSE_WEI - fee_wei(7)
    assert len(shop.server.asked) == 1


def _set(**fields: Any) -> Change:
    def change(offer: Any) -> None:
        for name, value in fields.items():
            setattr(offer, name, value)

    return change


def _facilitator(offer: Any) -> None:
    offer.extra["facilitatorAddress"] = "0x" + "22" * 20


WRONG: list[tuple[Change, str]] = [
    (_set(amount="5"), "payment_too_small"),
    (_set(network="eip155:1"), "wrong_chain"),
    (_set(asset="0x" + "11" * 20), "wrong_asset"),
    (_set(pay_to="0x" + "11" * 20), "wrong_recipient"),
    (_facilitator, "wrong_facilitator"),
    (_set(max_timeout_seconds=3), "payment_expired"),
]


async def test_a_payment_that_is_not_for_this_call_is_refused_by_name(shop: Shop) -> None:
    body = shop.body(max_tokens=7)
    for change, code in WRONG:
        refused = await shop.post(body, await shop.payment(body, change))
        assert (refused.status_code, refused.json()["error"]["code"]) == (402, code)
        assert refused.json()["x_openledger"]["terms"]["maximumFee"] == str(fee_wei(7))
    assert shop.server.asked == []
    assert await shop.purse_wei() == PURSE_WEI


async def test_what_the_chain_would_refuse_is_refused_before_any_work(shop: Shop) -> None:
    body = shop.body(max_tokens=7)
    payment = await shop.payment(body)
    forged = orjson.loads(base64.b64decode(payment))
    forged["payload"]["signature"] = "0x" + "11" * 64 + "1b"
    await _refused(shop, body, base64.b64encode(orjson.dumps(forged)).decode(), "bad_signature")
    await shop.approve(fee_wei(7) - 1)
    await _refused(shop, body, payment, "insufficient_allowance")
    await shop.approve(2**256 - 1)
    spender = Sender(Ethereum(shop.node), dev_account(CUSTOMER))
    await spender.transact(WOPEN, "withdraw", PURSE_WEI - fee_wei(7) + 1)
    await _refused(shop, body, payment, "insufficient_balance")
    for nonsense in ("", "e30=", "%%%", base64.b64encode(b'{"x402Version": 1}').decode()):
        await _refused(shop, body, nonsense, "malformed_payment")


async def _refused(shop: Shop, body: dict[str, Any], payment: str, code: str) -> None:
    refused = await shop.post(body, payment)
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, code)
    assert shop.server.asked == []


async def test_a_server_that_breaks_off_is_paid_for_what_came(shop: Shop) -> None:
    shop.server.break_after = 4
    answer = await shop.buy(shop.body(max_tokens=20, stream=True))
    assert '"interrupted":"server_lost"' in answer.text
    assert await shop.purse_wei() == PURSE_WEI - fee_wei(4)
    shop.server.break_after = 0
    assert (await shop.buy(shop.body(max_tokens=20))).status_code == 503
    assert await shop.purse_wei() == PURSE_WEI - fee_wei(4)


async def test_a_customer_that_leaves_a_stream_pays_for_what_went_out(shop: Shop) -> None:
    shop.server.pause_s = 0.02
    body = shop.body(max_tokens=80, stream=True)
    payment = await shop.payment(body)
    seen = 0
    headers = {"PAYMENT-SIGNATURE": payment}
    async with (
        aiohttp.ClientSession(shop.running.url) as plain,
        plain.post(PATH, json=body, headers=headers) as stream,
    ):
        async for line in stream.content:
            seen += line.startswith(b"data: ")
            if seen == 10:
                break
    async with asyncio.timeout(10):
        while await shop.purse_wei() == PURSE_WEI:
            await asyncio.sleep(0.05)
    shop.server.pause_s = 0.0
    again = await shop.post(body, payment)
    (chunk,) = [orjson.loads(line[6:]) for line in again.text.splitlines() if line.startswith("data: {")]
    text, paid = chunk["choices"][0]["delta"]["content"], chunk["x_openledger"]
    assert 10 <= len(text) < 80
    assert (paid["interrupted"], paid["fee"]) == ("customer_gone", str(fee_wei(len(text))))
    assert await shop.purse_wei() == PURSE_WEI - fee_wei(len(text))


async def test_a_payer_that_empties_its_purse_meanwhile_gets_no_answer_at_once(shop: Shop) -> None:
    shop.server.pause_s = 0.02
    body = shop.body(max_tokens=20)
    asking = asyncio.create_task(shop.post(body, await shop.payment(body)))
    async with asyncio.timeout(10):
        while not shop.server.asked:
            await asyncio.sleep(0.01)
    await shop.approve(0)
    refused = await asking
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "payment_failed")
    assert "choices" not in refused.json()
    await shop.approve(2**256 - 1)
    paid = (await shop.buy(body)).json()["x_openledger"]
    assert (paid["receipt"]["number"], paid["feesSoFar"]) == (0, str(fee_wei(20)))


async def test_another_price_is_another_channel(shop: Shop) -> None:
    builder = Sender(Ethereum(shop.node), dev_account(BUILDER))
    fees = []
    for price_wei in (OUTPUT_PRICE_WEI, 2 * OUTPUT_PRICE_WEI):
        await builder.transact(MODELS, "setPrice", 2, INPUT_PRICE_WEI, price_wei)
        await asyncio.sleep(1.1)  # the catalogue's memory
        paid = (await shop.buy(shop.body(max_tokens=10))).json()["x_openledger"]
        fees.append((paid["receipt"]["number"], int(paid["fee"])))
    dearer = receipt_fee(PROMPT_TOKENS, 10, INPUT_PRICE_WEI, 2 * OUTPUT_PRICE_WEI)
    assert fees == [(0, fee_wei(10)), (0, dearer)]
