from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import SEQUENCER_FEE_VAULT
from genesis.spec import BlockId
from genesis.types import Hash32
from rollup_bridge.deposits.l1_attributes import read_l1_attributes
from rollup_bridge.deposits.system_config import UPDATE_GAS_LIMIT
from rollup_bridge.deposits.transaction import decode_deposit
from rollup_bridge.derive.attributes import AttributesBuilder, SequencerAttributes, deposits_only
from rollup_bridge.derive.references import reference
from rollup_bridge.errors import ResetError, TemporaryError
from tests.rollup_bridge.deposits.test_system_config import update, word
from tests.rollup_bridge.deposits.test_user_deposits import deposit_log
from tests.rollup_bridge.derive.world import World, grown
from tests.rollup_bridge.fakes import GENESIS_BLOCK, GENESIS_TIME_S, FakeL1, l2_block, rollup_config


async def test_attributes_come_from_the_l1_origin() -> None:
    world = await grown(3, 2)
    origin = world.l1.chain[1]
    made = await world.attributes.prepare(world.sequencer.chain[-1])
    assert made.l1_origin == origin.id
    assert made.timestamp_s == GENESIS_TIME_S + 6
    assert made.prev_randao == origin.prev_randao
    assert made.parent_beacon_block_root == origin.parent_beacon_block_root
    assert made.fee_recipient == SEQUENCER_FEE_VAULT
    assert made.gas_limit == world.config.system_config.gas_limit
    attributes = read_l1_attributes(made.transactions[0])
    assert (attributes.number, attributes.base_fee_wei) == (1, origin.base_fee_wei)
    assert attributes.batcher == world.config.system_config.batcher


async def test_order_attributes_then_deposits_only_in_the_first_block_of_an_epoch() -> None:
    world = World()
    world.l1.extend(logs=[deposit_log(1), deposit_log(2)])
    await world.build(4, ())
    third, fourth = world.sequencer.chain[3:5]
    assert [raw[0] for raw in third.transactions] == [0x7E] * 3
    assert [decode_deposit(raw).mint_wei for raw in third.transactions[1:]] == [1, 2]
    assert len(fourth.transactions) == 1


async def test_deposit_of_an_unknown_l1_transaction_type_is_derived_all_the_same() -> None:
    """Receipts carry the log whatever the type of the transaction that made it."""
    world = World()
    world.l1.extend(logs=[deposit_log()])
    await world.build(3, ())
    assert len(world.sequencer.chain[3].transactions) == 2


async def test_a_system_config_change_is_effective_at_the_block_that_holds_the_event() -> None:
    world = World()
    world.l1.extend(logs=[update(UPDATE_GAS_LIMIT, word(50_000_000))])
    world.l1.extend()
    await world.build(7, ())
    old, new = world.config.system_config.gas_limit, 50_000_000
    assert [block.gas_limit for block in world.sequencer.chain[1:]] == [old, old, new, new, new, new, new]


async def test_an_origin_on_another_branch_resets() -> None:
    world = await grown(3, 2)
    builder = AttributesBuilder(world.config, world.l1)
    parent = world.sequencer.chain[-1]
    with pytest.raises(ResetError, match="unknown"):
        await builder.forced(parent, BlockId(Hash32(b"x" * 32), 1))
    with pytest.raises(ResetError, match="follow"):
        await builder.forced(parent, world.l1.chain[2].id)


async def test_a_block_older_than_its_origin_resets() -> None:
    world = await grown(3, 1)
    with pytest.raises(ResetError, match="older"):
        await AttributesBuilder(world.config, world.l1).forced(
            world.sequencer.chain[-1], world.l1.chain[1].id
        )


async def test_deposits_only_keeps_what_l1_forces() -> None:
    world = World()
    world.l1.extend(logs=[deposit_log()])
    await world.build(2, ())
    made = await world.attributes.prepare(world.sequencer.chain[-1])
    full = replace(made, transactions=(*made.transactions, b"\x02tx"))
    assert deposits_only(full).transactions == made.transactions


class TestOriginSelection:
    async def test_the_next_origin_is_adopted_when_its_time_has_come(self) -> None:
        world = await grown(3, 9)
        origins = [reference(world.config, block).l1_origin.number for block in world.sequencer.chain]
        assert origins == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]

    async def test_without_a_next_origin_the_current_one_is_kept_up_to_the_drift(self) -> None:
        world = World()
        await world.build(world.config.max_sequencer_drift_s // 2)
        with pytest.raises(TemporaryError, match="needed"):
            await world.build(1)
        world.l1.extend()
        await world.build(1)
        assert reference(world.config, world.sequencer.chain[-1]).l1_origin.number == 1

    async def test_beyond_the_drift_of_a_late_l1_the_blocks_are_empty(self) -> None:
        world = World()
        world.l1.extend(time_s=GENESIS_TIME_S + 40)
        await world.build(25)
        empty = [len(block.transactions) == 1 for block in world.sequencer.chain[1:]]
        assert empty == [False] * 15 + [True] * 4 + [False] * 6  # 32 to 38 s; epoch 1 begins at 40 s

    async def test_confirmations_are_waited_for(self) -> None:
        world = await grown(3, 2)
        careful = SequencerAttributes(world.config, world.l1, confirmations=3)
        head = world.sequencer.chain[-1]
        assert (await careful.select_origin(head)).number == 0
        world.l1.extend()
        assert (await careful.select_origin(head)).number == 1

    async def test_a_reorg_of_the_heads_origin_resets(self) -> None:
        world = await grown(3, 9)
        head = world.sequencer.chain[-1]
        world.l1.reorg(1)
        world.l1.extend()
        with pytest.raises(ResetError):
            await world.attributes.prepare(head)

    async def test_a_reorg_is_seen_though_the_old_block_is_still_known(self) -> None:
        world = await grown(3, 9)
        head, old = world.sequencer.chain[-1], world.l1.head
        world.l1.reorg(1)
        world.l1.known[old.hash] = old
        world.l1.extend()
        with pytest.raises(ResetError, match="canonical"):
            await world.attributes.prepare(head)
        world.l1.extend()
        with pytest.raises(ResetError, match="follow"):
            await world.attributes.prepare(head)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 25), min_size=1, max_size=12))
async def test_whatever_the_l1s_pace_time_and_epochs_keep_their_rules(pauses_s: list[int]) -> None:
    l1 = FakeL1()
    time_s = GENESIS_TIME_S
    for pause_s in pauses_s:
        time_s += pause_s
        l1.extend(time_s=time_s)
    config = rollup_config(l1)
    attributes = SequencerAttributes(config, l1)
    parent = GENESIS_BLOCK
    while parent.timestamp_s < time_s:
        made = await attributes.prepare(parent)
        origin = l1.chain[made.l1_origin.number]
        assert made.timestamp_s == parent.timestamp_s + config.block_time_s
        assert origin.timestamp_s <= made.timestamp_s
        assert made.l1_origin.number - reference(config, parent).l1_origin.number in (0, 1)
        assert made.no_pool == (made.timestamp_s > origin.timestamp_s + config.max_sequencer_drift_s)
        parent = l2_block(made)
