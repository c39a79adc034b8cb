from dataclasses import replace

from genesis.types import Hash32
from rollup_bridge.feed.follower import Follower, Step
from rollup_bridge.feed.message import FeedBlock, feed_block
from tests.rollup_bridge.derive.world import World, grown
from tests.rollup_bridge.fakes import INVALID


async def following(world: World, *, from_block: int = 1) -> tuple[Follower, list[FeedBlock]]:
    blocks = [feed_block(block) for block in world.sequencer.chain[from_block:]]
    return Follower(world.config, world.verifier), blocks


async def test_blocks_are_built_as_they_come() -> None:
    world = await grown()
    follower, blocks = await following(world)
    assert [await follower.take(block) for block in blocks] == [Step.BUILT] * 60
    assert world.verifier.hashes() == world.sequencer.hashes()
    assert world.verifier.safe == 0, "the feed moves the unsafe head only"
    assert await follower.take(blocks[5]) is Step.KNOWN
    assert await follower.next_wanted() == 61


async def test_what_it_built_is_consolidated_without_being_built_again() -> None:
    world = await grown()
    follower, blocks = await following(world)
    for block in blocks:
        await follower.take(block)
    world.post(1, 60)
    await world.derive()
    assert (world.verifier.safe, world.verifier.applied) == (60, 60)
    assert world.driver.statistics().consolidated == 60


async def test_a_new_connection_asks_from_the_safe_head_to_hear_what_it_built_already() -> None:
    world = await grown()
    follower, blocks = await following(world)
    for block in blocks[:10]:
        await follower.take(block)
    restarted, _ = await following(world)
    assert await restarted.next_wanted() == 1, "a relay needs the messages of all unsafe blocks"
    assert [await restarted.take(block) for block in blocks[:11]] == [Step.KNOWN] * 10 + [Step.BUILT]


async def test_a_gap_is_asked_for_from_the_safe_head() -> None:
    world = await grown()
    follower, blocks = await following(world)
    await follower.take(blocks[0])
    assert await follower.take(blocks[5]) is Step.AGAIN
    assert await follower.next_wanted() == 1
    for block in blocks:
        assert await follower.take(block) in (Step.KNOWN, Step.BUILT)
    assert world.verifier.hashes() == world.sequencer.hashes()
    assert (await follower.next_wanted(), follower.statistics().gaps) == (61, 1)


async def test_a_branch_above_the_safe_head_is_followed_and_never_below() -> None:
    world = await grown()
    follower, blocks = await following(world)
    for block in blocks:
        await follower.take(block)
    world.post(1, 30)
    await world.derive()
    del world.sequencer.chain[41:]
    await world.build(5, (b"\x02another",))
    assert await follower.take(feed_block(world.sequencer.chain[41])) is Step.BUILT
    assert world.verifier.hashes() == world.sequencer.hashes()[:42]
    del world.sequencer.chain[20:]
    await world.build(5, (b"\x02a third",))
    assert await follower.take(feed_block(world.sequencer.chain[20])) is Step.KNOWN
    assert world.verifier.safe == 30


async def test_a_signed_block_that_cannot_be_built_changes_nothing() -> None:
    world = await grown()
    follower, blocks = await following(world)
    await follower.take(blocks[0])
    before = world.verifier.hashes()
    wrong_hash = replace(blocks[1], hash=Hash32(b"x" * 32))
    invalid = replace(blocks[1], transactions=(*blocks[1].transactions, INVALID))
    no_attributes = replace(blocks[1], transactions=(b"\x02only",))
    for block in (wrong_hash, invalid, no_attributes):
        assert await follower.take(block) is Step.REFUSED
        assert world.verifier.hashes() == before
    assert await follower.take(blocks[1]) is Step.BUILT
    assert follower.statistics().refused == 3
