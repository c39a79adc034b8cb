"""A withdrawal from initiated to paid, through the real portal, oracle and vault."""

import pytest

from genesis.types import Hash32
from rollup_bridge.errors import CriticalError, TemporaryError, TransactionError
from rollup_bridge.ports import OutputParts, StorageWitness
from rollup_bridge.proposer.output_root import output_root
from rollup_bridge.withdrawals.flow import Stage, WithdrawalFlow
from rollup_bridge.withdrawals.withdrawal import Withdrawal, withdrawal_hash
from tests.contracts.rollup import (
    ALICE,
    BOB,
    FINALIZATION_PERIOD_S,
    SUBMISSION_INTERVAL,
    ProvenOutput,
    Rollup,
    output_with,
    withdrawal,
)
from tests.rollup_bridge.l1_machine import MachineL1

MESSAGE = withdrawal()
WITHDRAWAL = Withdrawal(*MESSAGE.fields())
L2_NUMBER = 3


class Ticking:
    """Each pause is time on L1; sooner or later somebody proposes."""

    def __init__(self, bench: "Bench") -> None:
        self.bench = bench

    def now_s(self) -> float:
        return self.bench.rollup.machine.now_s

    async def sleep(self, seconds: float) -> None:
        self.bench.rollup.machine.advance(30)
        if self.bench.rollup.oracle.read("nextOutputIndex") == 0:
            self.bench.rollup.propose(self.bench.output.root)


class Bench:
    def __init__(self, rollup: Rollup, output: ProvenOutput | None = None) -> None:
        self.rollup = rollup
        self.output = output or output_with(MESSAGE)
        self.marked = 1
        l1 = MachineL1(rollup, ALICE)
        self.flow = WithdrawalFlow(
            rollup.at.portal,
            rollup.at.output_oracle,
            l1=l1,  # type: ignore[arg-type]  # of L1Source the flow needs the head only
            contracts=l1,
            outputs=self,
            proofs=self,
            sender=l1,
            clock=Ticking(self),
        )

    async def output_parts(self, number: int) -> OutputParts:
        assert number == SUBMISSION_INTERVAL
        _, state, passer, block = self.output.proof
        return OutputParts(number, Hash32(state), Hash32(passer), Hash32(block))

    async def message_passer_proof(self, slot: Hash32, number: int) -> StorageWitness:
        assert slot == MESSAGE.slot()
        return StorageWitness(self.marked, tuple(self.output.nodes(MESSAGE)))

    async def stage(self) -> Stage:
        return await self.flow.stage(WITHDRAWAL, L2_NUMBER)


@pytest.fixture
def bench(rollup: Rollup) -> Bench:
    return Bench(rollup)


async def test_stage_by_stage_to_the_money(bench: Bench) -> None:
    rollup = bench.rollup
    assert withdrawal_hash(WITHDRAWAL) == MESSAGE.hash()
    assert output_root(await bench.output_parts(SUBMISSION_INTERVAL)) == bench.output.root
    assert await bench.stage() is Stage.WAITING_TO_PROVE
    with pytest.raises(TemporaryError):
        await bench.flow.prove(WITHDRAWAL, L2_NUMBER)
    rollup.propose(bench.output.root)
    assert await bench.stage() is Stage.READY_TO_PROVE
    assert (await bench.flow.prove(WITHDRAWAL, L2_NUMBER)).succeeded
    assert await bench.stage() is Stage.WAITING_TO_FINALIZE
    with pytest.raises(TransactionError, match="reverted"):
        await bench.flow.finalize(WITHDRAWAL)
    rollup.machine.advance(FINALIZATION_PERIOD_S + 1)
    assert await bench.stage() is Stage.READY_TO_FINALIZE
    assert (await bench.flow.finalize(WITHDRAWAL)).succeeded
    assert await bench.stage() is Stage.FINALIZED
    assert rollup.balance(BOB) == WITHDRAWAL.value_wei


async def test_complete_waits_and_does_it_all(bench: Bench) -> None:
    inclusion = await bench.flow.complete(WITHDRAWAL, L2_NUMBER)
    assert inclusion is not None
    assert bench.rollup.balance(BOB) == WITHDRAWAL.value_wei
    assert await bench.flow.complete(WITHDRAWAL, L2_NUMBER) is None


async def test_a_proof_under_a_deleted_output_is_made_again(bench: Bench) -> None:
    rollup = bench.rollup
    rollup.propose(bench.output.root)
    await bench.flow.prove(WITHDRAWAL, L2_NUMBER)
    rollup.delete_from(0)
    assert await bench.stage() is Stage.WAITING_TO_PROVE
    bench.output = output_with(MESSAGE, others=7)
    rollup.propose(bench.output.root)
    assert await bench.stage() is Stage.READY_TO_PROVE
    await bench.flow.complete(WITHDRAWAL, L2_NUMBER)
    assert rollup.balance(BOB) == WITHDRAWAL.value_wei


async def test_an_output_that_is_not_ours_stops(bench: Bench) -> None:
    bench.rollup.propose(b"\x66" * 32)
    with pytest.raises(CriticalError, match="not the one"):
        await bench.flow.prove(WITHDRAWAL, L2_NUMBER)


async def test_a_withdrawal_that_was_never_initiated_is_not_sent(bench: Bench) -> None:
    bench.rollup.propose(bench.output.root)
    bench.marked = 0
    with pytest.raises(TransactionError, match="not in L2 block"):
        await bench.flow.prove(WITHDRAWAL, L2_NUMBER)
