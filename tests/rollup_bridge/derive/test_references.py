from dataclasses import replace

import pytest

from genesis.types import Hash32
from rollup_bridge.derive.references import reference, system_config
from rollup_bridge.errors import CriticalError
from tests.rollup_bridge.derive.world import grown
from tests.rollup_bridge.fakes import GENESIS_BLOCK, SYSTEM, FakeL1, rollup_config


def test_genesis_has_the_configured_origin() -> None:
    l1 = FakeL1()
    config = rollup_config(l1)
    place = reference(config, GENESIS_BLOCK)
    assert (place.l1_origin, place.sequence_number) == (l1.chain[0].id, 0)
    assert system_config(config, GENESIS_BLOCK) == SYSTEM


async def test_later_blocks_say_where_they_stand() -> None:
    world = await grown(5, 10)
    places = [reference(world.config, block) for block in world.sequencer.chain]
    assert [place.l1_origin.number for place in places] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3]
    assert [place.sequence_number for place in places] == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1]
    assert system_config(world.config, world.sequencer.chain[-1]) == SYSTEM


async def test_a_block_that_cannot_be_ours_stops_the_node() -> None:
    world = await grown(5, 3)
    config, block = world.config, world.sequencer.chain[-1]
    for stranger in (
        replace(GENESIS_BLOCK, hash=Hash32(b"x" * 32)),
        replace(block, transactions=()),
        replace(block, transactions=(b"\x02tx",)),
        replace(block, transactions=(block.transactions[0][:-1],)),
    ):
        with pytest.raises(CriticalError):
            reference(config, stranger)
