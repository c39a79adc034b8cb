"""Who is credited for a batch: exact integer scores, significance, and the batch's amounts.

`score_c = v_c · Q`; it counts iff `k·score² ≥ z²·‖v_c‖²·‖Q‖²`. Positive scores share the pool, negative ones
are kept as debts. Source: protocol, section 3 "Attribution"; arithmetic of the split: `genesis.shares`.
"""

from collections.abc import Sequence

from genesis.shares import significant_score
from workers.attribution.index import FeatureIndex, Rows
from workers.attribution.numerics import exact_dots


def batch_scores(index: FeatureIndex, query: Sequence[int], significance_ppm: int) -> list[int]:
    """Per contributor in index order the significant signed score of one batch query, else 0."""
    query_norm = sum(value * value for value in query)
    raw = exact_dots(index.sums.vectors, query)
    return [
        significant_score(score, norm, query_norm, index.dimensions, significance_ppm)
        for score, norm in zip(raw, index.sums.norms_squared, strict=True)
    ]


def record_scores(rows: Rows, query: Sequence[int]) -> list[int]:
    """Per record of the version the exact product `Φ_i · Q`, duplicates included: for explanations."""
    return exact_dots(rows.integers(), query)
