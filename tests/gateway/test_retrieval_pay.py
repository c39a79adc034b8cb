"""Retrieved records are paid: offered, agreed by the customer, settled, claimed to the wei; or only cited."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING
from genesis.types import Address, Hash32
from openledger_node.client.account import dev_account
from openledger_node.client.economy import METERING, MODELS, EconomyReader
from openledger_node.client.errors import DishonestReceiptError, RevertedError
from openledger_node.client.ethereum import Ethereum, from_hex
from openledger_node.client.gateway import GatewayClient, GatewayError
from openledger_node.client.purchase_journal import PurchaseJournal
from openledger_node.client.retrieval_shares import Bought, Cited, retrieval_limit_wei, shared_leaves
from openledger_node.client.sender import Sender
from openledger_node.jobs.settlement import SettlementPlan, SettlementProgress, settlement_document
from tests.gateway.test_retrieval import DATANET, ask, publish
from tests.gateway.test_text import Shop, shop
from tests.jobs.economy import BUILDER, CHAIN_ID, CUSTOMER
from workers.artifacts import canonical_json

__all__ = ["shop"]
FIRST, SECOND = dev_account(1).address, dev_account(2).address
QUERIES = Hash32(b"\x11" * 32)


def sender(shop: Shop, account: int) -> Sender:
    return Sender(Ethereum(shop.running.economy.node), dev_account(account))


async def consent(shop: Shop, allowed: bool = True) -> None:
    await sender(shop, BUILDER).transact(MODELS, "setRetrieval", 2, DATANET, allowed)


async def offer(shop: Shop) -> dict[str, Any]:
    path = f"/v1/channels/0x{shop.purchases.channel_id.hex()}/retrieval"
    return dict(await shop.running.http.get(path))


async def plan(shop: Shop) -> SettlementPlan:
    """What the gateway is about to settle; from its disk."""
    path = f"/api/channels/0x{shop.purchases.channel_id.hex()}/settle"
    started = await shop.running.http.post(path, {})
    gateway = shop.running.gateway
    assert gateway is not None
    found = await gateway.parts.settlements.get(started["key"])
    assert found is not None
    return found[0]


async def settle(shop: Shop, planned: SettlementPlan) -> SettlementProgress:
    """Send a plan; the queries are made up, since the index behind this model is a classifier's."""
    gateway = shop.running.gateway
    assert gateway is not None
    document = canonical_json.encode(settlement_document(planned, CHAIN_ID, "00"))
    uri = f"sha256:{shop.running.economy.store.put(document)}"
    progress = SettlementProgress(queries_root=QUERIES, uri=uri)
    return await gateway.parts.attestor._settle(planned, progress, None)  # type: ignore[arg-type] # looks at nothing


async def claim(shop: Shop, found: dict[str, Any], **changed: Any) -> None:
    """Send what the gateway proved, by somebody else; or something like it."""
    place = found["membership"]
    numbers = [int(place[name], 16) for name in ("position", "contributionId", "firstRecord")]
    arguments = {
        "number": int(found["retrievalId"], 16),
        "index": int(found["contributorIndex"], 16),
        "contributor": Address(from_hex(found["contributor"])),
        "amount": int(found["amount"], 16),
        "siblings": [from_hex(each) for each in found["siblings"]],
        "sums": [int(each, 16) for each in found["siblingSums"]],
        "membership": (*numbers, [from_hex(each) for each in place["proof"]]),
    } | changed
    await sender(shop, CUSTOMER).transact(METERING, "claimRetrieval", *arguments.values())


async def test_records_are_paid_to_the_wei_and_once(shop: Shop) -> None:
    await publish(shop)
    await consent(shop)
    await ask(shop)
    await ask(shop, messages=[{"role": "user", "content": "How is bread made, of flour and water?"}])
    await shop.purchases.acknowledge()
    await shop.restart()
    planned = await plan(shop)
    assert planned.retrieval is not None, "the agreement is on disk"
    reader = EconomyReader(Ethereum(shop.running.economy.node))
    limit_wei = retrieval_limit_wei(shop.purchases.tree.total_fee_wei, await reader.policy(1), True)
    (shared,) = planned.retrieval.shares
    assert limit_wei - 10 <= shared.amount_wei <= limit_wei, "every receipt cites; divisions floor"
    before = {each: await reader.ethereum.balance_wei(each) for each in (ATTRIBUTION, FIRST, SECOND)}
    progress = await settle(shop, planned)
    settled = await reader.settlement(progress.settlement_id)
    parents_wei = await reader.ethereum.read(METERING, "passedTo", 1)
    pools_wei = await reader.ethereum.balance_wei(ATTRIBUTION) - before[ATTRIBUTION]
    audits_wei = await reader.ethereum.read(METERING, "auditsTotal")
    assert pools_wei == settled.pool_wei + parents_wei + audits_wei
    held_wei = await reader.ethereum.balance_wei(INFERENCE_METERING)
    for contributor in (FIRST, SECOND):
        found = await shop.running.http.get(f"/v1/retrievals/1/0x{contributor.hex()}")
        assert found["claimed"] is False
        await claim(shop, found)
        amount = int(found["amount"], 16)
        assert amount == dict(shared.leaves)[contributor]
        assert await reader.ethereum.balance_wei(contributor) == before[contributor] + amount
        with pytest.raises(RevertedError, match="AlreadyClaimed"):
            await claim(shop, found)
        again = await shop.running.http.get(f"/v1/retrievals/1/0x{contributor.hex()}")
        assert again["claimed"] is True
    assert await reader.ethereum.balance_wei(INFERENCE_METERING) == held_wei - shared.amount_wei
    assert (await reader.ethereum.read(METERING, "getRetrieval", 1))["claimed"] == shared.amount_wei


async def test_claims_that_are_wrong_are_refused(shop: Shop) -> None:
    await publish(shop)
    await consent(shop)
    await ask(shop, retrieval={"datanet": DATANET, "top_k": 3})
    await shop.purchases.acknowledge()
    await settle(shop, await plan(shop))
    found = await shop.running.http.get(f"/v1/retrievals/1/0x{FIRST.hex()}")
    other = await shop.running.http.get(f"/v1/retrievals/1/0x{SECOND.hex()}")
    with pytest.raises(RevertedError, match=r"InvalidProof.*contributor"):
        await claim(shop, found | {"membership": other["membership"]})
    with pytest.raises(RevertedError, match=r"InvalidProof.*amount"):
        await claim(shop, found, contributor=SECOND)
    with pytest.raises(RevertedError, match=r"InvalidProof.*amount"):
        await claim(shop, found, amount=int(found["amount"], 16) + 1)
    with pytest.raises(GatewayError, match="has nothing in retrieval 1"):
        await shop.running.http.get(f"/v1/retrievals/1/0x{dev_account(3).address.hex()}")
    with pytest.raises(GatewayError, match="no retrieval 2"):
        await shop.running.http.get(f"/v1/retrievals/2/0x{FIRST.hex()}")


async def test_the_next_call_agrees_too_and_later_settlements_start_anew(shop: Shop) -> None:
    """A customer that goes on buying signs with each call; what is settled once is not offered again."""
    await publish(shop)
    await consent(shop)
    await ask(shop)
    await ask(shop, retrieval=False)
    planned = await plan(shop)
    assert (planned.receipt_count, planned.retrieval is not None) == (1, True), "call 2 acknowledged call 1"
    await settle(shop, planned)
    await shop.purchases.acknowledge()
    assert (await offer(shop))["shares"] == []
    later = await plan(shop)
    assert (later.first_receipt, later.receipt_count, later.retrieval) == (1, 2, None)
    await settle(shop, later)


async def test_a_customer_that_does_not_sign_is_billed_as_others(shop: Shop) -> None:
    await publish(shop)
    await consent(shop)
    await ask(shop)
    shop.purchases.bought.clear()
    await shop.purchases.acknowledge()
    assert len((await offer(shop))["shares"]) == 1
    planned = await plan(shop)
    assert planned.retrieval is None
    assert (await settle(shop, planned)).settlement_id == 1


async def test_without_the_owners_consent_nothing_is_offered(shop: Shop) -> None:
    await publish(shop)
    await ask(shop)
    assert (await offer(shop))["shares"] == []
    await shop.purchases.acknowledge()
    assert (await plan(shop)).retrieval is None


async def test_consent_that_is_taken_back_leaves_the_rest_settled(shop: Shop) -> None:
    """Also between plan and transaction: then the chain refuses, and it is settled without."""
    await publish(shop)
    await consent(shop)
    await ask(shop)
    await shop.purchases.acknowledge()
    planned = await plan(shop)
    await consent(shop, allowed=False)
    progress = await settle(shop, planned)
    reader = EconomyReader(Ethereum(shop.running.economy.node))
    assert (await reader.settlement(progress.settlement_id)).receipts == 1
    with pytest.raises(RevertedError, match="RetrievalNotFound"):
        await reader.ethereum.read(METERING, "getRetrieval", 1)


async def test_only_the_voucher_key_agrees_and_only_on_what_is_offered(shop: Shop) -> None:
    await publish(shop)
    await consent(shop)
    await ask(shop)
    path = f"/v1/channels/0x{shop.purchases.channel_id.hex()}/retrieval"
    for body, status in (
        ({"receiptCount": 1, "signature": f"0x{'11' * 64}1b"}, 409),
        ({"receiptCount": 2, "signature": f"0x{'11' * 64}1b"}, 409),
        ({"receiptCount": "1", "signature": f"0x{'11' * 64}1b"}, 400),
        ({"receiptCount": 1, "signature": "0x11"}, 400),
    ):
        with pytest.raises(GatewayError) as caught:
            await shop.running.http.post(path, body)
        assert caught.value.status == status


class Forger(GatewayClient):
    """A gateway that offers other shares than the answers cite."""

    def __init__(self, url: str, **changed: Any) -> None:
        super().__init__(url)
        self._changed = changed

    async def get(self, path: str) -> Any:
        found = await super().get(path)
        return found | self._changed if path.endswith("/retrieval") else found


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"shares": []}, "not what the answers cited"),
        ({"limit": str(10**30)}, "more than the answers cost"),
        ({"limit": "1000000"}, "not what the answers cited"),
        ({"receiptCount": 2}, "for other receipts"),
    ],
)
async def test_a_customer_signs_nothing_but_what_was_cited(
    shop: Shop, changed: dict[str, Any], why: str
) -> None:
    await publish(shop)
    await consent(shop)
    await ask(shop)
    shop.purchases._gateway = Forger(shop.running.url, **changed)
    with pytest.raises(DishonestReceiptError, match=why):
        await shop.purchases.acknowledge()
    await shop.purchases._gateway.close()


def test_parts_follow_fees_and_weights_and_never_exceed_the_limit() -> None:
    a, b = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
    bought = [
        Bought(70, Cited(2, 1, ((b, 600_000), (a, 400_000)))),
        Bought(20, Cited(2, 1, ((b, 1_000_000),))),
        Bought(10, None),
        Bought(100, Cited(3, 1, ((a, 1_000_000),))),
    ]
    (shared,) = shared_leaves(bought, 1_001, {2})
    assert shared.leaves == ((a, 140), (b, 210 + 100)), "fees of 350 and 100 out of 1001"
    both = shared_leaves(bought, 1_001, {2, 3})
    assert [each.datanet_id for each in both] == [2, 3]
    assert sum(each.amount_wei for each in both) == 950
    assert shared_leaves(bought, 0, {2, 3}) == ()
    assert shared_leaves([replace(each, fee_wei=0) for each in bought], 10, {2}) == ()


def test_the_journal_keeps_what_was_cited(tmp_path: Path) -> None:
    journal = PurchaseJournal(tmp_path / "journal", CHAIN_ID, Hash32(bytes(32)))
    bought = [Bought(5, Cited(2, 1, ((FIRST, 1_000_000),))), Bought(7, None)]
    for number, each in enumerate(bought):
        journal.append(Hash32(bytes([number]) * 32), each.fee_wei, None, each.cited)
    assert journal.bought() == bought
    assert journal.tree().total_fee_wei == 12
