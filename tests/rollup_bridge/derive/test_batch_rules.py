"""One test per rule that lets a batch in or keeps it out."""

from dataclasses import replace

import pytest

from genesis.spec import BlockId
from genesis.types import Hash32
from rollup_bridge.codec.batch import SingularBatch
from rollup_bridge.codec.span_batch import SpanBatch, SpanBlock
from rollup_bridge.derive.batch_rules import (
    SpanTimes,
    Validity,
    Verdict,
    check_singular_batch,
    check_span_prefix,
    check_span_time,
    check_transactions,
)
from rollup_bridge.ports import L1Block, L2Reference
from tests.rollup_bridge.fakes import FakeL1, rollup_config

L1 = FakeL1()
for _ in range(8):
    L1.extend()
CONFIG = rollup_config(L1, sequencing_window=4, max_sequencer_drift_s=10)
EPOCHS = L1.chain[2:6]
"""Epochs 2 to 5, at 12, 18, 24 and 30 s."""
GENESIS_S = CONFIG.l2_genesis_time_s
PARENT = L2Reference(Hash32(b"P" * 32), 9, Hash32(b"Q" * 32), GENESIS_S + 18, EPOCHS[0].id, 3)
BATCH = SingularBatch(PARENT.hash, 2, EPOCHS[0].hash, PARENT.timestamp_s + 2, (b"\x02tx",))
NEXT_EPOCH = replace(BATCH, epoch_number=3, epoch_hash=EPOCHS[1].hash)


def check(
    batch: SingularBatch,
    *,
    parent: L2Reference = PARENT,
    epochs: list[L1Block] = EPOCHS,
    inclusion: int = 5,
) -> Verdict:
    return check_singular_batch(CONFIG, epochs, parent, batch, inclusion)


def refuses(verdict: Verdict, reason: str, validity: Validity = Validity.DROP) -> None:
    assert verdict.validity is validity
    assert reason in verdict.reason


def test_a_batch_that_keeps_the_epoch_is_accepted() -> None:
    assert check(BATCH).validity is Validity.ACCEPT


def test_a_batch_that_moves_the_epoch_by_one_is_accepted() -> None:
    assert check(NEXT_EPOCH).validity is Validity.ACCEPT


def test_block_time_a_future_batch_is_dropped() -> None:
    refuses(check(replace(BATCH, timestamp_s=BATCH.timestamp_s + 2)), "missing")
    refuses(check(replace(BATCH, timestamp_s=BATCH.timestamp_s + 1)), "missing")


def test_a_past_batch_is_skipped_without_dropping_its_channel() -> None:
    refuses(check(replace(BATCH, timestamp_s=PARENT.timestamp_s)), "derived already", Validity.PAST)


def test_parent_mismatch_is_dropped() -> None:
    refuses(check(replace(BATCH, parent_hash=Hash32(b"X" * 32))), "another parent")


def test_batch_too_old_for_its_sequencing_window_is_dropped() -> None:
    assert check(BATCH, inclusion=6).validity is Validity.ACCEPT
    refuses(check(BATCH, inclusion=7), "window")


def test_epoch_step_of_two_is_dropped() -> None:
    refuses(check(replace(BATCH, epoch_number=4, epoch_hash=EPOCHS[2].hash)), "moves by one")


def test_epoch_step_back_is_dropped() -> None:
    refuses(check(replace(BATCH, epoch_number=1, epoch_hash=L1.chain[1].hash), inclusion=5), "moves by one")


def test_next_epoch_unknown_yet_is_undecided() -> None:
    refuses(check(NEXT_EPOCH, epochs=EPOCHS[:1]), "not known", Validity.UNDECIDED)


def test_epoch_on_another_l1_chain_is_dropped() -> None:
    refuses(check(replace(BATCH, epoch_hash=Hash32(b"X" * 32))), "another L1 chain")


def test_time_bound_older_than_its_origin_is_dropped() -> None:
    parent = replace(PARENT, timestamp_s=GENESIS_S + 14)
    refuses(check(replace(NEXT_EPOCH, timestamp_s=GENESIS_S + 16), parent=parent), "older than its L1 origin")


class TestDrift:
    """Epoch 2 began at 12 s and the drift is 10 s: from 22 s on its blocks must be empty."""

    def batch(self, time_s: int, *transactions: bytes) -> tuple[SingularBatch, L2Reference]:
        parent = replace(PARENT, timestamp_s=GENESIS_S + time_s - 2)
        return replace(BATCH, timestamp_s=GENESIS_S + time_s, transactions=transactions), parent

    def test_up_to_the_drift_transactions_are_allowed(self) -> None:
        batch, parent = self.batch(22, b"\x02tx")
        assert check(batch, parent=parent).validity is Validity.ACCEPT

    def test_beyond_the_drift_transactions_are_dropped(self) -> None:
        batch, parent = self.batch(24, b"\x02tx")
        refuses(check(batch, parent=parent), "drifted and may only build empty")

    def test_beyond_the_drift_an_empty_block_is_dropped_if_the_next_epoch_could_be_adopted(self) -> None:
        batch, parent = self.batch(24)
        refuses(check(batch, parent=parent), "could have moved")
        just_in_time = [EPOCHS[0], replace(EPOCHS[1], timestamp_s=batch.timestamp_s)]
        refuses(check(batch, parent=parent, epochs=just_in_time), "could have moved")

    def test_beyond_the_drift_an_empty_block_is_accepted_before_a_late_l1_block(self) -> None:
        batch, parent = self.batch(24)
        late = [EPOCHS[0], replace(EPOCHS[1], timestamp_s=GENESIS_S + 25)]
        assert check(batch, parent=parent, epochs=late).validity is Validity.ACCEPT

    def test_beyond_the_drift_without_the_next_epoch_it_is_undecided(self) -> None:
        batch, parent = self.batch(24)
        refuses(check(batch, parent=parent, epochs=EPOCHS[:1]), "not known", Validity.UNDECIDED)

    def test_beyond_the_drift_of_the_next_epoch_an_empty_block_may_move_on(self) -> None:
        batch, parent = self.batch(40)
        moved = replace(batch, epoch_number=3, epoch_hash=EPOCHS[1].hash)
        assert check(moved, parent=parent).validity is Validity.ACCEPT


@pytest.mark.parametrize("raw", [b"\x01x", b"\x02x", b"\x04x", b"\xc0", b"\xf8x", b"\x03x", b"\x00x"])
def test_transactions_that_the_engine_may_judge_pass(raw: bytes) -> None:
    assert check_transactions([raw]).validity is Validity.ACCEPT


@pytest.mark.parametrize(
    ("raw", "reason"), [(b"", "empty"), (b"\x7ex", "deposit"), (b"\x05x", "type"), (b"\xbf", "type")]
)
def test_transaction_empty_deposit_or_unknown_type_drops_the_batch(raw: bytes, reason: str) -> None:
    refuses(check(replace(BATCH, transactions=(b"\x02tx", raw))), reason)


SPAN = SpanBatch(0, PARENT.hash[:20], EPOCHS[1].hash[:20], (SpanBlock(2, ()), SpanBlock(3, ())))


def check_span(span: SpanBatch, inclusion: int = 5) -> Verdict:
    return check_span_prefix(CONFIG, EPOCHS, span, PARENT, inclusion)


def test_a_span_is_accepted_as_a_whole() -> None:
    assert check_span(SPAN).validity is Validity.ACCEPT
    moves_on = replace(SPAN, blocks=(SpanBlock(3, ()),))
    assert check_span(moves_on).validity is Validity.ACCEPT


def test_span_rules() -> None:
    refuses(check_span(replace(SPAN, parent_check=b"x" * 20)), "another parent")
    refuses(check_span(SPAN, inclusion=7), "window")
    refuses(check_span(replace(SPAN, blocks=(SpanBlock(4, ()),))), "skips")
    refuses(
        check_span(replace(SPAN, blocks=(SpanBlock(2, ()), SpanBlock(9, ())))),
        "not known",
        Validity.UNDECIDED,
    )
    refuses(check_span(replace(SPAN, l1_origin_check=b"x" * 20)), "another L1 chain")
    back = replace(SPAN, blocks=(SpanBlock(1, ()), SpanBlock(3, ())))
    refuses(check_span(back), "goes back")


def test_span_times() -> None:
    def verdict(first: int, last: int) -> Verdict:
        return check_span_time(CONFIG, SpanTimes(GENESIS_S + first, GENESIS_S + last), PARENT)

    assert verdict(20, 30).validity is Validity.ACCEPT
    assert verdict(10, 20).validity is Validity.ACCEPT, "its last block is the next one"
    assert verdict(10, 30).validity is Validity.ACCEPT, "it may overlap what is derived already"
    refuses(verdict(22, 30), "missing")
    refuses(verdict(10, 18), "derived already", Validity.PAST)
    refuses(verdict(11, 31), "do not fit")
    refuses(verdict(19, 31), "do not fit")


def test_the_first_epoch_may_be_the_one_after_the_parents() -> None:
    parent = replace(PARENT, l1_origin=BlockId(L1.chain[1].hash, 1))
    assert check(BATCH, parent=parent).validity is Validity.ACCEPT
