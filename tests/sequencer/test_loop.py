import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from genesis.types import Hash32
from sequencer.builder.budget import BuildLimits
from sequencer.errors import StaleParentError
from sequencer.loop import Sealed, SequencerLoop
from sequencer.mempool.pool import Pool
from sequencer.ports import Answer, Lane, OpenBlock, Rejected
from tests.sequencer.fakes import (
    ALICE,
    FakeBlock,
    FakeMaker,
    FakeState,
    InlineLane,
    ManualClock,
    settle,
    transaction,
)

BLOCK_TIME_S = 2.0


class Bench:
    """A loop over fakes; `sealed` collects what the listener hears and moves the due time on."""

    def __init__(self, blocks: list[OpenBlock], lane: Lane | None = None) -> None:
        self.clock = ManualClock()
        self.due_s = self.clock.now_s() + BLOCK_TIME_S
        self.pool = Pool(FakeState())
        self.sealed: list[Sealed] = []
        self.loop = SequencerLoop(
            maker=FakeMaker(blocks),
            pool=self.pool,
            clock=self.clock,
            lane=lane or InlineLane(),
            next_due_s=lambda: self.due_s,
            limits=BuildLimits(fill_time_s=1.0),
            listener=self,
        )

    async def on_sealed(self, sealed: Sealed) -> None:
        self.sealed.append(sealed)
        self.due_s += BLOCK_TIME_S


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[None]:
    task = asyncio.create_task(bench.loop.run())
    await settle()
    try:
        yield
    finally:
        await bench.loop.stop()
        await asyncio.wait_for(task, 1)


class MovedHeadBlock(FakeBlock):
    def seal(self) -> Hash32:
        raise StaleParentError("the head moved while block 1 was built")


async def test_block_on_a_moved_head_is_given_up_and_the_next_one_built() -> None:
    bench = Bench([MovedHeadBlock(), FakeBlock()])
    async with running(bench):
        bench.clock.advance_s(BLOCK_TIME_S)
        await settle()
        bench.clock.advance_s(BLOCK_TIME_S)
        await settle()
    assert len(bench.sealed) == 1


async def test_a_block_each_block_time() -> None:
    bench = Bench([FakeBlock(), FakeBlock(), FakeBlock()])
    async with running(bench):
        assert bench.sealed == []
        for count in (1, 2):
            bench.clock.advance_s(BLOCK_TIME_S)
            await settle()
            assert len(bench.sealed) == count


async def test_late_blocks_are_built_at_once() -> None:
    bench = Bench([FakeBlock(), FakeBlock(), FakeBlock()])
    bench.clock.advance_s(2 * BLOCK_TIME_S)
    async with running(bench):
        assert len(bench.sealed) == 2


class HeldLane(InlineLane):
    """Work waits until it is let go."""

    def __init__(self) -> None:
        self.free = asyncio.Event()

    async def run(self, work: Callable[[], Answer]) -> Answer:
        await self.free.wait()
        return await super().run(work)


async def test_pause_waits_for_the_build_under_way() -> None:
    lane = HeldLane()
    bench = Bench([FakeBlock(), FakeBlock()], lane)
    async with running(bench):
        bench.clock.advance_s(BLOCK_TIME_S)
        await settle()
        pausing = asyncio.create_task(bench.loop.pause())
        await settle()
        assert not pausing.done()
        lane.free.set()
        await pausing
        assert len(bench.sealed) == 1


async def test_pause_and_resume() -> None:
    bench = Bench([FakeBlock(), FakeBlock()])
    await bench.loop.pause()
    async with running(bench):
        bench.clock.advance_s(BLOCK_TIME_S)
        await settle()
        assert bench.sealed == []
        assert bench.loop.statistics().paused
        bench.loop.resume()
        await settle()
        assert len(bench.sealed) == 1


async def test_mine_now_turns_the_clock_by_the_block_time() -> None:
    bench = Bench([FakeBlock(), FakeBlock()])
    start = bench.clock.now_s()
    assert await bench.loop.mine_now(bench.clock) is not None
    assert await bench.loop.mine_now(bench.clock) is not None
    assert bench.clock.now_s() == start + 2 * BLOCK_TIME_S
    assert await bench.loop.mine_now(bench.clock) is None


async def test_what_can_never_run_leaves_the_pool() -> None:
    bad = transaction(ALICE)
    bench = Bench([FakeBlock(answers={bad.raw: Rejected("never", permanent=True)})])
    bench.pool.add(bad, 0.0)
    await bench.loop.mine_now(bench.clock)
    assert len(bench.pool) == 0
    assert bench.loop.statistics().dropped == 1


async def test_failure_to_seal_abandons_the_block_and_is_raised() -> None:
    class Unsealable(FakeBlock):
        def seal(self) -> Hash32:
            raise RuntimeError("state root differs")

    block = Unsealable()
    bench = Bench([block])
    with pytest.raises(RuntimeError, match="differs"):
        await bench.loop.mine_now(bench.clock)
    assert block.abandoned


async def test_stop_wakes_a_sleeping_loop() -> None:
    bench = Bench([])
    async with running(bench):
        pass
    assert bench.sealed == []
