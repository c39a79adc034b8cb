"""From bought answers to paid contributors, with a real worker process; settlement by rule and on demand."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genesis.typed_data import Voucher
from genesis.types import Address, Hash32
from openledger_node.client.account import dev_account
from openledger_node.client.economy import METERING
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import GatewayError
from openledger_node.client.sender import Sender
from openledger_node.client.vouchers import SignedVoucher
from openledger_node.gateway.channels import Channels, ChannelSession
from openledger_node.gateway.receipts import StoredReceipt
from openledger_node.gateway.settling import SettlingRule, is_due
from openledger_node.jobs.ports import Progress, WorkerFailedError
from precompiles.views.metering import Channel
from tests.gateway.conftest import Running
from tests.gateway.test_inference import features
from tests.jobs.economy import CUSTOMER, Economy, InlinePool

CHANNEL = Channel(
    payer=Address(bytes(20)),
    provider=Address(bytes(20)),
    voucher_key=Address(bytes(20)),
    model_id=1,
    feature_index=1,
    policy_version=1,
    input_price_wei=1,
    output_price_wei=1,
    deposit_wei=1,
    settled_fee_wei=0,
    settled_receipts=0,
    closable_at_s=0,
)


def receipt(created_s: float) -> StoredReceipt:
    return StoredReceipt(
        Hash32(bytes(32)), 0, Hash32(bytes(32)), 1, 1, 1, b"", b"", (), {}, b"", "", created_s
    )


def test_settlement_is_due_by_count_age_or_closing() -> None:
    rule = SettlingRule(receipts=2, age_s=100.0)
    assert not is_due(rule, CHANNEL, [], 1_000.0)
    assert not is_due(rule, CHANNEL, [receipt(950.0)], 1_000.0)
    assert is_due(rule, CHANNEL, [receipt(900.0)], 1_000.0)
    assert is_due(rule, CHANNEL, [receipt(999.0)] * 2, 1_000.0)
    assert is_due(rule, replace(CHANNEL, closable_at_s=1_010), [receipt(999.0)], 1_000.0)


async def settled(running: Running, key: str, member: str) -> dict[str, object]:
    """Let blocks pass until a settlement has `member`."""
    async with asyncio.timeout(60):
        while True:
            found: dict[str, object] = await running.http.get(f"/api/settlements/{key}")
            assert not found["error"]
            if found[member]:
                return found
            running.economy.node.advance(1)
            await asyncio.sleep(0.05)


async def test_bought_answers_are_settled_attributed_and_explained(with_worker: Running) -> None:
    purchases = await with_worker.purchases()
    for number in range(6):
        await purchases.classify(features(with_worker.economy, number))
    await purchases.acknowledge()
    channel = f"0x{purchases._terms.channel_id.hex()}"
    started = await with_worker.http.post(f"/api/channels/{channel}/settle", {})
    again = await with_worker.http.post(f"/api/channels/{channel}/settle", {})
    assert again == started
    found = await settled(with_worker, started["key"], "final")
    assert set(found["transactions"]) == {"settle", "post", "finalize", "release"}  # type: ignore[call-overload] # JSON
    post = await with_worker.economy.reader.post(int(str(found["postId"])))
    assert 0 < post.amount_sum_wei <= post.pool_wei
    explained = await with_worker.http.get(f"/v1/attributions/{channel[2:]}-2")
    scores = [int(each["score"]) for each in explained["contributors"]]
    assert scores == sorted(scores, reverse=True)
    assert len(explained["records"]) == 5
    with pytest.raises(GatewayError, match="every acknowledged receipt is settled"):
        await with_worker.http.post(f"/api/channels/{channel}/settle", {})


async def test_a_closing_channel_is_settled_without_being_asked(with_worker: Running) -> None:
    purchases = await with_worker.purchases()
    await purchases.classify(features(with_worker.economy))
    await purchases.acknowledge()
    channel_id = purchases._terms.channel_id
    await Sender(Ethereum(with_worker.economy.node), dev_account(CUSTOMER)).transact(
        METERING, "requestClose", channel_id
    )
    await settled(with_worker, f"{channel_id.hex()}-1", "settlementId") if await _planned(
        with_worker, f"{channel_id.hex()}-1"
    ) else pytest.fail("no settlement was started")


async def _planned(running: Running, key: str) -> bool:
    for _ in range(100):
        try:
            await running.http.get(f"/api/settlements/{key}")
        except GatewayError:
            await asyncio.sleep(0.1)
        else:
            return True
    return False


class HoldingPool(InlinePool):
    """Computes what settlements need once `go` is set, or fails it while `is_broken`."""

    def __init__(self, economy: Economy) -> None:
        super().__init__(economy.store)
        self.go = asyncio.Event()
        self.is_broken = False

    async def run(self, kind: str, request: Any, progress: Progress | None = None) -> Any:
        if kind == "attribution" and self.is_broken:
            raise WorkerFailedError("broken", "no", retryable=False)
        if kind == "queries":
            await self.go.wait()
        return await super().run(kind, request, progress)


async def test_what_comes_during_a_settlement_is_the_next_ones(economy: Economy, tmp_path: Path) -> None:
    """Two settlements from the same receipt on could not both be taken; one that stopped is started again."""
    pool = HoldingPool(economy)
    running = Running(economy, tmp_path / "node", pool, SettlingRule(look_every_s=3_600.0))
    await running.start()
    purchases = await running.purchases()
    path = f"/api/channels/0x{purchases.channel_id.hex()}/settle"
    keys = []
    for number in range(2):
        await purchases.classify(features(economy, number))
        await purchases.acknowledge()
        keys.append((await running.http.post(path, {}))["key"])
    assert keys[0] == keys[1]
    pool.is_broken = True
    pool.go.set()
    async with asyncio.timeout(60):
        while not (await running.http.get(f"/api/settlements/{keys[0]}"))["error"]:
            await asyncio.sleep(0.05)
    pool.is_broken = False
    assert (await running.http.post(path, {}))["key"] == keys[0]
    await settled(running, keys[0], "final")
    second = (await running.http.post(path, {}))["key"]
    assert (await settled(running, second, "final"))["firstReceipt"] == 1
    await running.stop()


async def test_a_settlement_that_lands_while_the_next_is_planned_is_counted(
    economy: Economy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The channel is read, then what was on its way arrives: the next one begins behind it."""
    pool = HoldingPool(economy)
    running = Running(economy, tmp_path / "node", pool, SettlingRule(look_every_s=3_600.0))
    await running.start()
    purchases = await running.purchases()
    path = f"/api/channels/0x{purchases.channel_id.hex()}/settle"
    await purchases.classify(features(economy, 0))
    await purchases.acknowledge()
    first = (await running.http.post(path, {}))["key"]
    await purchases.classify(features(economy, 1))
    await purchases.acknowledge()
    read = Channels.channel

    async def read_slowly(channels: Channels, session: ChannelSession, fresh: bool = False) -> Channel:
        channel = await read(channels, session, fresh)
        if fresh and not pool.go.is_set():
            pool.go.set()
            await settled(running, first, "settlementId")
        return channel

    monkeypatch.setattr(Channels, "channel", read_slowly)
    second = (await running.http.post(path, {}))["key"]
    assert (await settled(running, second, "final"))["firstReceipt"] == 1
    await running.stop()


async def test_nothing_bought_is_not_found(running: Running) -> None:
    with pytest.raises(GatewayError) as caught:
        await running.http.post(f"/api/channels/0x{'11' * 32}/settle", {})
    assert caught.value.status == 404


async def test_a_receipt_has_an_attribution_before_it_is_settled(running: Running) -> None:
    purchases = await running.purchases()
    await purchases.classify(features(running.economy))
    receipt = f"{purchases._terms.channel_id.hex()}-0"
    explained = await running.http.get(f"/v1/attributions/{receipt}")
    assert (explained["settlementId"], explained["postId"], explained["final"]) == (0, 0, False)
    scores = [int(each["score"]) for each in explained["contributors"]]
    assert scores == sorted(scores, reverse=True)
    assert any(scores)


async def test_a_channel_that_cannot_be_settled_holds_up_no_other(economy: Economy, tmp_path: Path) -> None:
    """One that the chain does not know, as after a payer's chain was reorganised, is first in line."""
    rule = SettlingRule(receipts=1, look_every_s=0.05)
    running = Running(economy, tmp_path / "node", InlinePool(economy.store), rule)
    await running.start()
    assert running.gateway is not None
    lost = Voucher(Hash32(bytes(32)), 1, 1, Hash32(bytes(32)))
    await running.gateway.parts.receipts.keep_voucher(SignedVoucher(lost, bytes(65)))
    purchases = await running.purchases()
    await purchases.classify(features(economy))
    await purchases.acknowledge()
    assert await _planned(running, f"{purchases.channel_id.hex()}-1")
    await running.stop()
