"""What an L1 transaction bids, and by how much it bids more when it is not mined.

Source: EIP-1559; go-ethereum's transaction pool, which replaces only for 10 % more in both fees.
"""

from dataclasses import dataclass

from rollup_bridge.ports import L1Fees

_BUMP_PERCENT = 110


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """`limit_multiplier`: never bid more than that many times what the L1 asks for now."""

    minimum_tip_wei: int = 10**8
    minimum_base_fee_wei: int = 0
    limit_multiplier: int = 5


@dataclass(frozen=True, slots=True)
class Bid:
    """Wei per gas."""

    max_fee_wei: int
    tip_wei: int


def first_bid(fees: L1Fees, policy: FeePolicy) -> Bid:
    """Twice the base fee and the suggested tip: enough for six full blocks in a row."""
    tip_wei = max(fees.tip_wei, policy.minimum_tip_wei)
    return Bid(2 * max(fees.base_fee_wei, policy.minimum_base_fee_wei) + tip_wei, tip_wei)


def next_bid(previous: Bid, fees: L1Fees, policy: FeePolicy) -> Bid | None:
    """A bid that may replace `previous`, or None if it would go over the limit."""
    fresh = first_bid(fees, policy)
    tip_wei = max(fresh.tip_wei, _bumped(previous.tip_wei))
    max_fee_wei = max(fresh.max_fee_wei - fresh.tip_wei + tip_wei, _bumped(previous.max_fee_wei))
    limit = Bid(policy.limit_multiplier * fresh.max_fee_wei, policy.limit_multiplier * fresh.tip_wei)
    if max_fee_wei > limit.max_fee_wei or tip_wei > limit.tip_wei:
        return None
    return Bid(max_fee_wei, tip_wei)


def _bumped(fee_wei: int) -> int:
    return -(-fee_wei * _BUMP_PERCENT // 100)
