"""How real features become integers: the widths that rows and queries have wherever they are used.

A row's integer vector is `Φ = m·2^e` with m in [-127, 127] and e in [0, 7] the least that fits; a query is
int16. Rounding is half to even. Numpy only. Source: `protocol.md`, section 3 "Widths"; a test holds the
norm's bound against `genesis.commitments`.
"""

import numpy as np
from numpy.typing import NDArray

from workers.errors import InvalidInputError

MAX_MANTISSA = 127
MAX_EXPONENT = 7
MAX_NORM_SQUARED = 2**29
MAX_DIMENSIONS = 65_536
ROW_SCALE = 8_192.0
"""Integer length of a row of length 1. 2^13, so that any unit row fits e ≤ 7 and the norm's bound."""
BLOCK_ROWS = 128
"""Worked on at once, so that they stay in a processor's cache."""
QUERY_NORM = 8_192.0
"""Integer length of the longest query seen at fitting; 2.8 times as long still fits."""


def quantize_rows(rows: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """Mantissas (N, k) and exponents (N,) of real rows (N, k) of length at most 1.

    Raises InvalidInputError when a row does not fit.
    """
    blocks = [
        _quantized(rows[first : first + BLOCK_ROWS]) for first in range(0, max(1, len(rows)), BLOCK_ROWS)
    ]
    mantissas, exponents = zip(*blocks, strict=True)
    return np.concatenate(mantissas), np.concatenate(exponents)


def _quantized(rows: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    largest = np.maximum(rows.max(axis=1, initial=0.0), -rows.min(axis=1, initial=0.0)) * ROW_SCALE
    if not np.isfinite(largest).all():
        raise InvalidInputError("a feature row is not finite")
    exponents = np.zeros(len(rows), dtype=np.uint8)
    for exponent in range(MAX_EXPONENT):
        exponents[np.rint(largest / 2.0**exponent) > MAX_MANTISSA] = exponent + 1
    steps = 2.0 ** exponents.astype(np.float64)
    if np.rint(largest / steps).max(initial=0.0) > MAX_MANTISSA:
        raise InvalidInputError("a feature row is longer than 1")
    mantissas = rows * (ROW_SCALE / steps)[:, None]  # powers of two: exact
    np.rint(mantissas, out=mantissas)
    _check(np.rint(largest / steps), mantissas, exponents)
    return mantissas.astype(np.int8), exponents


def row_at_exponent(row: NDArray[np.float64], exponent: int) -> NDArray[np.int8]:
    """(k,): a real row in units of `2^exponent`, cut to the range; for an exponent that is given."""
    mantissas = np.clip(np.rint(row * (ROW_SCALE / 2.0**exponent)), -MAX_MANTISSA, MAX_MANTISSA)
    return mantissas.astype(np.int8)


def check_rows(mantissas: NDArray[np.int8], exponents: NDArray[np.uint8]) -> None:
    """The exact challenges on rows: range, least exponent (`e = 0 or max|m| ≥ 64`), norm."""
    for first in range(0, len(mantissas), BLOCK_ROWS):
        some = slice(first, first + BLOCK_ROWS)
        exact = mantissas[some].astype(np.float64)  # squares and their sums stay far below 2^53
        largest = np.maximum(exact.max(axis=1, initial=0.0), -exact.min(axis=1, initial=0.0))
        _check(largest, exact, exponents[some])


def broken_rows(mantissas: NDArray[np.int8], exponents: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(N,): which rows break one of those rules."""
    broken = np.zeros(len(mantissas), dtype=np.bool_)
    for first in range(0, len(mantissas), BLOCK_ROWS):
        some = slice(first, first + BLOCK_ROWS)
        broken[some] = _broken(mantissas[some], exponents[some])
    return broken


def _broken(mantissas: NDArray[np.int8], exponents: NDArray[np.uint8]) -> NDArray[np.bool_]:
    wide = mantissas.astype(np.int32)  # squares sum to at most 2^14 · MAX_DIMENSIONS = 2^30
    largest = np.maximum(wide.max(axis=1, initial=0), -wide.min(axis=1, initial=0))
    norms = np.einsum("ij,ij->i", wide, wide) * 4.0 ** exponents.astype(np.float64)
    broken: NDArray[np.bool_] = (
        (largest > MAX_MANTISSA)
        | (exponents > MAX_EXPONENT)
        | ((exponents > 0) & (largest < (MAX_MANTISSA + 1) // 2))
        | (norms > MAX_NORM_SQUARED)
    )
    return broken


def _check(
    largest: NDArray[np.float64], mantissas: NDArray[np.float64], exponents: NDArray[np.uint8]
) -> None:
    if largest.max(initial=0) > MAX_MANTISSA or exponents.max(initial=0) > MAX_EXPONENT:
        raise InvalidInputError("a feature row is out of range")
    if np.any((exponents > 0) & (largest < (MAX_MANTISSA + 1) // 2)):
        raise InvalidInputError("a feature row's exponent is not the least possible")
    norms = np.einsum("ij,ij->i", mantissas, mantissas) * 4.0 ** exponents.astype(np.float64)
    if norms.max(initial=0) > MAX_NORM_SQUARED:
        raise InvalidInputError("a feature row's norm is above its bound")


def row_integers(mantissas: NDArray[np.int8], exponents: NDArray[np.uint8]) -> NDArray[np.int64]:
    """`Φ = m·2^e` as int64 (N, k)."""
    return mantissas.astype(np.int64) << exponents.astype(np.int64)[:, None]


def quantize_queries(queries: NDArray[np.float64], scale: float) -> NDArray[np.int16]:
    """int16 (R, k) of real queries (R, k): times `scale`, shortened to the norm's bound where longer."""
    packed: NDArray[np.int16] = np.rint(scaled_queries(queries, scale)).astype(np.int16)
    check_queries(packed)
    return packed


def scaled_queries(queries: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """(R, k): what `quantize_queries` rounds."""
    if not np.isfinite(queries).all():
        raise InvalidInputError("a query is not finite")
    scaled = queries * scale
    lengths = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
    longest = float(np.sqrt(MAX_NORM_SQUARED)) - 0.5 * float(np.sqrt(queries.shape[1]))
    shortened: NDArray[np.float64] = scaled * np.minimum(1.0, longest / np.maximum(lengths, 1.0))[:, None]
    return shortened


def check_queries(queries: NDArray[np.int16]) -> None:
    """The exact challenge on queries: norm. The range is int16's."""
    wide = queries.astype(np.int64)
    if np.einsum("ij,ij->i", wide, wide).max(initial=0) > MAX_NORM_SQUARED:
        raise InvalidInputError("a query's norm is above its bound")
