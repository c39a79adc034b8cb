"""Output roots: who proposes what when, what may be deleted, and what clients read."""

import pytest

from genesis.keccak import keccak256
from tests.contracts.machine import Reverted
from tests.contracts.rollup import (
    ALICE,
    FINALIZATION_PERIOD_S,
    GENESIS_TIME_S,
    L2_BLOCK_TIME_S,
    OWNER,
    PROPOSER,
    SUBMISSION_INTERVAL,
    Rollup,
)

ROOT = keccak256(b"root")
VIEM_TEXT = "L2OutputOracle: cannot get output for a block that has not been proposed"


def propose(
    rollup: Rollup, number: int, root: bytes = ROOT, l1_hash: bytes = bytes(32), l1_number: int = 0
) -> None:
    rollup.oracle.send(PROPOSER, "proposeL2Output", root, number, l1_hash, l1_number)


def test_outputs_come_one_interval_apart(rollup: Rollup) -> None:
    assert rollup.oracle.read("nextBlockNumber") == SUBMISSION_INTERVAL
    for wrong in (0, SUBMISSION_INTERVAL - 1, SUBMISSION_INTERVAL + 1, 2 * SUBMISSION_INTERVAL):
        with pytest.raises(Reverted, match="UnexpectedBlockNumber"):
            propose(rollup, wrong)
    propose(rollup, SUBMISSION_INTERVAL)
    propose(rollup, 2 * SUBMISSION_INTERVAL)
    assert rollup.oracle.read("latestOutputIndex") == 1
    assert rollup.oracle.read("nextOutputIndex") == 2
    assert rollup.oracle.read("latestBlockNumber") == 2 * SUBMISSION_INTERVAL


def test_proposal_is_logged_and_kept(rollup: Rollup) -> None:
    outcome = rollup.oracle.send(PROPOSER, "proposeL2Output", ROOT, SUBMISSION_INTERVAL, bytes(32), 0)
    [event] = rollup.oracle.events(outcome)
    assert event.name == "OutputProposed"
    assert dict(event.arguments) == {
        "outputRoot": ROOT,
        "l2OutputIndex": 0,
        "l2BlockNumber": SUBMISSION_INTERVAL,
        "l1Timestamp": rollup.machine.now_s,
    }
    assert rollup.oracle.read("getL2Output", 0) == (ROOT, rollup.machine.now_s, SUBMISSION_INTERVAL)


def test_only_the_proposer_proposes(rollup: Rollup) -> None:
    for sender in (ALICE, rollup.at.dispute_game):
        with pytest.raises(Reverted, match="NotProposer"):
            rollup.oracle.send(sender, "proposeL2Output", ROOT, SUBMISSION_INTERVAL, bytes(32), 0)


def test_no_empty_root_and_no_block_of_the_future(rollup: Rollup) -> None:
    with pytest.raises(Reverted, match="EmptyOutputRoot"):
        propose(rollup, SUBMISSION_INTERVAL, root=bytes(32))
    behind_s = GENESIS_TIME_S + SUBMISSION_INTERVAL * L2_BLOCK_TIME_S - rollup.machine.now_s
    rollup.machine.advance(behind_s)
    with pytest.raises(Reverted, match="BlockInTheFuture"):
        propose(rollup, SUBMISSION_INTERVAL)
    rollup.machine.advance(1)
    propose(rollup, SUBMISSION_INTERVAL)


def test_a_proposal_holds_on_its_own_l1_fork_only(rollup: Rollup) -> None:
    number = rollup.machine.block_number - 1
    rollup.machine.set_ancestor_hashes([keccak256(b"this fork")])
    with pytest.raises(Reverted, match="L1BlockMismatch"):
        propose(rollup, SUBMISSION_INTERVAL, l1_hash=keccak256(b"another fork"), l1_number=number)
    propose(rollup, SUBMISSION_INTERVAL, l1_hash=keccak256(b"this fork"), l1_number=number)


def test_a_lost_dispute_deletes_an_output_and_all_later_ones(rollup: Rollup) -> None:
    for index in range(4):
        propose(rollup, SUBMISSION_INTERVAL * (index + 1), root=keccak256(bytes([index])))
    for sender in (PROPOSER, OWNER):
        for change in ("deleteL2Outputs", "openDispute", "closeDispute"):
            with pytest.raises(Reverted, match="NotDisputeGame"):
                rollup.oracle.send(sender, change, 1)
    with pytest.raises(Reverted, match="OutputNotFound"):
        rollup.delete_from(4)
    [event] = rollup.oracle.events(rollup.delete_from(1))
    assert dict(event.arguments) == {"prevNextOutputIndex": 4, "newNextOutputIndex": 1}
    assert rollup.oracle.read("latestOutputIndex") == 0
    with pytest.raises(Reverted, match="OutputNotFound"):
        rollup.oracle.read("getL2Output", 1)
    propose(rollup, 2 * SUBMISSION_INTERVAL)


def test_a_final_output_stays(rollup: Rollup) -> None:
    propose(rollup, SUBMISSION_INTERVAL)
    rollup.machine.advance(FINALIZATION_PERIOD_S + 1)
    propose(rollup, 2 * SUBMISSION_INTERVAL)
    with pytest.raises(Reverted, match="OutputFinal"):
        rollup.delete_from(0)
    rollup.delete_from(1)


def test_nothing_is_deleted_once_a_withdrawal_could_be_finalized(rollup: Rollup) -> None:
    """The last second of deletion lies before the first second of finalization."""
    propose(rollup, SUBMISSION_INTERVAL)
    rollup.machine.advance(FINALIZATION_PERIOD_S - 1)
    assert not rollup.portal.read("isOutputFinalized", 0)
    with rollup.machine.rolled_back():
        rollup.delete_from(0)
    rollup.machine.advance(2)
    assert rollup.portal.read("isOutputFinalized", 0)
    with pytest.raises(Reverted, match="OutputFinal"):
        rollup.delete_from(0)


def test_nothing_is_final_while_it_or_an_earlier_output_is_in_dispute(rollup: Rollup) -> None:
    game = rollup.at.dispute_game
    for number in (1, 2, 3):
        propose(rollup, number * SUBMISSION_INTERVAL)
    for index in (1, 1):
        rollup.oracle.send(game, "openDispute", index)
    rollup.machine.advance(FINALIZATION_PERIOD_S + 1)
    with pytest.raises(Reverted, match="OutputFinal"):
        rollup.oracle.send(game, "openDispute", 2)
    rollup.oracle.send(game, "closeDispute", 1)
    assert [rollup.oracle.read("isFinal", index) for index in range(3)] == [True, False, False]
    rollup.oracle.send(game, "closeDispute", 1)
    assert all(rollup.oracle.read("isFinal", index) for index in range(3))


def test_deleting_forgets_disputes_about_what_is_gone(rollup: Rollup) -> None:
    game = rollup.at.dispute_game
    for number in (1, 2):
        propose(rollup, number * SUBMISSION_INTERVAL)
        rollup.oracle.send(game, "openDispute", number - 1)
    first = rollup.oracle.read("submission", 1)
    rollup.delete_from(1)
    propose(rollup, 2 * SUBMISSION_INTERVAL)
    second = rollup.oracle.read("submission", 1)
    assert second[1] > first[1]
    assert [rollup.oracle.read("openDisputes", index) for index in (0, 1)] == [1, 0]


def test_the_first_output_that_covers_a_block(rollup: Rollup) -> None:
    with pytest.raises(Reverted, match=VIEM_TEXT):
        rollup.oracle.read("getL2OutputIndexAfter", 0)
    with pytest.raises(Reverted, match="OutputNotFound"):
        rollup.oracle.read("latestOutputIndex")
    for index in range(3):
        propose(rollup, SUBMISSION_INTERVAL * (index + 1), root=keccak256(bytes([index])))
    expected = [0] * 6 + [1] * 5 + [2] * 5
    assert [rollup.oracle.read("getL2OutputIndexAfter", number) for number in range(16)] == expected
    assert rollup.oracle.read("getL2OutputAfter", 6)[2] == 2 * SUBMISSION_INTERVAL
    with pytest.raises(Reverted, match=VIEM_TEXT):
        rollup.oracle.read("getL2OutputIndexAfter", 16)


def test_old_names_say_the_same(rollup: Rollup) -> None:
    for old, new in [
        ("SUBMISSION_INTERVAL", "submissionInterval"),
        ("L2_BLOCK_TIME", "l2BlockTime"),
        ("FINALIZATION_PERIOD_SECONDS", "finalizationPeriodSeconds"),
        ("PROPOSER", "proposer"),
        ("CHALLENGER", "disputeGame"),
    ]:
        assert rollup.oracle.read(old) == rollup.oracle.read(new)
