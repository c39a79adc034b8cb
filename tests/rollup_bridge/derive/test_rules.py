"""Every derivation rule by its name in the checklist (section 8), through the whole pipeline.

The tests of the single stages say more about each; these say that the rule holds for a node.
"""

import zlib
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import brotli
import pytest
import rlp

from genesis.types import Hash32
from rollup_bridge.batcher.service import batch_of
from rollup_bridge.codec.batch import encode_singular_batch
from rollup_bridge.codec.blob import encode_blob
from rollup_bridge.codec.frame import Frame, encode_frames
from rollup_bridge.deposits.system_config import UPDATE_GAS_LIMIT
from rollup_bridge.derive.attributes import AttributesBuilder
from rollup_bridge.derive.driver import DerivationDriver
from rollup_bridge.derive.references import reference
from rollup_bridge.errors import CriticalError, ResetError, TemporaryError
from tests.rollup_bridge.deposits.test_system_config import update
from tests.rollup_bridge.deposits.test_user_deposits import deposit_log
from tests.rollup_bridge.derive.test_l1_retrieval import FakeBlobs
from tests.rollup_bridge.derive.world import World, grown
from tests.rollup_bridge.fakes import INVALID, FakeClock, FakeEngine, batcher_transaction


def first_batch(world: World, **changes: object) -> bytes:
    """The batch of the sequencer's first block, with something different about it."""
    _, batch = batch_of(world.config, world.sequencer.chain[1])
    return encode_singular_batch(replace(batch, **changes))  # type: ignore[arg-type]  # each test's own field


async def derived(world: World, batch: bytes) -> int:
    """The safe head after one batch alone."""
    world.include(*world.frames([batch]))
    await world.derive()
    return world.verifier.safe


async def test_l2_block_time_is_constant() -> None:
    world = await grown()
    world.post(1, 60)
    await world.derive()
    times = [block.timestamp_s for block in world.verifier.chain]
    assert {later - earlier for earlier, later in pairwise(times)} == {2}
    for off in (-2, -1, 1, 2):
        fresh = await grown()
        shifted = first_batch(fresh, timestamp_s=fresh.sequencer.chain[1].timestamp_s + off)
        assert await derived(fresh, shifted) == 0


class TestTimeBound:
    async def test_not_before_the_l1_origin(self) -> None:
        world = await grown()
        early = first_batch(world, epoch_number=1, epoch_hash=world.l1.chain[1].hash)
        assert await derived(world, early) == 0

    async def test_beyond_the_drift_only_empty_blocks(self) -> None:
        world = World(max_sequencer_drift_s=10)
        for number in range(1, 4):
            world.l1.extend(time_s=world.config.l2_genesis_time_s + 60 * number)
        await world.build(60)
        places = [reference(world.config, block) for block in world.sequencer.chain]
        starts = {block.number: block.timestamp_s for block in world.l1.chain}
        late = [
            block
            for block, place in zip(world.sequencer.chain, places, strict=True)
            if block.timestamp_s > starts[place.l1_origin.number] + 10
        ]
        assert late
        assert {len(block.transactions) for block in late} == {1}
        world.post(1, 60)
        await world.derive()
        assert world.verifier.hashes() == world.sequencer.hashes()

    async def test_a_transaction_beyond_the_drift_drops_the_batch(self) -> None:
        world = World(max_sequencer_drift_s=10)
        for number in range(1, 4):
            world.l1.extend(time_s=world.config.l2_genesis_time_s + 60 * number)
        await world.build(8)
        _, late = batch_of(world.config, world.sequencer.chain[7])
        filled = encode_singular_batch(replace(late, transactions=(b"\x02tx",)))
        world.include(*world.frames([*world.batches(1, 6), filled]))
        await world.derive()
        assert world.verifier.safe == 6


async def test_epoch_step_is_nought_or_one_and_each_epoch_has_a_block() -> None:
    world = await grown()
    world.post(1, 60)
    await world.derive()
    epochs = [reference(world.config, block).l1_origin.number for block in world.verifier.chain]
    assert {later - earlier for earlier, later in pairwise(epochs)} == {0, 1}
    for step in (2, 3):
        fresh = await grown()
        assert await derived(fresh, first_batch(fresh, epoch_number=step)) == 0


async def test_batch_too_old_is_dropped() -> None:
    world = await grown(4, 3, sequencing_window=5)
    for _ in range(3):
        world.l1.extend()
    world.post(1, 3)
    await world.derive()
    assert world.verifier.chain[1].hash != world.sequencer.chain[1].hash
    assert world.verifier.chain[1].transactions[1:] == (), "an empty block took its place"


async def test_future_batch_is_dropped() -> None:
    world = await grown()
    world.include(*world.frames(world.batches(2, 60)))
    world.include(*world.frames(world.batches(1, 1)))
    await world.derive()
    assert world.verifier.safe == 1, "what came too early is not kept"


async def test_parent_mismatch_is_dropped() -> None:
    world = await grown()
    assert await derived(world, first_batch(world, parent_hash=Hash32(b"x" * 32))) == 0


@pytest.mark.parametrize("raw", [b"", b"\x7edeposit", b"\x05x", b"\x7fx"])
async def test_transaction_empty_deposit_or_of_unknown_type_drops_the_batch(raw: bytes) -> None:
    world = await grown()
    assert await derived(world, first_batch(world, transactions=(b"\x02fine", raw))) == 0


async def test_inclusion_order_decides_among_valid_candidates() -> None:
    for order in ((b"\x02one", b"\x02two"), (b"\x02two", b"\x02one")):
        world = await grown()
        for raw in order:
            world.include(*world.frames([first_batch(world, transactions=(raw,))]))
        await world.derive()
        assert world.verifier.chain[1].transactions[-1] == order[0]


async def test_invalid_transaction_in_a_valid_batch_makes_a_deposits_only_block() -> None:
    world = World()
    world.l1.extend(logs=[deposit_log()])
    await world.build(3)
    _, batch = batch_of(world.config, world.sequencer.chain[3])
    invalid = encode_singular_batch(replace(batch, transactions=(INVALID,)))
    world.include(*world.frames([*world.batches(1, 2), invalid]))
    await world.derive()
    assert [len(block.transactions) for block in world.verifier.chain[1:]] == [2, 2, 2]
    assert world.verifier.chain[3].transactions[-1][0] == 0x7E


async def test_attributes_that_hold_deposits_only_and_fail_are_a_critical_halt() -> None:
    world = World(sequencing_window=3)
    world.l1.extend(logs=[deposit_log()])
    for _ in range(6):
        world.l1.extend()
    engine = FakeEngine(refuse=lambda raw: raw[0] == 0x7E)
    with pytest.raises(CriticalError):
        await world.derive(world.new_driver(engine))
    assert engine.safe == 0


async def test_data_after_a_valid_rlp_item_is_ignored() -> None:
    world = await grown()
    assert await derived(world, first_batch(world) + b"trailing") == 1


async def test_malformed_data_between_items_ends_the_channel() -> None:
    world = await grown()
    one, two = (rlp.encode(batch) for batch in world.batches(1, 2))
    world.include(Frame(b"c" * 16, 0, zlib.compress(one + b"\xb8\x01x" + two), True))
    await world.derive()
    assert world.verifier.safe == 1


@pytest.mark.parametrize("compress", [zlib.compress, lambda data: b"\x01" + brotli.compress(data, quality=1)])
async def test_decompression_limit_keeps_earlier_whole_batches(compress: Callable[[bytes], bytes]) -> None:
    world = await grown()
    plain = b"".join(rlp.encode(batch) for batch in world.batches(1, 3))
    bomb = compress(plain + b"\xba\xff\xff\xff" + bytes(100_000_000))
    assert len(bomb) < 1_000_000
    world.include(Frame(b"c" * 16, 0, bomb, True))
    await world.derive()
    assert world.verifier.safe == 3


async def test_unknown_l1_transaction_type_with_a_deposit_log_is_derived() -> None:
    """The log counts, whatever carried it; as a batcher's transaction the type counts for nothing."""
    world = World()
    payload = encode_frames([Frame(b"c" * 16, 0, b"", True)])
    world.l1.extend([replace(batcher_transaction(payload), type=0x6A)], [deposit_log()])
    await world.build(3)
    assert len(world.sequencer.chain[3].transactions) == 3
    world.post(1, 3)
    await world.derive()
    assert world.verifier.hashes() == world.sequencer.hashes()


async def test_system_config_change_is_effective_at_the_l1_block_that_holds_the_event() -> None:
    world = World()
    world.l1.extend()
    world.l1.extend(logs=[update(UPDATE_GAS_LIMIT, (40_000_000).to_bytes(32, "big"))])
    world.l1.extend()
    await world.build(9)
    world.post(1, 9)
    await world.derive()
    limits = {
        reference(world.config, block).l1_origin.number: block.gas_limit for block in world.verifier.chain
    }
    assert limits == {0: 30_000_000, 1: 30_000_000, 2: 40_000_000, 3: 40_000_000}


async def test_blob_unavailable_or_invalid_is_retried_never_skipped() -> None:
    world = await grown()
    payload = encode_frames(world.frames(world.batches(1, 60)))
    in_blob = replace(batcher_transaction(b""), type=3, blob_hashes=(Hash32(b"b" * 32),))
    world.l1.extend([in_blob])
    with pytest.raises(TemporaryError, match="blob"):
        await world.derive()
    assert world.verifier.safe == 0
    source = FakeBlobs(encode_blob(payload))
    driver = DerivationDriver(world.config, world.l1, world.verifier, FakeClock(), blobs=source)
    await world.derive(driver)
    assert world.verifier.safe == 60


class TestReset:
    async def test_never_below_finalized(self) -> None:
        world = await grown(40, 60, sequencing_window=100)
        held = world.post(1, 60)
        world.l1.finalized_number = held.number
        await world.derive()
        await world.driver.follow_finality()
        assert world.verifier.finalized == 60
        world.l1.reorg(30)
        for _ in range(31):
            world.l1.extend()
        world.driver.request_reset()
        with pytest.raises(CriticalError, match="finalized"):
            await world.derive()
        assert world.verifier.finalized == 60

    async def test_an_origin_that_does_not_follow_its_parents_is_an_error(self) -> None:
        world = await grown(3, 3)
        builder = AttributesBuilder(world.config, world.l1)
        with pytest.raises(ResetError, match="does not follow"):
            await builder.forced(world.sequencer.chain[0], world.l1.chain[2].id)

    async def test_a_block_without_attributes_is_an_error(self) -> None:
        world = await grown(3, 3)
        world.sequencer.chain[3] = replace(world.sequencer.chain[3], transactions=(b"\x02x",))
        with pytest.raises(CriticalError, match="deposit"):
            await world.derive(world.new_driver(world.sequencer))
