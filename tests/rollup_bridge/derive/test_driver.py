"""The whole derivation against an L1 in memory."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.spec import BlockId
from genesis.types import Address, Hash32
from rollup_bridge.batcher.service import batch_of
from rollup_bridge.codec.batch import encode_singular_batch
from rollup_bridge.codec.frame import Frame, encode_frames
from rollup_bridge.deposits.system_config import UPDATE_BATCHER
from rollup_bridge.derive.driver import Progress
from rollup_bridge.derive.references import reference
from rollup_bridge.errors import CriticalError, TemporaryError
from tests.rollup_bridge.deposits.test_system_config import update
from tests.rollup_bridge.deposits.test_user_deposits import deposit_log
from tests.rollup_bridge.derive.world import World, grown
from tests.rollup_bridge.fakes import INVALID, FakeEngine, batcher_transaction


async def test_an_empty_verifier_reaches_the_same_hashes() -> None:
    world = await grown()
    world.post(1, 60)
    await world.derive()
    assert world.verifier.hashes() == world.sequencer.hashes()
    assert world.verifier.safe == 60


async def test_wiped_data_is_derived_again_from_l1_alone() -> None:
    world = await grown()
    for first in (1, 21, 41):
        world.post(first, first + 19)
    await world.derive()
    again = FakeEngine()
    await world.derive(world.new_driver(again))
    assert again.hashes() == world.verifier.hashes() == world.sequencer.hashes()


async def test_a_channel_in_many_frames_over_many_blocks() -> None:
    world = await grown(sequencing_window=100, channel_timeout=60)
    frames = world.frames(world.batches(1, 60), 120)
    assert len(frames) > 5
    for frame in frames:
        world.include(frame)
    await world.derive()
    assert world.verifier.hashes() == world.sequencer.hashes()


async def test_channel_timeout_loses_the_channel() -> None:
    world = await grown(channel_timeout=4)
    frames = world.frames(world.batches(1, 60), 120)
    world.include(frames[0])
    for _ in range(5):
        world.l1.extend()
    world.include(*frames[1:])
    await world.derive()
    assert world.verifier.safe == 0


async def test_unknown_envelope_versions_and_rubbish_never_stop_derivation() -> None:
    world = await grown()
    rubbish = (b"", b"\x01frames", b"\x00", b"\x00" + b"\xff" * 40, b"\xff" * 100)
    world.l1.extend([batcher_transaction(data) for data in rubbish])
    broken = world.frames(world.batches(1, 60))[0]
    world.include(replace(broken, data=broken.data[:-40]), Frame(b"z" * 16, 0, b"\x01no channel", True))
    world.post(1, 60)
    await world.derive()
    assert world.verifier.safe == 60


async def test_inclusion_order_decides_among_valid_candidates_first_wins() -> None:
    world = await grown()
    _, first = batch_of(world.config, world.sequencer.chain[1])
    rival = encode_singular_batch(replace(first, transactions=(b"\x02rival",)))
    world.include(*world.frames([rival]))
    world.post(1, 60)
    await world.derive()
    assert world.verifier.chain[1].transactions[-1] == b"\x02rival"
    assert world.verifier.safe == 1, "the rest builds on another parent"


class TestBatcherKey:
    NEW = Address(b"\x77" * 20)

    async def test_rotation_mid_chain_the_old_key_is_ignored(self) -> None:
        world = await grown()
        world.post(1, 20)
        world.l1.extend(logs=[update(UPDATE_BATCHER, bytes(12) + self.NEW)])
        payload = encode_frames(world.frames(world.batches(21, 40)))
        world.l1.extend([batcher_transaction(payload)])
        await world.derive()
        assert world.verifier.safe == 20
        world.l1.extend([batcher_transaction(payload, sender=self.NEW)])
        await world.derive()
        assert world.verifier.safe == 40

    async def test_the_new_key_counts_in_the_very_block_of_the_event(self) -> None:
        world = await grown()
        payload = encode_frames(world.frames(world.batches(1, 20)))
        rotation = update(UPDATE_BATCHER, bytes(12) + self.NEW)
        world.l1.extend([batcher_transaction(payload, sender=self.NEW)], [rotation])
        await world.derive()
        assert world.verifier.safe == 20


class TestConsolidation:
    async def test_existing_unsafe_blocks_become_safe_without_being_executed_again(self) -> None:
        world = await grown()
        executed = world.sequencer.applied
        world.post(1, 60)
        driver = world.new_driver(world.sequencer)
        await world.derive(driver)
        assert (world.sequencer.safe, world.sequencer.applied) == (60, executed)
        assert driver.statistics().consolidated == 60

    async def test_a_differing_unsafe_block_is_replaced_with_all_above_it(self) -> None:
        world = await grown()
        world.post(1, 60)
        corrupt = FakeEngine(chain=list(world.sequencer.chain))
        corrupt.chain[31] = replace(corrupt.chain[31], gas_limit=1, hash=Hash32(b"x" * 32))
        driver = world.new_driver(corrupt)
        await world.derive(driver)
        assert corrupt.hashes() == world.sequencer.hashes()
        assert driver.statistics().replaced == 1

    async def test_unsafe_blocks_without_batches_stay_unsafe(self) -> None:
        world = await grown()
        world.post(1, 30)
        await world.derive(world.new_driver(world.sequencer))
        assert (world.sequencer.safe, len(world.sequencer.chain) - 1) == (30, 60)


class TestInvalidTransactions:
    async def test_invalid_transaction_in_an_otherwise_valid_batch_makes_a_deposits_only_block(self) -> None:
        world = await grown()
        _, batch = batch_of(world.config, world.sequencer.chain[1])
        invalid = encode_singular_batch(replace(batch, transactions=(b"\x02fine", INVALID)))
        world.include(*world.frames([invalid, *world.batches(2, 10)]))
        await world.derive()
        assert [len(block.transactions) for block in world.verifier.chain] == [0, 1]
        assert world.driver.statistics().deposits_only == 1
        assert world.verifier.safe == 1, "the rest of the channel is dropped"

    async def test_deposits_only_that_fail_are_critical_not_skipped(self) -> None:
        world = World()
        world.l1.extend(logs=[deposit_log()])
        await world.build(3)
        world.post(1, 3)
        engine = FakeEngine(refuse=lambda raw: raw[0] == 0x7E)
        with pytest.raises(CriticalError):
            await world.derive(world.new_driver(engine))
        assert engine.safe == 0


class TestForcedInclusion:
    async def test_deposits_execute_though_the_sequencer_is_silent(self) -> None:
        world = World(sequencing_window=10)
        world.l1.extend(logs=[deposit_log(mint=99)])
        for _ in range(12):
            world.l1.extend()
        await world.derive()
        forced = [raw for block in world.verifier.chain[1:] for raw in block.transactions[1:]]
        assert len(forced) == 1

    async def test_a_malicious_sequencer_that_leaves_a_deposit_out_is_overruled(self) -> None:
        world = World()
        world.l1.extend(logs=[deposit_log()])
        await world.build(3)
        head = world.sequencer.chain[-1]
        liar = replace(head, transactions=(head.transactions[0], b"\x02hello"), hash=Hash32(b"l" * 32))
        world.sequencer.chain[-1] = liar
        world.post(1, 3)
        await world.derive()
        assert len(world.verifier.chain[3].transactions) == 3


class TestL1Reorg:
    @pytest.mark.parametrize("depth", [1, 5, 15])
    async def test_a_dropped_batch_takes_its_blocks_back_and_can_be_posted_again(self, depth: int) -> None:
        world = await grown(40, 60, sequencing_window=100)
        world.post(1, 60)
        for _ in range(depth - 1):
            world.l1.extend()
        await world.derive()
        assert world.verifier.safe == 60
        world.l1.reorg(depth)
        for _ in range(depth):
            world.l1.extend()
        await world.derive()
        assert world.verifier.safe == 0
        world.post(1, 60)
        await world.derive()
        assert world.verifier.hashes() == world.sequencer.hashes()
        assert world.verifier.safe == 60

    async def test_a_lost_origin_gives_up_the_unsafe_blocks_on_it(self) -> None:
        world = await grown(20, 60)
        driver = world.new_driver(world.sequencer)
        world.post(1, 30)
        await world.derive(driver)
        world.l1.reorg(4)  # the post and origins 18 to 20
        for _ in range(5):
            world.l1.extend()
        await world.derive(driver)
        assert reference(world.config, world.sequencer.chain[-1]).l1_origin.number == 17
        await world.build(10)
        world.post(1, len(world.sequencer.chain) - 1)
        await world.derive(driver)
        await world.derive()
        assert world.verifier.hashes() == world.sequencer.hashes()

    async def test_a_deposit_that_moved_to_another_block_is_derived_where_it_is_now(self) -> None:
        world = World(sequencing_window=5)
        world.l1.extend(logs=[deposit_log()])
        for _ in range(8):
            world.l1.extend()
        await world.derive()
        world.l1.reorg(9)
        world.l1.extend()
        world.l1.extend(logs=[deposit_log()])
        for _ in range(9):
            world.l1.extend()
        await world.derive()
        fresh = FakeEngine()
        await world.derive(world.new_driver(fresh))
        assert fresh.hashes() == world.verifier.hashes()
        holders = [block for block in fresh.chain[1:] if len(block.transactions) > 1]
        assert [reference(world.config, block).l1_origin.number for block in holders] == [2]

    async def test_a_block_lost_before_its_data_was_read_is_not_waited_for(self) -> None:
        world = await grown(10, 20)
        while not (world.driver._pipeline and world.driver._pipeline.origin == world.l1.head):
            await world.driver.step()
        world.l1.reorg(1)
        world.l1.extend()
        world.post(1, 20)
        await world.derive()
        assert world.verifier.hashes() == world.sequencer.hashes()


class TestFinality:
    async def test_finalized_follows_the_l1_never_ahead(self) -> None:
        world = await grown()
        holds_first = world.post(1, 30).number
        holds_second = world.post(31, 60).number
        await world.derive()
        for l1_number, expected in ((holds_first - 1, 0), (holds_first, 30), (holds_second, 60)):
            world.l1.finalized_number = l1_number
            await world.driver.follow_finality()
            assert world.verifier.finalized == expected

    async def test_a_reset_never_goes_below_finalized(self) -> None:
        world = await grown()
        world.l1.finalized_number = world.post(1, 30).number
        world.post(31, 60)
        await world.derive()
        await world.driver.follow_finality()
        world.driver.request_reset()
        await world.derive()
        assert (world.verifier.finalized, world.verifier.safe) == (30, 60)


class TestFaults:
    async def test_an_l1_that_fails_anywhere_only_delays(self) -> None:
        world = await grown()
        world.l1.extend(logs=[deposit_log()])
        world.post(1, 60)
        steps = 0
        while steps < 2_000:
            steps += 1
            world.l1.down = steps % 3 != 0
            try:
                if await world.driver.step() is Progress.IDLE:
                    break
            except TemporaryError:
                continue
        assert world.verifier.hashes() == world.sequencer.hashes()

    async def test_restarts_at_any_step_reach_the_same_chain(self) -> None:
        world = await grown(12, 30)
        world.post(1, 15)
        world.post(16, 30)
        for pause in range(1, 40, 3):
            engine = FakeEngine()
            driver = world.new_driver(engine)
            for _ in range(pause):
                await driver.step()
            await world.derive(world.new_driver(engine))
            assert engine.hashes() == world.sequencer.hashes()
            assert engine.safe == 30

    async def test_run_follows_and_ends_by_cancellation(self) -> None:
        world = await grown()
        world.l1.finalized_number = world.post(1, 60).number
        task = asyncio.create_task(world.driver.run())
        while world.verifier.finalized < 60:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_run_waits_out_an_l1_that_is_down(self) -> None:
        world = await grown()
        world.post(1, 60)
        world.l1.down = True
        task = asyncio.create_task(world.driver.run())
        while world.driver.statistics().temporary_errors < 3:
            await asyncio.sleep(0)
        world.l1.down = False
        while world.verifier.safe < 60:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_run_stops_on_a_critical_error(self) -> None:
        world = await grown()
        world.verifier.chain[0] = replace(world.verifier.chain[0], hash=Hash32(b"x" * 32))
        with pytest.raises(CriticalError, match="genesis"):
            await world.driver.run()


async def test_sync_status_names_every_head() -> None:
    world = await grown()
    with pytest.raises(TemporaryError):
        await world.driver.sync_status()
    world.post(1, 30)
    await world.derive(driver := world.new_driver(world.sequencer))
    status = await driver.sync_status()
    assert status.current_l1 == status.head_l1 == world.l1.head
    assert (status.unsafe_l2.number, status.safe_l2.number, status.finalized_l2.number) == (60, 30, 0)
    assert status.finalized_l1 == world.l1.chain[0]
    world.l1.finalized_number = -1
    assert (await driver.sync_status()).finalized_l1 == world.l1.chain[0], "a young L1 has none"
    assert status.safe_l2.id == BlockId(world.sequencer.chain[30].hash, 30)


@settings(max_examples=40, deadline=None)
@given(st.data())
async def test_two_verifiers_agree_on_mutated_channels(data: st.DataObject) -> None:
    """Whatever the batcher posts, nothing is uncaught and nobody disagrees, however the stages are driven."""
    world = await grown(12, 20, sequencing_window=8)
    payload = bytearray(encode_frames(world.frames(world.batches(1, 20))))
    for _ in range(data.draw(st.integers(0, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    world.l1.extend([batcher_transaction(bytes(payload))])
    world.post(1, 20)
    for _ in range(9):
        world.l1.extend()
    await world.derive()
    other = FakeEngine()
    driver = world.new_driver(other)
    for _ in range(data.draw(st.integers(0, 60))):
        await driver.step()
    await world.derive(world.new_driver(other))
    assert other.hashes() == world.verifier.hashes()


async def test_a_lost_origin_ahead_of_derivation_is_noticed_without_a_sequencer() -> None:
    world = await grown(10, 0)
    driver = world.new_driver(world.sequencer)
    await world.derive(driver)
    for _ in range(2):
        world.l1.extend()
    await world.build(35)
    world.l1.reorg(2)
    for _ in range(3):
        world.l1.extend()
    await world.derive(driver)
    assert reference(world.config, world.sequencer.chain[-1]).l1_origin.number == 10
