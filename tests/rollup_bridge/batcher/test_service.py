"""The batcher against the real derivation: what it posts is what a verifier derives, whatever goes wrong."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.types import Address
from rollup_bridge.batcher.machine import BatcherSettings
from rollup_bridge.batcher.service import Batcher
from rollup_bridge.derive.driver import DerivationDriver, Progress
from rollup_bridge.errors import ResetError, TemporaryError, TransactionError
from rollup_bridge.ports import L1Inclusion
from tests.rollup_bridge.derive.world import World
from tests.rollup_bridge.fakes import BATCHER, FakeClock, batcher_transaction


class FakeSender:
    """Mines each transaction in a new L1 block, unless `fault` says otherwise."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fault: Callable[[], str] = lambda: "mined"
        self.sent = 0

    @property
    def address(self) -> Address:
        return BATCHER

    async def send(
        self,
        to: Address,
        data: bytes,
        *,
        value_wei: int = 0,
        gas: int | None = None,
        blobs: tuple[bytes, ...] = (),
    ) -> L1Inclusion:
        self.sent += 1
        assert gas is not None
        assert gas >= 21_000
        await asyncio.sleep(0)
        outcome = self.fault()
        if outcome == "unreachable":
            raise TemporaryError("the L1 is down")
        if outcome == "refused":
            raise TransactionError("given up")
        block = self.world.l1.extend([batcher_transaction(data)])
        if outcome == "mined unseen":
            raise TransactionError("its receipt never came")
        return L1Inclusion(block.hash, block.id, True, gas, 7, ())


class Posting:
    def __init__(self, **settings: Any) -> None:
        defaults: dict[str, Any] = {
            "sequencing_window": 100,
            "max_transaction_bytes": 300,
            "target_channel_bytes": 2_000,
            "max_channel_l1_blocks": 1,
        }
        self.world = World(sequencing_window=100, channel_timeout=30)
        self.driver: DerivationDriver = self.world.new_driver(self.world.sequencer)
        self.sender = FakeSender(self.world)
        self.settings = BatcherSettings(**defaults | settings)
        self.batcher = self.new_batcher()

    def new_batcher(self) -> Batcher:
        return Batcher(
            self.world.config,
            self.settings,
            status=self.driver,
            l2=self.world.sequencer,
            sender=self.sender,
            clock=FakeClock(),
        )

    async def settle(self) -> None:
        """Let L1 go on until all there is has become safe."""
        head = len(self.world.sequencer.chain) - 1
        for _ in range(60):
            self.world.l1.extend()
            await self.world.derive(self.driver)
            head = len(self.world.sequencer.chain) - 1
            if self.world.sequencer.safe == head:
                return
            await self.batcher.post()
        raise AssertionError(f"safe head stays at {self.world.sequencer.safe} of {head}")

    async def agree(self) -> None:
        await self.settle()
        await self.world.derive()
        assert self.world.verifier.hashes() == self.world.sequencer.hashes()


async def started(l1_blocks: int = 5, l2_blocks: int = 15, **settings: Any) -> Posting:
    posting = Posting(**settings)
    for _ in range(l1_blocks):
        posting.world.l1.extend()
    await posting.world.build(l2_blocks)
    await posting.world.derive(posting.driver)
    return posting


async def test_everything_becomes_safe_and_nothing_is_posted_twice() -> None:
    posting = await started()
    await posting.agree()
    assert posting.batcher.statistics().restarts == 0
    assert posting.batcher.statistics().fees_wei == 7 * posting.sender.sent
    assert posting.world.driver.statistics().replaced == 0


@pytest.mark.parametrize("outcome", ["unreachable", "refused", "mined unseen"])
async def test_lost_transactions_are_made_good(outcome: str) -> None:
    posting = await started()
    outcomes = iter([outcome, "mined", outcome, "mined", "mined", outcome])
    posting.sender.fault = lambda: next(outcomes, "mined")
    await posting.agree()
    assert posting.batcher.statistics().failures >= 2


async def test_a_reorg_that_drops_posted_batches_is_made_good() -> None:
    """The safe head goes back; the batcher follows it down and posts from there."""
    posting = await started()
    await posting.settle()
    posting.world.l1.reorg(4)
    for _ in range(6):
        posting.world.l1.extend()
    await posting.agree()
    assert posting.batcher.statistics().restarts >= 1


async def test_a_restart_between_send_and_receipt_leaves_no_gap() -> None:
    posting = await started()
    stop = iter([False, False, True])

    def fault() -> str:
        if next(stop, False):
            raise asyncio.CancelledError
        return "mined"

    posting.sender.fault = fault
    with pytest.raises(asyncio.CancelledError):
        await posting.settle()
    posting.batcher = posting.new_batcher()
    await posting.agree()


class KilledError(BaseException):
    """kill -9: nothing gets a chance to tidy up."""


class Deadly:
    """Passes calls on to a port, and kills at one of them: before it is carried out, or right after."""

    def __init__(self, port: Any, calls_left: list[int], name: str, *, after: bool) -> None:
        self._port, self._calls_left, self._name, self._after = port, calls_left, name, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name != self._name:
            return found

        async def call(*arguments: Any, **options: Any) -> Any:
            self._calls_left[0] -= 1
            deadly = self._calls_left[0] == 0
            if deadly and not self._after:
                raise KilledError
            answer = await found(*arguments, **options)
            if deadly:
                raise KilledError
            return answer

        return call


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("port", ["sync_status", "block_by_number", "send"])
async def test_killed_between_any_two_steps_nothing_is_missing_and_nothing_counts_twice(
    port: str, after: bool
) -> None:
    """Every call of every port, one after the other, until one life of the batcher is long enough."""
    for call in range(1, 200):
        posting = await started()
        calls_left = [call]
        posting.batcher = Batcher(
            posting.world.config,
            posting.settings,
            status=Deadly(posting.driver, calls_left, port, after=after),
            l2=Deadly(posting.world.sequencer, calls_left, port, after=after),
            sender=Deadly(posting.sender, calls_left, port, after=after),
            clock=FakeClock(),
        )
        try:
            await posting.settle()
        except KilledError:
            posting.batcher = posting.new_batcher()
        await posting.agree()
        assert posting.world.driver.statistics().replaced == 0
        assert posting.world.sequencer.applied == 15, "no block was built a second time"
        if calls_left[0] > 0:
            assert call > 2
            return
    raise AssertionError("the batcher never comes to rest")


async def test_draining_posts_everything_then_pauses_until_resumed() -> None:
    posting = await started(max_channel_l1_blocks=1000, target_channel_bytes=10**6)
    await posting.batcher.post()
    assert posting.sender.sent == 0
    await posting.batcher.drain()
    await posting.world.derive(posting.driver)
    assert posting.world.sequencer.safe == 15
    await posting.world.build(3)
    task = asyncio.create_task(posting.batcher.run())
    for _ in range(50):
        await asyncio.sleep(0)
    assert posting.batcher.statistics().waiting_blocks == 15, "the last plan, now safe"
    posting.batcher.resume()
    for _ in range(50):
        await asyncio.sleep(0)
    assert posting.batcher.statistics().waiting_blocks == 3
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_run_waits_for_derivation_and_ends_by_cancellation() -> None:
    posting = Posting()
    task = asyncio.create_task(posting.batcher.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("build"), st.integers(1, 6)),
            st.tuples(st.just("l1"), st.integers(1, 3)),
            st.tuples(st.just("reorg"), st.integers(1, 4)),
            st.tuples(st.just("derive"), st.integers(1, 40)),
            st.tuples(st.just("post"), st.sampled_from(["mined", "refused", "mined unseen", "unreachable"])),
            st.tuples(st.just("restart"), st.just(0)),
        ),
        max_size=25,
    )
)
async def test_no_schedule_of_faults_leaves_a_gap(schedule: list[tuple[str, int | str]]) -> None:
    posting = await started()
    world = posting.world
    for what, how in schedule:
        match what, how:
            case "build", int(count):
                try:
                    await world.build(count)
                except TemporaryError:
                    pass
                except ResetError:
                    posting.driver.request_reset()
            case "l1", int(count):
                for _ in range(count):
                    world.l1.extend()
            case "reorg", int(depth):
                world.l1.reorg(min(depth, len(world.l1.chain) - 2))
                for _ in range(depth + 1):
                    world.l1.extend()
            case "derive", int(steps):
                for _ in range(steps):
                    if await posting.driver.step() is Progress.IDLE:
                        break
            case "post", str(outcome):
                posting.sender.fault = lambda outcome=outcome: outcome  # type: ignore[misc]  # bound per event
                await posting.batcher.post()
            case _:
                posting.batcher = posting.new_batcher()
    posting.sender.fault = lambda: "mined"
    await posting.agree()
