import pytest

from rollup_bridge.derive.references import reference
from rollup_bridge.derive.sync_start import Start, SyncStart
from rollup_bridge.errors import CriticalError, ResetError, TemporaryError
from tests.rollup_bridge.derive.world import World, grown


async def find(world: World) -> Start:
    return await SyncStart(world.config, world.l1, world.sequencer).find()


def origin(world: World, number: int) -> int:
    return reference(world.config, world.sequencer.chain[number]).l1_origin.number


async def test_an_empty_chain_starts_at_genesis() -> None:
    world = World()
    start = await find(world)
    assert (start.unsafe.number, start.safe.number, start.base.number) == (0, 0, 0)


async def test_without_a_reorg_the_unsafe_head_stays_and_safe_goes_back_a_window() -> None:
    world = await grown(60, 170, sequencing_window=20)
    world.sequencer.safe = 165
    start = await find(world)
    assert start.unsafe.number == 170
    assert origin(world, start.safe.number) == origin(world, 170) - 20 - 1
    assert start.base.number == origin(world, start.safe.number) - world.config.channel_timeout


async def test_never_below_finalized() -> None:
    world = await grown(60, 170, sequencing_window=20)
    world.sequencer.safe, world.sequencer.finalized = 165, 160
    start = await find(world)
    assert (start.safe.number, start.finalized.number) == (160, 160)


async def test_unsafe_blocks_of_a_lost_origin_are_given_up() -> None:
    world = await grown(20, 60)
    world.l1.reorg(3)
    for _ in range(4):
        world.l1.extend()
    start = await find(world)
    assert origin(world, start.unsafe.number) == 17
    assert origin(world, start.unsafe.number + 1) == 18


async def test_an_l1_that_lags_behind_is_waited_for_and_nothing_is_given_up() -> None:
    world = await grown(20, 60)
    world.l1.reorg(3)
    with pytest.raises(TemporaryError):
        await find(world)


async def test_a_reorg_below_finalized_stops_the_node() -> None:
    world = await grown(20, 60)
    world.sequencer.safe = world.sequencer.finalized = 54
    assert (origin(world, 53), origin(world, 54)) == (17, 18)
    world.l1.reorg(3)
    for _ in range(4):
        world.l1.extend()
    with pytest.raises(CriticalError, match="finalized"):
        await find(world)


async def test_a_chain_that_changes_while_it_is_walked_is_looked_at_again() -> None:
    world = await grown(60, 170, sequencing_window=20)
    world.sequencer.safe = 165
    world.sequencer.chain[160] = world.sequencer.chain[159]
    with pytest.raises(ResetError, match="not canonical"):
        await find(world)
