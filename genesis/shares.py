"""Who gets how much of an inference fee, of an attribution pool: exact integers, nothing lost.

Source: protocol, section 3 "Fee split" and "Attribution".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from genesis.commitments import WEI_PER_WEIGHT

PPM = 1_000_000
TOKENS_PER_PRICE = 1_000
CARRY_PARTS = 4
"""A post takes its first pool over this of what waits: who pays itself loses more than it could steer."""


@dataclass(frozen=True, slots=True)
class SplitRule:
    """Parts per million: the platform's of gross; of the rest the provider's, owner's and stakers'.
    Contributors take what is left, remainders included."""

    platform_ppm: int
    provider_ppm: int
    owner_ppm: int
    stakers_ppm: int


@dataclass(frozen=True, slots=True)
class FeeSplit:
    """The five parts of a gross fee, in wei; they sum to it."""

    platform_wei: int
    provider_wei: int
    owner_wei: int
    stakers_wei: int
    contributors_wei: int


def split_fee(gross_wei: int, rule: SplitRule) -> FeeSplit:
    """Split `gross_wei`: every division floors and the contributors receive every remainder."""
    platform = gross_wei * rule.platform_ppm // PPM
    rest = gross_wei - platform
    provider = rest * rule.provider_ppm // PPM
    owner = rest * rule.owner_ppm // PPM
    stakers = rest * rule.stakers_ppm // PPM
    return FeeSplit(platform, provider, owner, stakers, rest - provider - owner - stakers)


def significant_score(
    score: int, sum_norm_squared: int, query_norm_squared: int, dimensions: int, z_squared_ppm: int
) -> int:
    """`score` if `k·score² ≥ z²·‖v_c‖²·‖Q‖²`, else 0. `z_squared_ppm` is z² in parts per million."""
    significant = dimensions * score * score * PPM >= z_squared_ppm * sum_norm_squared * query_norm_squared
    return score if significant else 0


def pool_amount(pool_wei: int, score: int, score_sum: int, maximum_share_ppm: int = PPM) -> int:
    """`floor(pool · max(0, score) / S)`, at most the cap's share of the pool; 0 when nothing is positive."""
    if score_sum == 0:
        return 0
    return min(pool_wei * max(0, score) // score_sum, pool_wei * maximum_share_ppm // PPM)


def pool_amounts(pool_wei: int, scores: Sequence[int], maximum_share_ppm: int = PPM) -> list[int]:
    """One batch's amounts in contributor order; their sum never exceeds the pool."""
    total = sum(max(0, score) for score in scores)
    return [pool_amount(pool_wei, score, total, maximum_share_ppm) for score in scores]


def carry_taken(waiting_wei: int, pool_wei: int) -> int:
    """What a post whose first batch has this pool takes of what waits for its model's contributors."""
    return min(waiting_wei, pool_wei // CARRY_PARTS)


def receipt_fee(tokens_in: int, tokens_out: int, input_price_wei: int, output_price_wei: int) -> int:
    """One receipt's fee in wei, floored; prices are wei per 1,000 tokens."""
    return (tokens_in * input_price_wei + tokens_out * output_price_wei) // TOKENS_PER_PRICE


def query_weight(fee_wei: int, platform_ppm: int) -> int:
    """A receipt's weight in its batch's query vector: floor(net fee / 10^9), net of the platform's part."""
    return (fee_wei - fee_wei * platform_ppm // PPM) // WEI_PER_WEIGHT
