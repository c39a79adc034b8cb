import pytest

from sequencer.errors import AdmissionError
from sequencer.mempool.limits import PoolLimits, charged_bytes
from sequencer.mempool.pool import ACCOUNTS_PER_WATCH, Pool
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


def test_a_full_pool_gives_an_account_its_share() -> None:
    pool = Pool(FakeState(), PoolLimits(total=6, guaranteed_per_account=2))
    spam = [transaction(nonce=nonce, tip=9) for nonce in range(6)]
    for item in spam:
        pool.add(item, 0.0)
    assert pool.add(transaction(sender=BOB, tip=1), 0.0).removed == (spam[5],)
    assert pool.add(transaction(sender=BOB, nonce=1, tip=1), 0.0).removed == (spam[4],)
    with pytest.raises(AdmissionError, match="transaction underpriced"):
        pool.add(transaction(sender=BOB, nonce=2, tip=1), 0.0)
    assert pool.statistics().gapped == 0


def test_a_share_is_not_taken_from_a_share() -> None:
    pool = Pool(FakeState(), PoolLimits(total=4, guaranteed_per_account=2))
    for sender in (ALICE, BOB):
        for nonce in range(2):
            pool.add(transaction(sender=sender, nonce=nonce, tip=9), 0.0)
    with pytest.raises(AdmissionError, match="transaction underpriced"):
        pool.add(transaction(sender=CAROL, tip=9), 0.0)


def test_no_share_for_what_cannot_run_now() -> None:
    pool = Pool(FakeState(base_fee_wei=GWEI), PoolLimits(total=4, guaranteed_per_account=2))
    for nonce in range(4):
        pool.add(transaction(nonce=nonce), 0.0)
    for late in (transaction(sender=BOB, nonce=1, tip=1), transaction(sender=BOB, tip=1, cap=GWEI - 1)):
        with pytest.raises(AdmissionError):
            pool.add(late, 0.0)


def test_below_the_base_fee_leaves_first_however_high_the_tip() -> None:
    state = FakeState(base_fee_wei=GWEI)
    pool = Pool(state, PoolLimits(total=2))
    hopeless = transaction(sender=BOB, tip=9 * GWEI, cap=9 * GWEI)
    pool.add(hopeless, 0.0)
    pool.add(transaction(sender=ALICE, tip=GWEI, cap=100 * GWEI), 0.0)
    state.base_fee_wei = 10 * GWEI
    assert pool.add(transaction(sender=CAROL, tip=1, cap=11 * GWEI), 0.0).removed == (hopeless,)


def test_bytes_are_limited_too() -> None:
    big = transaction(sender=CAROL, tip=9, size=100_000)
    limits = PoolLimits(total_bytes=charged_bytes(big) + charged_bytes(transaction()))
    pool = Pool(FakeState(), limits)
    cheap = [transaction(sender=address(number), tip=number) for number in range(10, 50)]
    for item in cheap:
        pool.add(item, 0.0)
    with pytest.raises(AdmissionError, match="transaction underpriced"):
        pool.add(big, 0.0)
    assert set(pool.transactions()) == set(cheap)
    richer = transaction(sender=BOB, tip=1_000, size=100_000)
    assert set(pool.add(richer, 0.0).removed) == set(cheap[:-1])
    assert pool.statistics().charged_bytes <= limits.total_bytes
    with pytest.raises(AdmissionError, match="txpool is full"):
        pool.add(transaction(sender=BOB, tip=2_000, size=100_000, salt=1, nonce=1), 0.0)
    assert len(pool) == 2


def test_a_refused_replacement_leaves_the_order_of_eviction_alone() -> None:
    pool = Pool(FakeState(), PoolLimits(total_bytes=2 * charged_bytes(transaction()) + 100))
    cheapest = transaction(sender=BOB, tip=1)
    pool.add(transaction(tip=100), 0.0)
    pool.add(cheapest, 0.0)
    with pytest.raises(AdmissionError, match="replacement transaction underpriced"):
        pool.add(transaction(tip=101, size=1_000), 0.0)
    assert pool.add(transaction(sender=CAROL, tip=2), 0.0).removed == (cheapest,)


def test_a_delegated_account_has_one_transaction_in_flight() -> None:
    state = FakeState()
    state.set(ALICE, nonce=3, delegated=True)
    pool = Pool(state)
    with pytest.raises(AdmissionError, match="gapped-nonce tx from delegated accounts"):
        pool.add(transaction(nonce=4), 0.0)
    pool.add(transaction(nonce=3, tip=100), 0.0)
    with pytest.raises(AdmissionError, match="in-flight transaction limit reached for delegated accounts"):
        pool.add(transaction(nonce=4), 0.0)
    pool.add(transaction(nonce=3, tip=200, cap=20 * GWEI), 0.0)
    assert len(pool) == 1


def test_a_pending_authorization_reserves_its_authority() -> None:
    pool = Pool(FakeState())
    set_code = transaction(sender=BOB, type_=4, authorities=(ALICE,))
    pool.add(set_code, 0.0)
    pool.add(transaction(nonce=0), 0.0)
    with pytest.raises(AdmissionError, match="in-flight transaction limit"):
        pool.add(transaction(nonce=1), 0.0)
    pool.remove(set_code.hash)
    pool.add(transaction(nonce=1), 0.0)
    with pytest.raises(AdmissionError, match="authority already reserved"):
        pool.add(set_code, 0.0)
