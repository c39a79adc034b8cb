from hypothesis import given
from hypothesis import strategies as st

from rollup_bridge.ports import L1Fees
from rollup_bridge.txmgr.fees import FeePolicy, first_bid, next_bid

WEI = st.integers(0, 10**12)
FEES = st.builds(L1Fees, base_fee_wei=WEI, tip_wei=WEI)
POLICY = FeePolicy(minimum_tip_wei=100)


def test_the_first_bid_covers_twice_the_base_fee() -> None:
    bid = first_bid(L1Fees(base_fee_wei=50, tip_wei=7), FeePolicy(minimum_tip_wei=1))
    assert (bid.max_fee_wei, bid.tip_wei) == (107, 7)


def test_minimums_hold() -> None:
    bid = first_bid(L1Fees(0, 0), FeePolicy(minimum_tip_wei=3, minimum_base_fee_wei=10))
    assert (bid.max_fee_wei, bid.tip_wei) == (23, 3)


@given(FEES, st.lists(FEES, max_size=20))
def test_every_replacement_bids_ten_percent_more_and_never_over_the_limit(
    first: L1Fees, later: list[L1Fees]
) -> None:
    bid = first_bid(first, POLICY)
    for fees in later:
        raised = next_bid(bid, fees, POLICY)
        if raised is None:
            continue
        assert raised.max_fee_wei * 100 >= bid.max_fee_wei * 110
        assert raised.tip_wei * 100 >= bid.tip_wei * 110
        limit = first_bid(fees, POLICY)
        assert raised.max_fee_wei <= POLICY.limit_multiplier * limit.max_fee_wei
        assert raised.tip_wei <= raised.max_fee_wei
        bid = raised


def test_a_fee_spike_is_followed_at_once() -> None:
    bid = first_bid(L1Fees(100, 100), POLICY)
    raised = next_bid(bid, L1Fees(10_000, 100), POLICY)
    assert raised is not None
    assert raised.max_fee_wei == 20_110


def test_bidding_stops_at_the_limit() -> None:
    fees, bid = L1Fees(100, 100), first_bid(L1Fees(100, 100), POLICY)
    for _ in range(16):
        bid = next_bid(bid, fees, POLICY) or bid
    assert next_bid(bid, fees, POLICY) is None
