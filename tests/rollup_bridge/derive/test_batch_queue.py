"""Empty batches when the window is over, and spans taken apart, over the real stages below."""

from genesis.types import Hash32
from rollup_bridge.codec.span_batch import decode_span_batch
from rollup_bridge.derive.references import reference
from tests.rollup_bridge.codec.span_encoder import encode_span
from tests.rollup_bridge.codec.test_span_batch import TRANSACTIONS
from tests.rollup_bridge.derive.world import World, grown
from tests.rollup_bridge.fakes import FakeEngine


def span_of(world: World, first: int, last: int, **changes: bytes) -> bytes:
    """A span batch of the sequencer's blocks."""
    blocks = world.blocks(first, last)
    places = [reference(world.config, block) for block in blocks]
    parent_origin = reference(world.config, world.sequencer.chain[first - 1]).l1_origin
    return encode_span(
        relative_time_s=blocks[0].timestamp_s - world.config.l2_genesis_time_s,
        parent_check=changes.get("parent_check", blocks[0].parent_hash[:20]),
        origin_check=changes.get("origin_check", places[-1].l1_origin.hash[:20]),
        blocks=[
            (place.l1_origin.number, [raw for raw in block.transactions if raw[0] != 0x7E])
            for place, block in zip(places, blocks, strict=True)
        ],
        first_origin_changes=places[0].l1_origin != parent_origin,
    )


async def spanned() -> World:
    world = World()
    for _ in range(20):
        world.l1.extend()
    await world.build(30, TRANSACTIONS[:3])
    return world


async def test_nothing_is_generated_while_the_window_is_open() -> None:
    world = await grown(11, 0, sequencing_window=12)
    await world.derive()
    assert world.verifier.chain[1:] == []
    assert reference(world.config, world.verifier.chain[-1]).l1_origin.number == 0


async def test_empty_blocks_after_the_sequencing_window() -> None:
    world = await grown(13, 0, sequencing_window=12)
    await world.derive()
    places = [reference(world.config, block) for block in world.verifier.chain]
    assert [place.l1_origin.number for place in places] == [0, 0, 0, 1, 1, 1]
    assert all(len(block.transactions) == 1 for block in world.verifier.chain[1:])


async def test_each_epoch_gets_a_block_even_if_l1_blocks_come_faster_than_l2_blocks() -> None:
    world = World(sequencing_window=3)
    for index in range(12):
        world.l1.extend(time_s=world.config.l2_genesis_time_s + index + 1)
    await world.derive()
    epochs = [reference(world.config, block).l1_origin.number for block in world.verifier.chain]
    assert epochs == sorted(epochs)
    assert set(epochs) == set(range(max(epochs) + 1))
    assert max(epochs) >= 7


async def test_a_span_derives_the_same_blocks_as_singular_batches() -> None:
    world = await spanned()
    decode_span_batch(span_of(world, 1, 30), world.config.l2_chain_id)
    world.include(*world.frames([span_of(world, 1, 30)]))
    await world.derive()
    assert world.verifier.hashes() == world.sequencer.hashes()


async def test_a_span_that_overlaps_the_safe_chain_continues_it() -> None:
    world = await spanned()
    world.post(1, 10)
    world.include(*world.frames([span_of(world, 5, 30)]))
    await world.derive()
    assert world.verifier.hashes() == world.sequencer.hashes()


async def test_a_span_may_begin_again_at_the_first_block() -> None:
    world = await spanned()
    world.post(1, 10)
    world.include(*world.frames([span_of(world, 1, 30)]))
    await world.derive()
    assert world.verifier.hashes() == world.sequencer.hashes()


async def test_refused_batches_are_counted_by_reason() -> None:
    world = await spanned()
    world.post(1, 30)
    world.include(*world.frames([span_of(world, 3, 12), *world.batches(1, 2)]))
    await world.derive()
    assert world.driver.dropped == {
        "the span has been derived already": 1,
        "its time has been derived already": 2,
    }


async def test_a_window_of_one_block() -> None:
    world = await grown(6, 0, sequencing_window=1)
    await world.derive()
    assert reference(world.config, world.verifier.chain[-1]).l1_origin.number == 5


async def test_a_span_on_another_parent_or_l1_chain_is_dropped_with_its_channel() -> None:
    for changes in ({"parent_check": b"x" * 20}, {"origin_check": b"x" * 20}):
        world = await spanned()
        world.include(*world.frames([span_of(world, 1, 30, **changes), *world.batches(1, 30)]))
        await world.derive()
        assert world.verifier.safe == 0
        world.post(1, 30)
        await world.derive()
        assert world.verifier.safe == 30


async def test_past_spans_and_batches_do_no_harm() -> None:
    world = await spanned()
    world.post(1, 20)
    world.include(*world.frames([span_of(world, 3, 12), *world.batches(1, 30)]))
    await world.derive()
    assert world.verifier.hashes() == world.sequencer.hashes()


async def test_an_invalid_block_in_a_span_drops_the_rest_of_it() -> None:
    world = await spanned()
    engine = FakeEngine(refuse=lambda raw: raw == TRANSACTIONS[1])
    world.include(*world.frames([span_of(world, 1, 5), *world.batches(6, 30)]))
    await world.derive(world.new_driver(engine))
    assert engine.safe == 1
    assert len(engine.chain[1].transactions) == 1
    assert engine.chain[1].hash != Hash32(world.sequencer.chain[1].hash)
