"""The attester against the real contracts."""

import pytest

from genesis.keccak import keccak256
from rollup_bridge.errors import TransactionError
from rollup_bridge.proposer.output_root import output_root
from tests.contracts.rollup import SUBMISSION_INTERVAL, Rollup
from tests.rollup_bridge.proposer.test_service import parts
from tests.rollup_bridge.validator.bench import Bench, account_that

SECOND = 2 * SUBMISSION_INTERVAL


async def test_the_newest_final_output_is_attested_once(rollup: Rollup) -> None:
    bench = Bench(rollup, account_that(judges=False))
    bench.stake()
    bench.propose(3)
    assert not await bench.attester.attest_next(), "no L2 block is final"
    bench.finalize(SECOND + 1)
    assert await bench.attester.attest_next()
    assert not await bench.attester.attest_next()
    [attested] = bench.record.signed
    assert (attested.l2_number, attested.root) == (SECOND, output_root(parts(SECOND)))
    assert attested.l1 == bench.final.id, "derived from the final L1"
    assert await bench.staking.has_attested(SECOND, attested.root, bench.account.address)
    statistics = bench.attester.statistics()
    assert (statistics.attested, statistics.seeds, statistics.last_l2_number) == (1, 1, SECOND)


async def test_what_a_restarted_attester_finds_on_the_l1_is_not_said_again(rollup: Rollup) -> None:
    account = account_that(judges=False)
    bench = Bench(rollup, account)
    bench.stake()
    bench.propose(2)
    bench.finalize(SECOND)
    await bench.attester.attest_next()
    again = Bench(rollup, account)
    again.finalize(SECOND)
    assert not await again.attester.attest_next()
    assert again.record.signed == []


async def test_without_stake_nothing_is_signed(rollup: Rollup) -> None:
    bench = Bench(rollup, account_that(judges=False))
    bench.propose(1)
    bench.finalize(SECOND)
    assert not await bench.attester.attest_next()
    assert bench.attester.problem == "the stake in ValidatorStaking does not reach the minimum"
    bench.stake()
    assert await bench.attester.attest_next()
    assert bench.attester.problem is bench.attester.idle_because is None


async def test_a_juror_of_the_epoch_does_not_attest(rollup: Rollup) -> None:
    bench = Bench(rollup, account_that(judges=True))
    bench.stake()
    bench.propose(1)
    bench.finalize(SECOND)
    assert not await bench.attester.attest_next()
    assert "jurors do not attest" in str(bench.attester.idle_because)
    assert bench.attester.problem is None
    assert bench.record.signed == []


async def test_its_own_root_is_signed_whatever_was_proposed(rollup: Rollup) -> None:
    bench = Bench(rollup, account_that(judges=False))
    bench.stake()
    bench.propose(1, root=keccak256(b"a lie"))
    bench.finalize(SUBMISSION_INTERVAL)
    assert await bench.attester.attest_next()
    [attested] = bench.record.signed
    assert attested.root == output_root(parts(SUBMISSION_INTERVAL))
    assert not await bench.attester.attest_next()
    assert bench.attester.statistics().differing == 1


async def test_a_defender_is_attested_when_its_block_is_final_and_not_before(rollup: Rollup) -> None:
    bench = Bench(rollup, account_that(judges=False))
    bench.stake()
    bench.propose(2)
    bench.finalize(SUBMISSION_INTERVAL)
    assert not await bench.attester.attest_to(SECOND)
    assert await bench.attester.attest_to(SUBMISSION_INTERVAL)
    own = output_root(parts(SUBMISSION_INTERVAL))
    assert await bench.staking.has_attested(SUBMISSION_INTERVAL, own, bench.account.address)
    rollup.machine.set_ancestor_hashes([keccak256(b"another fork")] * 3)
    assert not await bench.attester.attest_to(SUBMISSION_INTERVAL), "it did not arrive"


async def test_an_attestation_under_another_fork_is_refused_and_tried_again(rollup: Rollup) -> None:
    bench = Bench(rollup, account_that(judges=False))
    bench.stake()
    bench.propose(1)
    bench.finalize(SUBMISSION_INTERVAL)
    await bench.attester._record_seed(2)
    hashes = list(rollup.machine.context.prev_hashes)
    rollup.machine.set_ancestor_hashes([keccak256(b"another fork")] * 3)
    with pytest.raises(TransactionError, match="reverted"):
        await bench.attester.attest_next()
    rollup.machine.set_ancestor_hashes(hashes)
    assert await bench.attester.attest_next()
