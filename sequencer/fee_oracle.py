"""Which tip gets a transaction in soon: a percentile of what recent blocks' cheapest transactions paid.

Source: go-ethereum's gas price oracle (three lowest tips of each of the last 20 blocks, 60th percentile).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SAMPLED_BLOCKS = 20
SAMPLES_PER_BLOCK = 3
PERCENTILE = 60


@dataclass(frozen=True, slots=True)
class TipBounds:
    """`minimum_wei` is also the answer while there is nothing to learn from."""

    minimum_wei: int = 0
    maximum_wei: int = 500 * 10**9


def suggested_tip_wei(blocks: Iterable[Sequence[int]], bounds: TipBounds) -> int:
    """`blocks` gives, per recent block, the effective tips (wei per gas) of its transactions."""
    samples = sorted(tip for tips in blocks for tip in sorted(tips)[:SAMPLES_PER_BLOCK])
    if not samples:
        return bounds.minimum_wei
    tip_wei = samples[(len(samples) - 1) * PERCENTILE // 100]
    return min(max(tip_wei, bounds.minimum_wei), bounds.maximum_wei)


def reward_percentiles(paid: Iterable[tuple[int, int]], percentiles: Sequence[float]) -> list[int]:
    """Tips at the given percentiles of a block's gas; `paid` is (effective tip, gas used) per transaction.

    All zeros for an empty block. Source: execution-apis, eth_feeHistory.
    """
    by_tip = sorted(paid)
    total_gas = sum(gas for _, gas in by_tip)
    answers: list[int] = []
    position, gas_so_far = 0, by_tip[0][1] if by_tip else 0
    for percentile in percentiles:
        threshold = int(total_gas * percentile / 100)
        while gas_so_far < threshold and position < len(by_tip) - 1:
            position += 1
            gas_so_far += by_tip[position][1]
        answers.append(by_tip[position][0] if by_tip else 0)
    return answers
