from dataclasses import replace

import pytest

from rollup_bridge.deposits.system_config import UPDATE_GAS_LIMIT
from rollup_bridge.derive.l1_traversal import L1Traversal
from rollup_bridge.errors import ResetError, TemporaryError
from tests.rollup_bridge.deposits.test_system_config import update, word
from tests.rollup_bridge.fakes import SYSTEM, FakeL1, rollup_config


def traversal(l1: FakeL1) -> L1Traversal:
    return L1Traversal(rollup_config(l1), l1, l1.chain[0], SYSTEM)


async def test_it_walks_block_by_block_and_waits_at_the_head() -> None:
    l1 = FakeL1()
    walk = traversal(l1)
    assert not await walk.advance()
    block = l1.extend()
    assert await walk.advance()
    assert walk.origin == block
    assert not await walk.advance()


async def test_a_system_config_change_holds_from_the_block_that_has_the_event() -> None:
    l1 = FakeL1()
    l1.extend()
    l1.extend(logs=[update(UPDATE_GAS_LIMIT, word(50_000_000))])
    walk = traversal(l1)
    await walk.advance()
    assert walk.system_config == SYSTEM
    await walk.advance()
    assert walk.system_config == replace(SYSTEM, gas_limit=50_000_000)


async def test_a_reorg_below_the_next_block_resets() -> None:
    l1 = FakeL1()
    l1.extend()
    walk = traversal(l1)
    await walk.advance()
    l1.reorg(1)
    l1.extend()
    l1.extend()
    with pytest.raises(ResetError):
        await walk.advance()


async def test_a_reorg_that_does_not_lengthen_the_chain_resets() -> None:
    l1 = FakeL1()
    l1.extend()
    walk = traversal(l1)
    await walk.advance()
    l1.reorg(1)
    l1.extend()
    with pytest.raises(ResetError):
        await walk.advance()


async def test_a_chain_that_got_shorter_is_waited_for() -> None:
    l1 = FakeL1()
    l1.extend()
    walk = traversal(l1)
    await walk.advance()
    l1.reorg(1)
    assert not await walk.advance()


async def test_an_l1_that_is_down_loses_nothing() -> None:
    l1 = FakeL1()
    block = l1.extend()
    walk = traversal(l1)
    l1.down = True
    with pytest.raises(TemporaryError):
        await walk.advance()
    l1.down = False
    assert await walk.advance()
    assert walk.origin == block
