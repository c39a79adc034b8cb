from hypothesis import given
from hypothesis import strategies as st

from sequencer.fee_oracle import TipBounds, reward_percentiles, suggested_tip_wei


def test_quiet_chain_suggests_the_minimum() -> None:
    assert suggested_tip_wei([[], []], TipBounds(minimum_wei=7)) == 7


def test_cheapest_three_of_each_block_count() -> None:
    assert suggested_tip_wei([[1, 2, 3, 1_000, 1_000]], TipBounds()) == 2


def test_bounds_hold() -> None:
    assert suggested_tip_wei([[10**15]], TipBounds(maximum_wei=10**9)) == 10**9


def test_reward_is_weighted_by_gas() -> None:
    paid = [(1, 100), (5, 300), (9, 600)]
    assert reward_percentiles(paid, [0, 10, 11, 40, 41, 100]) == [1, 1, 5, 5, 9, 9]
    assert reward_percentiles([], [0, 50]) == [0, 0]


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(21_000, 10**6)), min_size=1, max_size=20),
    st.lists(st.floats(0, 100), max_size=8).map(sorted),
)
def test_rewards_rise_with_the_percentile(paid: list[tuple[int, int]], percentiles: list[float]) -> None:
    rewards = reward_percentiles(paid, percentiles)
    assert rewards == sorted(rewards)
    assert set(rewards) <= {tip for tip, _ in paid}
