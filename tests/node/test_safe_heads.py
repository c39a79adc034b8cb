"""The safe head after each L1 block, as derivation says it, over resets and restarts."""

from contextlib import closing
from pathlib import Path

import pytest

from genesis.spec import BlockId
from genesis.types import Hash32
from openledger_node.errors import StartError
from openledger_node.node.safe_heads import FILE, SafeHeads
from rollup_bridge.derive.driver import DerivationDriver
from tests.rollup_bridge.derive.world import World, grown
from tests.rollup_bridge.fakes import FakeClock


def driver(world: World, log: SafeHeads) -> DerivationDriver:
    return DerivationDriver(world.config, world.l1, world.verifier, FakeClock(), safe_heads=log)


def safe_numbers(log: SafeHeads, l1_numbers: range) -> list[int]:
    return [0 if (found := log.at(number)) is None else found[1].number for number in l1_numbers]


async def test_after_each_l1_block_its_batches_are_safe(tmp_path: Path) -> None:
    world = await grown()
    posted = [world.post(first, first + 9).number for first in (1, 11, 21)]
    with closing(SafeHeads(tmp_path)) as log:
        await world.derive(driver(world, log))
        assert safe_numbers(log, range(posted[0] - 1, posted[2] + 3)) == [0, 10, 20, 30, 30, 30]
        found = log.at(posted[1])
        assert found == (world.l1.chain[posted[1]].id, world.verifier.chain[20].id)
    with closing(SafeHeads(tmp_path)) as log:
        assert log.at(posted[1]) == found


async def test_an_l1_reorg_takes_back_what_was_said_of_it(tmp_path: Path) -> None:
    world = await grown()
    first, second = world.post(1, 10), world.post(11, 30)
    with closing(SafeHeads(tmp_path)) as log:
        following = driver(world, log)
        await world.derive(following)
        assert safe_numbers(log, range(first.number, second.number + 1)) == [10, 30]
        world.l1.reorg(1)
        third = world.post(11, 15)
        await world.derive(following)
        assert safe_numbers(log, range(first.number, third.number + 1)) == [10, 15]
        found = log.at(third.number)
        assert found is not None
        assert found[0] == world.l1.chain[third.number].id, "of the new fork"


def test_a_later_word_on_an_l1_block_counts(tmp_path: Path) -> None:
    one, two = BlockId(Hash32(b"1" * 32), 1), BlockId(Hash32(b"2" * 32), 2)
    with closing(SafeHeads(tmp_path)) as log:
        log.record(one, one)
        log.record(one, two)
        assert log.at(1) == (one, two)
        log.forget_above(2)
        assert log.at(7) == (one, two)
        log.forget_above(1)
        assert log.at(7) is None


def test_a_file_that_is_something_else(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 200)
    with pytest.raises(StartError, match="remove it"):
        SafeHeads(tmp_path)
