import pytest

from sequencer.errors import AdmissionError
from sequencer.mempool.pool import ACCOUNTS_PER_WATCH, Pool, PoolLimits
from tests.sequencer.fakes import ALICE, BOB, CAROL, GWEI, FakeState, address, transaction


def test_gap_waits_and_is_filled() -> None:
    pool = Pool(FakeState())
    assert not pool.add(transaction(nonce=1), 0.0).ready
    assert pool.next_nonce(ALICE) == 0
    assert pool.add(transaction(nonce=0), 0.0).ready
    assert pool.next_nonce(ALICE) == 2
    assert pool.statistics().ready == 2
    assert pool.gapped_by_sender() == {}


def test_replacement_needs_ten_per_cent_on_both_fees() -> None:
    pool = Pool(FakeState())
    old = transaction(tip=100, cap=1_000 * GWEI, gas=21_000)
    pool.add(old, 0.0)
    for tip, cap in [(109, 1_100 * GWEI), (110, 1_099 * GWEI), (100, 1_000 * GWEI)]:
        with pytest.raises(AdmissionError, match="replacement transaction underpriced"):
            pool.add(transaction(tip=tip, cap=cap, salt=1), 0.0)
    added = pool.add(transaction(tip=110, cap=1_100 * GWEI, salt=1), 0.0)
    assert added.removed == (old,)
    assert old.hash not in pool
    assert len(pool) == 1


def test_zero_tip_is_replaced_by_one() -> None:
    pool = Pool(FakeState())
    pool.add(transaction(tip=0, cap=100), 0.0)
    pool.add(transaction(tip=1, cap=110), 0.0)
    assert len(pool) == 1


def test_new_head_drops_included_and_unaffordable() -> None:
    state = FakeState()
    pool = Pool(state)
    for nonce in range(4):
        pool.add(transaction(nonce=nonce, value=nonce), 0.0)
    state.set(ALICE, nonce=1, balance=21_000 * 10 * GWEI + 2)
    dropped = pool.on_new_head(0.0)
    assert [item.nonce for item in dropped] == [0, 3]
    assert pool.next_nonce(ALICE) == 3


def test_expired_gapped_transactions_leave() -> None:
    pool = Pool(FakeState(), PoolLimits(lifetime_s=10))
    pool.add(transaction(nonce=0), 0.0)
    pool.add(transaction(nonce=2), 0.0)
    pool.add(transaction(sender=BOB, nonce=2), 5.0)
    pool.on_new_head(11.0)
    assert [item.sender for item in pool.transactions()] == [ALICE, BOB]


def test_account_limits() -> None:
    pool = Pool(FakeState(), PoolLimits(ready_per_account=2, gapped_per_account=1))
    pool.add(transaction(nonce=0), 0.0)
    pool.add(transaction(nonce=1), 0.0)
    pool.add(transaction(nonce=9), 0.0)
    for nonce in (2, 8):
        with pytest.raises(AdmissionError, match="account limit exceeded"):
            pool.add(transaction(nonce=nonce), 0.0)


def test_full_pool_gives_way_to_a_better_offer_only() -> None:
    pool = Pool(FakeState(), PoolLimits(total=2))
    pool.add(transaction(sender=ALICE, tip=5), 0.0)
    cheapest = transaction(sender=BOB, tip=3)
    pool.add(cheapest, 0.0)
    with pytest.raises(AdmissionError, match="transaction underpriced"):
        pool.add(transaction(sender=CAROL, tip=3), 0.0)
    assert pool.add(transaction(sender=CAROL, tip=4), 0.0).removed == (cheapest,)
    assert len(pool) == 2


def test_eviction_of_a_lower_nonce_leaves_a_gap() -> None:
    pool = Pool(FakeState(), PoolLimits(total=3))
    pool.add(transaction(nonce=0, tip=1), 0.0)
    pool.add(transaction(nonce=1, tip=9), 0.0)
    pool.add(transaction(sender=BOB, tip=9), 0.0)
    pool.add(transaction(sender=CAROL, tip=9), 0.0)
    assert pool.statistics().gapped == 1
    assert pool.next_nonce(ALICE) == 0


def test_gapped_total_is_bounded() -> None:
    pool = Pool(FakeState(), PoolLimits(gapped_total=3))
    for number in range(3):
        pool.add(transaction(sender=address(number + 1), nonce=1), 0.0)
    with pytest.raises(AdmissionError, match="txpool is full"):
        pool.add(transaction(sender=address(9), nonce=1), 0.0)
    pool.add(transaction(sender=address(9), nonce=0), 0.0)


def test_head_that_came_without_notice_is_seen_at_the_next_add() -> None:
    state = FakeState()
    pool = Pool(state)
    pool.add(transaction(nonce=0), 0.0)
    state.set(ALICE, nonce=1)
    assert pool.add(transaction(nonce=1), 0.0).ready
    assert len(pool) == 1


def test_only_changed_accounts_and_a_few_in_turn_are_read_at_a_head() -> None:
    state = FakeState()
    pool = Pool(state)
    everyone = [address(number) for number in range(1, 3 * ACCOUNTS_PER_WATCH)]
    for sender in everyone:
        pool.add(transaction(sender=sender), 0.0)
        state.set(sender, nonce=1)
    last = everyone[-1]
    dropped = {item.sender for item in pool.on_new_head(0.0, changed=[last])}
    assert last in dropped
    assert len(dropped) == ACCOUNTS_PER_WATCH + 1
    for _ in range(8):
        pool.on_new_head(0.0, changed=[])
    assert len(pool) == 0
