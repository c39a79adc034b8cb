import asyncio
from collections.abc import Iterator

import pytest

from openledger_node.rpc.dev import LAST_TIME_S, MAXIMUM_MINED_BLOCKS, DevControls
from openledger_node.rpc.errors import InvalidParamsError, ServerError
from sequencer.builder.budget import BuildLimits
from sequencer.loop import Sealed, SequencerLoop
from sequencer.mempool.pool import Pool
from tests.rpc.running_node import RunningNode
from tests.sequencer.fakes import FakeBlock, FakeMaker, FakeState, InlineLane, ManualClock

BLOCK_TIME_S = 2


class Bench:
    """Controls over a loop whose blocks advance a manual clock; `fixed` is the rollup's block time."""

    def __init__(self, node: RunningNode, *, fixed: int | None, blocks: int = 50) -> None:
        self.clock = ManualClock()
        self.due_s = self.clock.now_s() + BLOCK_TIME_S
        self.sealed = 0
        self.loop = SequencerLoop(
            maker=FakeMaker([FakeBlock() for _ in range(blocks)]),
            pool=Pool(FakeState()),
            clock=self.clock,
            lane=InlineLane(),
            next_due_s=lambda: self.due_s,
            limits=BuildLimits(fill_time_s=1.0),
            listener=self,
        )
        self.dev = DevControls(node.chain, self.loop, self.clock, fixed_block_time_s=fixed)

    async def on_sealed(self, sealed: Sealed) -> None:
        self.sealed += 1
        self.due_s = self.clock.now_s() + BLOCK_TIME_S


@pytest.fixture(scope="module")
def node() -> Iterator[RunningNode]:
    running = RunningNode().start()
    yield running
    running.stop()


async def test_time_moves_by_blocks_where_the_block_time_is_fixed(node: RunningNode) -> None:
    bench = Bench(node, fixed=BLOCK_TIME_S)
    start = bench.clock.now_s()
    await bench.dev.increase_time(10)
    assert bench.sealed == 5
    assert bench.clock.now_s() == start + 10


async def test_what_does_not_fit_the_block_time_is_refused(node: RunningNode) -> None:
    bench = Bench(node, fixed=BLOCK_TIME_S)
    with pytest.raises(InvalidParamsError, match="exactly 2 s"):
        await bench.dev.increase_time(3)
    with pytest.raises(InvalidParamsError, match="exactly 2 s"):
        await bench.dev.mine(2, interval_s=5)
    with pytest.raises(InvalidParamsError, match="at most"):
        await bench.dev.increase_time((MAXIMUM_MINED_BLOCKS + 1) * BLOCK_TIME_S)
    await bench.dev.mine(2, interval_s=BLOCK_TIME_S)
    assert bench.sealed == 2


async def test_time_jumps_where_it_may(node: RunningNode) -> None:
    bench = Bench(node, fixed=None)
    start = bench.clock.now_s()
    await bench.dev.increase_time(1_000)
    assert (bench.sealed, bench.clock.now_s()) == (0, start + 1_000)


async def test_time_has_an_end(node: RunningNode) -> None:
    bench = Bench(node, fixed=None)
    with pytest.raises(InvalidParamsError, match="at most"):
        await bench.dev.increase_time(LAST_TIME_S)
    with pytest.raises(InvalidParamsError, match="at most"):
        await bench.dev.set_next_timestamp(LAST_TIME_S + 1)
    with pytest.raises(InvalidParamsError, match="at most"):
        await bench.dev.mine(2, interval_s=2**63)


async def test_a_chosen_time_is_reached_by_whole_blocks(node: RunningNode) -> None:
    bench = Bench(node, fixed=BLOCK_TIME_S)
    head_s = node.chain.head.header.timestamp_s
    await bench.dev.set_next_timestamp(head_s + 5 * BLOCK_TIME_S)
    assert bench.sealed == 4, "the next one carries the time"
    with pytest.raises(InvalidParamsError, match="exactly 2 s"):
        await bench.dev.set_next_timestamp(head_s + 3)
    with pytest.raises(InvalidParamsError, match="is not after"):
        await bench.dev.set_next_timestamp(head_s)


async def test_a_chosen_time_is_the_next_blocks_where_it_may_be(node: RunningNode) -> None:
    bench = Bench(node, fixed=None)
    wanted_s = node.chain.head.header.timestamp_s + 1_000
    await bench.dev.set_next_timestamp(wanted_s)
    assert (bench.sealed, bench.clock.now_s()) == (0, wanted_s)
    with pytest.raises(InvalidParamsError, match="only turned forward"):
        await bench.dev.set_next_timestamp(wanted_s - 1)


def test_the_interval_is_the_chains_own(node: RunningNode) -> None:
    Bench(node, fixed=BLOCK_TIME_S).dev.check_interval(BLOCK_TIME_S)
    for fixed in (None, BLOCK_TIME_S):
        with pytest.raises(InvalidParamsError, match="the chain's own"):
            Bench(node, fixed=fixed).dev.check_interval(BLOCK_TIME_S + 1)


async def test_a_chain_that_waits_says_so(node: RunningNode) -> None:
    bench = Bench(node, fixed=BLOCK_TIME_S, blocks=1)
    with pytest.raises(ServerError, match="waits for its L1"):
        await bench.dev.mine(2)


async def test_interval_mining_is_paused_and_resumed(node: RunningNode) -> None:
    bench = Bench(node, fixed=BLOCK_TIME_S)
    await bench.dev.set_interval_mining(enabled=False)
    assert not bench.dev.is_mining()
    await bench.dev.set_interval_mining(enabled=True)
    assert bench.dev.is_mining()


async def test_nothing_moves_the_head_while_a_block_is_built(node: RunningNode) -> None:
    bench = Bench(node, fixed=BLOCK_TIME_S)
    order: list[str] = []
    mined = asyncio.create_task(bench.dev.mine(3))
    await bench.loop.between_blocks(lambda: order.append(f"between, {bench.sealed} sealed"))
    await mined
    assert len(order) == 1
    assert bench.sealed == 3
