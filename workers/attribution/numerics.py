"""How real features become integers, and how integers are summed exactly: the widths of the protocol.

A row's integer vector is `Φ = m·2^e` with m in [-127, 127] and e in [0, 7] the least that fits; a query is
int16. Rounding is half to even. Products beyond int64 go through limbs of 22 bits, so that every partial sum
stays below 2^63 and the order of summation cannot matter.

Covered: range, exponent and norm rules, exact sums and dot products. Not covered: what is being quantised
(`features`), packing for the chain (`genesis.commitments`). Source: protocol, section 3 "Widths".
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genesis.commitments import MAX_NORM_SQUARED, MAX_WEIGHT_SUM
from workers.errors import InvalidInputError

MAX_MANTISSA = 127
MAX_EXPONENT = 7
MAX_QUERY = 32_767
ROW_SCALE = 8_192.0
"""Integer length of a row of length 1. 2^13, so that any unit row fits e ≤ 7 and the norm's bound."""
QUERY_NORM = 8_192.0
"""Integer length of the longest query seen when the index was built; 2.8 times as long still fits."""
LIMB_BITS = 22
MAX_DIMENSIONS = 65_536


def quantize_rows(rows: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """Mantissas (N, k) and exponents (N,) of real rows (N, k) of length at most 1.

    Raises InvalidInputError when a row does not fit.
    """
    if not np.isfinite(rows).all():
        raise InvalidInputError("a feature row is not finite")
    scaled = rows * ROW_SCALE
    largest = np.abs(scaled).max(axis=1, initial=0.0)
    exponents = np.zeros(len(rows), dtype=np.uint8)
    for exponent in range(MAX_EXPONENT):
        exponents[np.rint(largest / 2.0**exponent) > MAX_MANTISSA] = exponent + 1
    mantissas = np.rint(scaled / 2.0 ** exponents[:, None].astype(np.float64))
    if np.abs(mantissas).max(initial=0.0) > MAX_MANTISSA:
        raise InvalidInputError("a feature row is longer than 1")
    packed = mantissas.astype(np.int8)
    check_rows(packed, exponents)
    return packed, exponents


def check_rows(mantissas: NDArray[np.int8], exponents: NDArray[np.uint8]) -> None:
    """The exact challenges on rows: range, least exponent (`e = 0 or max|m| ≥ 64`), norm."""
    largest = np.abs(mantissas.astype(np.int16)).max(axis=1, initial=0)
    if largest.max(initial=0) > MAX_MANTISSA or exponents.max(initial=0) > MAX_EXPONENT:
        raise InvalidInputError("a feature row is out of range")
    if np.any((exponents > 0) & (largest < (MAX_MANTISSA + 1) // 2)):
        raise InvalidInputError("a feature row's exponent is not the least possible")
    wide = row_integers(mantissas, exponents)
    if np.einsum("ij,ij->i", wide, wide).max(initial=0) > MAX_NORM_SQUARED:
        raise InvalidInputError("a feature row's norm is above its bound")


def row_integers(mantissas: NDArray[np.int8], exponents: NDArray[np.uint8]) -> NDArray[np.int64]:
    """`Φ = m·2^e` as int64 (N, k)."""
    return mantissas.astype(np.int64) << exponents.astype(np.int64)[:, None]


def quantize_queries(queries: NDArray[np.float64], scale: float) -> NDArray[np.int16]:
    """int16 (R, k) of real queries (R, k): times `scale`, shortened to the norm's bound where longer."""
    if not np.isfinite(queries).all():
        raise InvalidInputError("a query is not finite")
    scaled = queries * scale
    lengths = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
    longest = float(np.sqrt(MAX_NORM_SQUARED)) - 0.5 * float(np.sqrt(queries.shape[1]))
    shortened = scaled * np.minimum(1.0, longest / np.maximum(lengths, 1.0))[:, None]
    packed: NDArray[np.int16] = np.rint(shortened).astype(np.int16)
    check_queries(packed)
    return packed


def check_queries(queries: NDArray[np.int16]) -> None:
    """The exact challenge on queries: norm. The range is int16's."""
    wide = queries.astype(np.int64)
    if np.einsum("ij,ij->i", wide, wide).max(initial=0) > MAX_NORM_SQUARED:
        raise InvalidInputError("a query's norm is above its bound")


def contributor_sums(
    integers: NDArray[np.int64], owners: NDArray[np.int64], canonical: NDArray[np.bool_], contributors: int
) -> tuple[NDArray[np.int64], list[int]]:
    """`v_c` (C, k) over canonical rows, exact, and how many rows each sums."""
    sums = np.zeros((contributors, integers.shape[1]), dtype=np.int64)
    np.add.at(sums, owners[canonical], integers[canonical])
    counts = np.bincount(owners[canonical], minlength=contributors)
    return sums, [int(count) for count in counts]


def weighted_query(queries: NDArray[np.int16], weights: Sequence[int]) -> list[int]:
    """`Q = Σ w·q` as k exact integers, below 2^75 in magnitude; raises InvalidInputError for bad weights."""
    if len(weights) != len(queries) or any(weight < 0 for weight in weights):
        raise InvalidInputError("one weight of at least 0 per query is needed")
    if sum(weights) >= MAX_WEIGHT_SUM:
        raise InvalidInputError("weights of one batch sum to 2^60 or more")
    wide = queries.astype(np.int64)
    limbs = _limbs(weights)
    return _joined([limb @ wide for limb in limbs])


def exact_dots(sums: NDArray[np.int64], query: Sequence[int]) -> list[int]:
    """`v_c · Q` for every row of `sums` (C, k), exact."""
    if sums.shape[1] != len(query) or len(query) > MAX_DIMENSIONS:
        raise InvalidInputError("a batch query has another dimension than the sums")
    totals = [0] * len(sums)
    for shift, sums_limb in enumerate(_array_limbs(sums)):
        products = [sums_limb @ limb for limb in _limbs(query)]
        for index, value in enumerate(_joined(products)):
            totals[index] += value << (LIMB_BITS * shift)
    return totals


def exact_norms_squared(sums: NDArray[np.int64]) -> list[int]:
    """`‖v_c‖²` for every row of `sums` (C, k), exact."""
    limbs = _array_limbs(sums)
    totals = [0] * len(sums)
    for i, first in enumerate(limbs):
        for j, second in enumerate(limbs):
            for index, value in enumerate(np.einsum("ij,ij->i", first, second)):
                totals[index] += int(value) << (LIMB_BITS * (i + j))
    return totals


def _array_limbs(values: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Three limbs of 22, 22 and 20 bits; the last carries the sign."""
    mask = (1 << LIMB_BITS) - 1
    return [values & mask, (values >> LIMB_BITS) & mask, values >> (2 * LIMB_BITS)]


def _limbs(values: Sequence[int]) -> list[NDArray[np.int64]]:
    """As many limbs as the widest value needs; the last carries the sign."""
    width = max((value.bit_length() for value in values), default=0) + 1
    count = -(-width // LIMB_BITS)
    mask = (1 << LIMB_BITS) - 1
    low = [[(v >> (LIMB_BITS * i)) & mask for v in values] for i in range(count - 1)]
    last = [v >> (LIMB_BITS * (count - 1)) for v in values]
    return [np.array(limb, dtype=np.int64) for limb in (*low, last)]


def _joined(products: Sequence[NDArray[np.int64]]) -> list[int]:
    """Σ products[i]·2^(22·i) per element, as Python integers."""
    totals = [0] * len(products[0])
    for shift, product in enumerate(products):
        for index, value in enumerate(product.tolist()):
            totals[index] += value << (LIMB_BITS * shift)
    return totals
