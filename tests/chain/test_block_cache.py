"""The cache of blocks holds the last used, within its measure of transactions."""

from dataclasses import replace

import pytest

from openledger_node.chain.block_cache import COST_OF_A_BLOCK, BlockCache
from openledger_node.evm.records import Block
from tests.evm import world
from tests.evm.world import ALICE, ROLLUP


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    chain = world.open_chain()
    raws = [ALICE.sign(ROLLUP, nonce=nonce) for nonce in range(5)]
    return [chain.import_block(world.inputs(chain, raw)) for raw in raws]


def test_the_longest_unused_is_forgotten(blocks: list[Block]) -> None:
    cache = BlockCache(3 * (COST_OF_A_BLOCK + 1))
    for block in blocks[:3]:
        cache.put(block)
    assert cache.get(blocks[0].header.hash) is blocks[0]
    cache.put(blocks[3])
    held = [cache.get(block.header.hash) is not None for block in blocks]
    assert held == [True, False, True, True, False]


def test_a_block_counts_once(blocks: list[Block]) -> None:
    cache = BlockCache(2 * (COST_OF_A_BLOCK + 1))
    for _ in range(5):
        cache.put(blocks[0])
    cache.put(blocks[1])
    assert cache.get(blocks[0].header.hash) is not None


def test_large_blocks_take_the_place_of_many(blocks: list[Block]) -> None:
    cache = BlockCache(4 * (COST_OF_A_BLOCK + 1))
    for block in blocks[:4]:
        cache.put(block)
    large = replace(blocks[4], transactions=blocks[4].transactions * 20)
    cache.put(large)
    assert [cache.get(block.header.hash) is not None for block in blocks] == [
        False,
        False,
        False,
        False,
        True,
    ]
    cache.put(replace(blocks[0], transactions=blocks[0].transactions * 50))
    assert [cache.get(block.header.hash) is not None for block in blocks] == [False] * 5
