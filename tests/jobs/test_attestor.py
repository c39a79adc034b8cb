"""The attestor against the law: paid once, posted right, whatever dies in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genesis.types import Hash32
from openledger_node.client.account import dev_account
from openledger_node.client.economy import ATTRIBUTION, METERING, POST_FINAL, EconomyReader
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.sender import Sender
from openledger_node.jobs import settlements, table
from openledger_node.jobs.attestor import Attestor, AttestorParts
from openledger_node.jobs.database import Database, sqlite_url
from openledger_node.jobs.ports import Progress, WorkerFailedError
from openledger_node.jobs.scheduler import JobScheduler
from openledger_node.jobs.settlement import SettlementProgress
from openledger_node.jobs.settlements import SettlementTable
from openledger_node.jobs.table import JobTable
from tests.jobs.economy import PROVIDER, Economy, InlinePool, paid_plan
from tests.jobs.fakes import ManualClock


class ChainClock(ManualClock):
    """Sleeping lets blocks pass."""

    def __init__(self, economy: Economy) -> None:
        super().__init__()
        self._economy = economy

    async def sleep(self, seconds: float) -> None:
        self._economy.node.advance(1)
        await asyncio.sleep(0.001)


class FailingOncePool(InlinePool):
    """Its first job fails for good."""

    has_failed = False

    async def run(self, kind: str, request: Any, progress: Progress | None = None) -> Any:
        if not self.has_failed:
            self.has_failed = True
            raise WorkerFailedError("OL-2000", "out of luck", retryable=False)
        return await super().run(kind, request, progress)


@asynccontextmanager
async def attesting(
    economy: Economy, directory: Path, pool: InlinePool | None = None
) -> AsyncIterator[Attestor]:
    """An attestor with its scheduler, ended as a killed process would be: in the middle of anything."""
    url = sqlite_url(directory / "gateway.sqlite")
    database = await Database.open(url, [table.SCHEMA, settlements.SCHEMA])
    clock = ChainClock(economy)
    scheduler = JobScheduler(JobTable(database), pool or InlinePool(economy.store), clock)
    ethereum = Ethereum(economy.node)
    attestor = Attestor(
        AttestorParts(
            table=SettlementTable(database),
            scheduler=scheduler,
            artifacts=economy.store,
            reader=EconomyReader(ethereum),
            sender=Sender(ethereum, dev_account(PROVIDER), clock),
            clock=clock,
        )
    )
    tasks = [asyncio.create_task(scheduler.run()), asyncio.create_task(attestor.run())]
    try:
        yield attestor
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await database.close()


async def final(economy: Economy, directory: Path, key: str, patience_s: float = 30.0) -> int:
    """The post of a settlement once it is final."""
    progress = await ended(directory, key, patience_s)
    assert not progress.error
    return progress.post_id


async def ended(directory: Path, key: str, patience_s: float = 30.0) -> SettlementProgress:
    """How a settlement is once nothing more happens to it."""
    database = await Database.open(sqlite_url(directory / "gateway.sqlite"), [settlements.SCHEMA])
    async with asyncio.timeout(patience_s):
        while True:
            found = await SettlementTable(database).get(key)
            if found is not None and (found[1].final or found[1].error):
                await database.close()
                return found[1]
            await asyncio.sleep(0.01)


async def counted(economy: Economy) -> tuple[int, int, int]:
    """How many settlements, posts and final posts there are."""
    ethereum = Ethereum(economy.node)
    return (
        len(await ethereum.events(METERING, "Settled")),
        len(await ethereum.events(ATTRIBUTION, "AttributionPosted")),
        len(await ethereum.events(ATTRIBUTION, "PostFinalized")),
    )


async def test_receipts_become_a_final_post(economy: Economy, tmp_path: Path) -> None:
    plan = paid_plan(economy, 12)
    async with attesting(economy, tmp_path) as attestor:
        assert await attestor.submit(plan)
        assert not await attestor.submit(plan)
        post_id = await final(economy, tmp_path, plan.key)
    post = await economy.reader.post(post_id)
    assert post.status == POST_FINAL
    assert post.signer == economy.provider
    assert 0 < post.amount_sum_wei <= post.pool_wei
    assert await counted(economy) == (1, 1, 1)
    channel = await economy.reader.channel(economy.channel_id)
    assert channel.settled_fee_wei == sum(receipt.fee_wei for receipt in plan.receipts)


async def test_two_settlements_of_a_channel_follow_each_other(economy: Economy, tmp_path: Path) -> None:
    first, second = paid_plan(economy, 5), paid_plan(economy, 9, first=5)
    async with attesting(economy, tmp_path) as attestor:
        await attestor.submit(second)
        await attestor.submit(first)
        await final(economy, tmp_path, first.key)
        await final(economy, tmp_path, second.key)
    assert await counted(economy) == (2, 2, 2)
    posts = [await economy.reader.post(number) for number in (1, 2)]
    assert posts[1].carry_in_wei == posts[0].pool_wei - posts[0].amount_sum_wei


async def test_of_two_settlements_from_the_same_receipt_on_one_is_given_up(
    economy: Economy, tmp_path: Path
) -> None:
    plans = paid_plan(economy, 5), paid_plan(economy, 9)
    async with attesting(economy, tmp_path) as attestor:
        for plan in plans:
            await attestor.submit(plan)
        errors = [(await ended(tmp_path, plan.key)).error for plan in plans]
    assert sorted(bool(error) for error in errors) == [False, True]
    assert "by another settlement" in "".join(errors)
    assert await counted(economy) == (1, 1, 1)


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8])
async def test_a_restart_at_any_point_neither_loses_nor_repeats(
    economy: Economy, tmp_path: Path, after_s: float
) -> None:
    plan = paid_plan(economy, 8)
    async with attesting(economy, tmp_path) as attestor:
        await attestor.submit(plan)
        await asyncio.sleep(after_s)
    async with attesting(economy, tmp_path):
        await final(economy, tmp_path, plan.key)
    assert await counted(economy) == (1, 1, 1)


async def test_a_settlement_that_stopped_starts_again_when_asked(economy: Economy, tmp_path: Path) -> None:
    plan = paid_plan(economy, 4)
    async with attesting(economy, tmp_path, FailingOncePool(economy.store)) as attestor:
        await attestor.submit(plan)
        with pytest.raises(AssertionError):
            await final(economy, tmp_path, plan.key)
        await attestor.submit(plan)
        with pytest.raises(AssertionError):
            await final(economy, tmp_path, plan.key)
        await attestor.submit(plan, again=True)
        await final(economy, tmp_path, plan.key)
    assert await counted(economy) == (1, 1, 1)


async def test_a_node_that_goes_away_only_delays(economy: Economy, tmp_path: Path) -> None:
    economy.node.fail_next = {"eth_call": 3, "eth_sendRawTransaction": 2, "eth_getTransactionReceipt": 2}
    plan = paid_plan(economy, 4)
    async with attesting(economy, tmp_path) as attestor:
        await attestor.submit(plan)
        await final(economy, tmp_path, plan.key)
    assert await counted(economy) == (1, 1, 1)


async def test_a_plan_under_a_foreign_root_is_never_settled(economy: Economy, tmp_path: Path) -> None:
    plan = paid_plan(economy, 4)
    forged = replace(plan, receipts_root=Hash32(b"\x01" * 32))
    async with attesting(economy, tmp_path) as attestor:
        await attestor.submit(forged)
        await asyncio.sleep(0.5)
    assert await counted(economy) == (0, 0, 0)
