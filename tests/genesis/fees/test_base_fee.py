"""The base fee moves as EIP-1559 says and never falls below the floor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.fees.base_fee import next_base_fee
from genesis.spec import ETHEREUM_FEES, ROLLUP_FEES


@pytest.mark.parametrize(
    ("gas_used", "expected"),
    [(10_000_000, 1_000_000_000), (20_000_000, 1_125_000_000), (0, 875_000_000), (9_000_000, 987_500_000)],
)
def test_the_base_fee_moves_as_in_geths_vectors(gas_used: int, expected: int) -> None:
    # The vectors of geth's own test of the rule.
    assert next_base_fee(ETHEREUM_FEES, 1_000_000_000, gas_used, 20_000_000) == expected


def test_a_full_block_raises_even_the_smallest_fee() -> None:
    assert next_base_fee(ETHEREUM_FEES, 7, 20_000_000, 20_000_000) == 8


def test_rollup_target_is_a_sixth_of_the_limit() -> None:
    assert next_base_fee(ROLLUP_FEES, 10**9, 5_000_000, 30_000_000) == 10**9
    assert next_base_fee(ROLLUP_FEES, 10**9, 30_000_000, 30_000_000) == 10**9 * 102 // 100


@given(fee=st.integers(10**6, 10**15), used=st.integers(0, 30_000_000))
def test_floor_and_bounds(fee: int, used: int) -> None:
    found = next_base_fee(ROLLUP_FEES, fee, used, 30_000_000)
    assert found >= ROLLUP_FEES.minimum_base_fee_wei
    assert fee * 249 // 250 - 1 <= found or found == ROLLUP_FEES.minimum_base_fee_wei
    assert found <= fee * 102 // 100 + 1
