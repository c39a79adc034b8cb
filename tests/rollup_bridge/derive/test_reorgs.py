"""L1 reorgs of every depth, with whatever they carry away, interrupted anywhere: one chain in the end."""

from collections.abc import Callable

import pytest

from rollup_bridge.derive.driver import Progress
from rollup_bridge.derive.references import reference
from rollup_bridge.ports import L2Block
from tests.rollup_bridge.deposits.test_user_deposits import deposit_log
from tests.rollup_bridge.derive.world import World
from tests.rollup_bridge.fakes import FakeEngine

DEPTHS = (1, 5, 32)
INTERRUPTIONS = (0, 1, 2, 7, 40)
"""Steps of derivation after the reorg until the node is killed."""
COMMON = 8
"""L1 blocks that both forks have."""


async def prepared(depth: int) -> World:
    """L1 blocks that stay; then, in what will be lost, every batch."""
    world = World(sequencing_window=200, channel_timeout=60)
    for _ in range(COMMON):
        world.l1.extend()
    await world.build(20)
    world.post(1, 20)
    for _ in range(depth - 1):
        world.l1.extend()
    return world


def batches_dropped(world: World, depth: int) -> None:
    for _ in range(depth + 1):
        world.l1.extend()


def batches_moved(world: World, depth: int) -> None:
    for _ in range(depth):
        world.l1.extend()
    world.post(1, 20)


def deposits(chain: list[L2Block]) -> int:
    return sum(raw[0] == 0x7E for block in chain for raw in block.transactions[1:])


async def with_deposit(depth: int) -> World:
    """As `prepared`, with the deposit in the lost L1 block and blocks of its epoch built and posted."""
    world = World(sequencing_window=200, channel_timeout=60)
    for _ in range(COMMON):
        world.l1.extend()
    await world.build(20)
    world.l1.extend(logs=[deposit_log(mint=depth)])
    await world.build(10)
    if depth > 1:
        world.post(1, 30)
        for _ in range(depth - 2):
            world.l1.extend()
    return world


@pytest.mark.parametrize("interrupted_after", INTERRUPTIONS)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("change", [batches_dropped, batches_moved])
async def test_batches(change: Callable[[World, int], None], depth: int, interrupted_after: int) -> None:
    world = await prepared(depth)
    await world.derive()
    assert world.verifier.safe == 20
    await reorganised(world, depth, change, interrupted_after)
    assert world.verifier.safe == (0 if change is batches_dropped else 20)
    world.post(1, 20)
    await world.derive()
    assert world.verifier.chain[20].hash == world.sequencer.chain[20].hash
    assert world.verifier.safe == 20


@pytest.mark.parametrize("interrupted_after", INTERRUPTIONS)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("moved", [False, True])
async def test_deposits(moved: bool, depth: int, interrupted_after: int) -> None:
    world = await with_deposit(depth)
    node = world.new_driver(world.sequencer)
    await world.derive(node)
    assert deposits(world.sequencer.chain) == 1
    world.driver, world.verifier = node, world.sequencer
    world.l1.reorg(depth)
    for _ in range(depth):
        world.l1.extend()
    if moved:
        world.l1.extend(logs=[deposit_log(mint=depth)])
    world.l1.extend()
    await interrupted(world, interrupted_after)
    assert deposits(world.sequencer.chain) == 0, "blocks of the lost epoch are given up"
    await world.build((len(world.l1.chain) - COMMON) * 3 + 6)
    assert deposits(world.sequencer.chain) == int(moved)
    height = len(world.sequencer.chain) - 1
    world.post(1, height)
    await world.derive()
    assert world.sequencer.safe == height
    await agrees_with_the_l1_alone(world)


async def reorganised(
    world: World, depth: int, change: Callable[[World, int], None], interrupted_after: int
) -> None:
    world.l1.reorg(depth)
    change(world, depth)
    await interrupted(world, interrupted_after)
    await agrees_with_the_l1_alone(world)


async def interrupted(world: World, after: int) -> None:
    """So many steps, then another process on the same data, to the end."""
    for _ in range(after):
        if await world.driver.step() is Progress.IDLE:
            break
    world.driver = world.new_driver(world.verifier)
    await world.derive()


async def agrees_with_the_l1_alone(world: World) -> None:
    fresh = FakeEngine()
    await world.derive(world.new_driver(fresh))
    assert world.verifier.hashes()[: world.verifier.safe + 1] == fresh.hashes()[: fresh.safe + 1]
    head = reference(world.config, world.verifier.chain[-1])
    canonical = world.l1.chain[head.l1_origin.number]
    assert canonical.hash == head.l1_origin.hash, "no head on a lost L1 block"


async def test_finalized_stays_and_safe_never_passes_what_the_l1_says() -> None:
    """Heads over a long run of reorgs: finalized <= safe <= unsafe, finalized never back."""
    world = World(sequencing_window=200, channel_timeout=60)
    finalized = 0
    for turn in range(12):
        for _ in range(3):
            world.l1.extend()
        await world.build(6)
        world.post(world.sequencer.safe + 1, len(world.sequencer.chain) - 1)
        for _ in range(6):
            world.l1.extend()
        node = world.new_driver(world.sequencer)
        await world.derive(node)
        world.l1.finalized_number = max(0, world.l1.head.number - 9)
        await node.follow_finality()
        depth = (1, 5, 8)[turn % 3]
        world.l1.reorg(min(depth, world.l1.head.number - world.l1.finalized_number))
        for _ in range(depth + 1):
            world.l1.extend()
        await world.derive(node)
        heads = (world.sequencer.finalized, world.sequencer.safe, len(world.sequencer.chain) - 1)
        assert list(heads) == sorted(heads)
        assert world.sequencer.finalized >= finalized
        finalized = world.sequencer.finalized
    assert finalized > 0
