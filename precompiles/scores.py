"""What a contributor's score is: the exact integer a post must contain, computed from committed vectors.

Widths that an honest index and query keep (protocol, section 3 "Widths") are rules here, so that the
arithmetic is the same everywhere: a query beyond its width is the poster's fault, a contributor's sum beyond
its width scores nothing.
Covered: dot product, significance, positive part, batch amounts. Not covered: where the vectors come from.
"""

from dataclasses import dataclass
from operator import mul

from genesis.commitments import BATCH_QUERY_BYTES, SUM_BYTES, unpack_vector
from genesis.shares import significant_score

MAXIMUM_SUM_NORM_SQUARED = 2**93
MAXIMUM_QUERY_NORM_SQUARED = 2**149
MAXIMUM_SCORE = 2**121
MAXIMUM_SCORE_SUM = 2**153
"""2^32 contributors of at most `MAXIMUM_SCORE` each."""
MAXIMUM_DIMENSIONS_ON_CHAIN = 4_096


@dataclass(frozen=True, slots=True)
class ScoreInputs:
    """A contributor's packed sum (int64), its committed squared norm, and a packed query (int128)."""

    vector: bytes
    norm_squared: int
    query: bytes


@dataclass(frozen=True, slots=True)
class Products:
    """`v_c · Q_b` and the query's squared norm."""

    product: int
    query_norm_squared: int


def positive_score(inputs: ScoreInputs, dimensions: int, z_squared_ppm: int) -> int | None:
    """The significant positive part of `v_c · Q_b`, or None when the query is beyond its width."""
    return significant_part(_products(inputs), inputs.norm_squared, dimensions, z_squared_ppm, 1)


def negative_score(inputs: ScoreInputs, dimensions: int, z_squared_ppm: int) -> int | None:
    """The magnitude of the significant negative part of `v_c · Q_b`: the score of the mirrored query."""
    return significant_part(_products(inputs), inputs.norm_squared, dimensions, z_squared_ppm, -1)


def significant_part(
    products: Products, norm_squared: int, dimensions: int, z_squared_ppm: int, sign: int
) -> int | None:
    """The positive part of the product times `sign` if it is significant, else 0; None when the query is
    beyond its width."""
    if products.query_norm_squared > MAXIMUM_QUERY_NORM_SQUARED:
        return None
    score = sign * products.product
    if score <= 0 or score > MAXIMUM_SCORE or norm_squared > MAXIMUM_SUM_NORM_SQUARED:
        return 0
    return significant_score(score, norm_squared, products.query_norm_squared, dimensions, z_squared_ppm)


def _products(inputs: ScoreInputs) -> Products:
    query = unpack_vector(inputs.query, BATCH_QUERY_BYTES)
    query_norm_squared = sum(map(mul, query, query))
    if query_norm_squared > MAXIMUM_QUERY_NORM_SQUARED:
        return Products(0, query_norm_squared)
    return Products(sum(map(mul, unpack_vector(inputs.vector, SUM_BYTES), query)), query_norm_squared)
