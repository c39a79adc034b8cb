"""Each decision about one transaction, at its exact limit."""

from dataclasses import replace

from genesis.spec import BlockId
from genesis.types import Hash32
from rollup_bridge.ports import L1Inclusion
from rollup_bridge.txmgr.attempt import (
    Attempt,
    AttemptPolicy,
    Done,
    GiveUp,
    Publish,
    Wait,
    accepted,
    decide,
    looked_up,
    refused,
)
from rollup_bridge.txmgr.fees import Bid
from rollup_bridge.txmgr.refusals import Refusal

BID, HIGHER = Bid(100, 10), Bid(110, 11)
HASH = Hash32(b"h" * 32)
POLICY = AttemptPolicy(
    confirmations=3, resubmission_timeout_s=10.0, nonce_too_low_limit=3, refusal_limit=2, gap_patience_s=6
)
NEW = Attempt(nonce=7, bid=BID)
SENT = accepted(NEW, HASH, BID, 100.0)
INCLUSION = L1Inclusion(HASH, BlockId(Hash32(b"b" * 32), 50), True, 1, 1, ())


def at(now_s: float, attempt: Attempt, inclusion: L1Inclusion | None = None, head: int = 50) -> object:
    return decide(attempt, inclusion, head, now_s, POLICY)


def test_a_new_transaction_is_published_at_its_own_bid() -> None:
    assert at(0.0, NEW) == Publish(raise_bid=False)


def test_confirmations_count_the_block_itself() -> None:
    assert at(0.0, SENT, INCLUSION, head=51) == Wait()
    assert at(0.0, SENT, INCLUSION, head=52) == Done(INCLUSION)


def test_after_the_timeout_the_bid_rises() -> None:
    assert at(109.9, SENT) == Wait()
    assert at(110.0, SENT) == Publish(raise_bid=True)


def test_every_variant_is_remembered_once() -> None:
    again = accepted(accepted(SENT, HASH, BID, 1.0), Hash32(b"i" * 32), HIGHER, 2.0)
    assert (len(again.variants), again.bid, again.published_s) == (2, HIGHER, 2.0)


def test_underpriced_is_answered_at_once_with_a_higher_bid() -> None:
    attempt = refused(NEW, Refusal.UNDERPRICED, BID, 100.0)
    assert at(100.0, attempt) == Publish(raise_bid=True)


def test_nonce_too_low_is_asked_again_shortly_without_bidding_more() -> None:
    attempt = refused(SENT, Refusal.NONCE_TOO_LOW, BID, 100.0)
    assert at(100.5, attempt) == Wait()
    assert at(101.0, attempt) == Publish(raise_bid=False)


def test_nonce_too_low_is_believed_the_third_time() -> None:
    attempt = replace(SENT, nonce_too_low=2)
    assert not isinstance(at(500.0, attempt), GiveUp)
    assert isinstance(at(500.0, replace(attempt, nonce_too_low=3)), GiveUp)
    assert at(500.0, replace(attempt, nonce_too_low=3), INCLUSION, head=52) == Done(INCLUSION)


def test_refusals_end_only_what_no_node_has_taken() -> None:
    once = refused(NEW, Refusal.BUSY, BID, 100.0)
    twice = refused(once, Refusal.BUSY, BID, 110.0)
    assert at(110.0, once) == Publish(raise_bid=False)
    assert isinstance(at(111.0, twice), GiveUp)
    assert at(111.0, replace(twice, variants=(HASH,))) == Wait()
    assert accepted(once, HASH, BID, 120.0).refusals == 0


def test_a_nonce_that_was_too_low_for_a_moment_is_forgotten() -> None:
    attempt = accepted(replace(SENT, nonce_too_low=2), HASH, BID, 200.0)
    assert at(209.0, attempt) == Wait()
    assert at(210.0, attempt) == Publish(raise_bid=True)


def test_nonces_that_a_reorg_freed_are_waited_for_and_then_given_up() -> None:
    cut_off = looked_up(SENT, 6, 100.0)
    assert looked_up(cut_off, 6, 105.0) == cut_off
    assert at(105.9, cut_off) == Wait()
    assert isinstance(at(106.0, cut_off), GiveUp)
    assert at(106.0, cut_off, INCLUSION, head=52) == Done(INCLUSION)
    assert looked_up(cut_off, 7, 105.0) == looked_up(cut_off, 8, 105.0) == SENT
