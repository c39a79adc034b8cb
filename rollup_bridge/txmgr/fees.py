"""What an L1 transaction bids, and by how much it bids more when it is not mined.

Source: EIP-1559, EIP-4844; go-ethereum's pools, which replace only for 10 % more in both fees, and a blob
transaction for twice as much in all three.
"""

from dataclasses import dataclass

from rollup_bridge.ports import L1Fees

_BUMP_PERCENT = 110
_BLOB_BUMP_PERCENT = 200


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """`limit_multiplier`: never bid more than that many times what the L1 asks for now."""

    minimum_tip_wei: int = 10**8
    minimum_base_fee_wei: int = 0
    limit_multiplier: int = 5


@dataclass(frozen=True, slots=True)
class Bid:
    """Wei per gas; the last one per blob gas, 0 where there are no blobs."""

    max_fee_wei: int
    tip_wei: int
    max_blob_fee_wei: int = 0


def first_bid(fees: L1Fees, policy: FeePolicy, *, blobs: bool = False) -> Bid:
    """Twice the base fee and the suggested tip: enough for six full blocks in a row."""
    tip_wei = max(fees.tip_wei, policy.minimum_tip_wei)
    max_fee_wei = 2 * max(fees.base_fee_wei, policy.minimum_base_fee_wei) + tip_wei
    return Bid(max_fee_wei, tip_wei, 2 * fees.blob_base_fee_wei if blobs else 0)


def next_bid(previous: Bid, fees: L1Fees, policy: FeePolicy) -> Bid | None:
    """A bid that may replace `previous`, or None if it would go over the limit."""
    blobs = previous.max_blob_fee_wei > 0
    percent = _BLOB_BUMP_PERCENT if blobs else _BUMP_PERCENT
    fresh = first_bid(fees, policy, blobs=blobs)
    tip_wei = max(fresh.tip_wei, _bumped(previous.tip_wei, percent))
    bid = Bid(
        max(fresh.max_fee_wei - fresh.tip_wei + tip_wei, _bumped(previous.max_fee_wei, percent)),
        tip_wei,
        max(fresh.max_blob_fee_wei, _bumped(previous.max_blob_fee_wei, percent)),
    )
    return bid if _within(bid, fresh, policy.limit_multiplier) else None


def _within(bid: Bid, fresh: Bid, multiplier: int) -> bool:
    return (
        bid.max_fee_wei <= multiplier * fresh.max_fee_wei
        and bid.tip_wei <= multiplier * fresh.tip_wei
        and bid.max_blob_fee_wei <= multiplier * fresh.max_blob_fee_wei
    )


def _bumped(fee_wei: int, percent: int) -> int:
    return -(-fee_wei * percent // 100)
