from hypothesis import given
from hypothesis import strategies as st

from sequencer.mempool.ordering import Candidates, effective_tip_wei
from sequencer.mempool.pool import Pool
from sequencer.ports import PooledTransaction
from tests.sequencer.fakes import ALICE, BOB, CAROL, FakeState, address, transaction


def drain(candidates: Candidates) -> list[PooledTransaction]:
    order = []
    while (item := candidates.next()) is not None:
        order.append(item)
        candidates.advance(item.sender)
    return order


def ordered(*items: PooledTransaction, base_fee: int = 0) -> list[PooledTransaction]:
    pool = Pool(FakeState())
    for item in items:
        pool.add(item, 0.0)
    return drain(Candidates(pool.ready(), base_fee))


def test_effective_tip_is_bounded_by_what_the_base_fee_leaves() -> None:
    assert effective_tip_wei(transaction(tip=3, cap=10), 5) == 3
    assert effective_tip_wei(transaction(tip=3, cap=10), 9) == 1
    assert effective_tip_wei(transaction(tip=3, cap=10), 11) == -1


def test_best_tip_first_then_arrival() -> None:
    a, b, c = transaction(ALICE, tip=1), transaction(BOB, tip=2), transaction(CAROL, tip=1)
    assert ordered(a, b, c) == [b, a, c]


def test_a_cheap_nonce_holds_back_the_dear_one_after_it() -> None:
    first, second = transaction(ALICE, 0, tip=1), transaction(ALICE, 1, tip=9)
    other = transaction(BOB, tip=5)
    assert ordered(first, second, other) == [other, first, second]


def test_under_the_base_fee_is_left_out_with_all_that_follows() -> None:
    first, second = transaction(ALICE, 0, tip=1, cap=5), transaction(ALICE, 1, tip=9, cap=20)
    assert ordered(first, second, base_fee=10) == []


def test_account_that_is_not_advanced_stays_out() -> None:
    pool = Pool(FakeState())
    pool.add(transaction(ALICE, 0), 0.0)
    pool.add(transaction(ALICE, 1), 0.0)
    candidates = Candidates(pool.ready(), 0)
    assert candidates.next() is not None
    assert candidates.next() is None


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 50), st.integers(0, 50)), max_size=30))
def test_nonces_of_an_account_are_always_in_order(offers: list[tuple[int, int, int]]) -> None:
    nonces: dict[int, int] = {}
    items = []
    for sender, tip, extra in offers:
        nonce = nonces.get(sender, 0)
        nonces[sender] = nonce + 1
        items.append(transaction(address(sender), nonce, tip=tip, cap=tip + extra))
    order = ordered(*items)
    assert len(order) == len(items)
    for sender in nonces:
        seen = [item.nonce for item in order if item.sender == address(sender)]
        assert seen == list(range(len(seen)))
