"""The proposer against the real OutputOracle."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from genesis.keccak import keccak256
from genesis.spec import BlockId
from genesis.types import Address, Hash32
from rollup_bridge.errors import CriticalError, TemporaryError, TransactionError
from rollup_bridge.ports import L1Block, L2Reference, OutputParts, SyncStatus
from rollup_bridge.proposer.oracle import OracleReader
from rollup_bridge.proposer.output_root import output_root
from rollup_bridge.proposer.service import Proposer, ProposerSettings
from tests.contracts.rollup import PROPOSER, SUBMISSION_INTERVAL, Rollup
from tests.rollup_bridge.fakes import FakeClock
from tests.rollup_bridge.l1_machine import MachineL1

ZERO = Hash32(bytes(32))


def l1_block(number: int) -> L1Block:
    return L1Block(keccak256(b"l1" + bytes([number])), number, ZERO, 0, 1, 1, ZERO, ZERO)


def l2(number: int) -> L2Reference:
    return L2Reference(ZERO, number, ZERO, 0, BlockId(ZERO, 0), 0)


def parts(number: int) -> OutputParts:
    return OutputParts(
        number, keccak256(b"state%d" % number), keccak256(b"passer"), keccak256(b"block%d" % number)
    )


class Node:
    """Status and outputs of an L2 whose safe head the test moves."""

    def __init__(self) -> None:
        block = l1_block(101)
        self.status = SyncStatus(block, block, block, block, l2(99), l2(0), l2(0))

    async def sync_status(self) -> SyncStatus:
        return self.status

    async def output_parts(self, number: int) -> OutputParts:
        return parts(number)

    def move(self, *, safe: int = 0, finalized: int = 0) -> None:
        self.status = replace(self.status, safe_l2=l2(safe), finalized_l2=l2(finalized))


class Bench:
    def __init__(self, rollup: Rollup, *, only_finalized: bool = False) -> None:
        self.rollup = rollup
        self.node = Node()
        self.l1 = l1 = MachineL1(rollup, PROPOSER)
        self.proposer = Proposer(
            rollup.at.output_oracle,
            ProposerSettings(only_finalized=only_finalized),
            status=self.node,
            outputs=self.node,
            contracts=l1,
            sender=l1,
            clock=FakeClock(),
        )
        self.reader = OracleReader(rollup.at.output_oracle, l1)
        rollup.machine.context._block_number = 102
        rollup.machine.set_ancestor_hashes([l1_block(101).hash])


async def test_safe_blocks_are_proposed_as_they_fall_due(rollup: Rollup) -> None:
    bench = Bench(rollup)
    bench.node.move(safe=SUBMISSION_INTERVAL - 1)
    assert await bench.proposer.propose_next() is None
    bench.node.move(safe=SUBMISSION_INTERVAL)
    assert await bench.proposer.propose_next() is not None
    proposal = await bench.reader.output(0)
    assert proposal.l2_number == SUBMISSION_INTERVAL
    assert proposal.root == output_root(parts(SUBMISSION_INTERVAL))
    assert await bench.reader.output_index_after(1) == 0
    assert bench.proposer.statistics().proposed == 1


async def test_only_finalized_blocks_by_setting(rollup: Rollup) -> None:
    bench = Bench(rollup, only_finalized=True)
    bench.node.move(safe=50, finalized=SUBMISSION_INTERVAL - 1)
    assert await bench.proposer.propose_next() is None
    bench.node.move(safe=50, finalized=SUBMISSION_INTERVAL)
    assert await bench.proposer.propose_next() is not None


async def test_a_proposal_from_another_l1_fork_is_void(rollup: Rollup) -> None:
    bench = Bench(rollup)
    bench.node.move(safe=50)
    rollup.machine.set_ancestor_hashes([keccak256(b"another fork")])
    with pytest.raises(TransactionError, match="reverted"):
        await bench.proposer.propose_next()
    assert await bench.reader.next_block_number() == SUBMISSION_INTERVAL


async def test_a_node_far_behind_does_not_propose(rollup: Rollup) -> None:
    bench = Bench(rollup)
    bench.node.move(safe=50)
    bench.node.status = replace(bench.node.status, head_l1=replace(l1_block(1), number=400))
    with pytest.raises(TemporaryError, match="behind"):
        await bench.proposer.propose_next()


async def test_run_catches_up_and_survives_refusals(rollup: Rollup) -> None:
    bench = Bench(rollup)
    bench.l1.seconds_per_transaction = 0
    bench.node.move(safe=3 * SUBMISSION_INTERVAL)
    rollup.machine.set_ancestor_hashes([keccak256(b"another fork")])
    task = asyncio.create_task(bench.proposer.run())
    await until(task, lambda: bench.proposer.statistics().failures == 2)
    rollup.machine.set_ancestor_hashes([l1_block(101).hash])
    await until(task, lambda: bench.proposer.statistics().proposed == 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.proposer.statistics().last_l2_number == 3 * SUBMISSION_INTERVAL


async def until(task: "asyncio.Task[None]", condition: Callable[[], bool]) -> None:
    while not condition():
        assert not task.done(), task.exception()
        await asyncio.sleep(0)


async def test_what_is_no_oracle_stops_the_node(rollup: Rollup) -> None:
    reader = OracleReader(Address(b"\x99" * 20), MachineL1(rollup, PROPOSER))
    with pytest.raises(CriticalError, match="not an output oracle"):
        await reader.next_block_number()


async def test_nothing_is_proposed_on_top_of_an_output_that_differs(rollup: Rollup) -> None:
    bench = Bench(rollup)
    bench.node.move(safe=2 * SUBMISSION_INTERVAL)
    rollup.propose(keccak256(b"not ours"))
    with pytest.raises(TemporaryError, match="has to fall first"):
        await bench.proposer.propose_next()
    rollup.delete_from(0)
    assert await bench.proposer.propose_next() is not None
