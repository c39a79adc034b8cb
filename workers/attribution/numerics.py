"""How integer rows, sums and queries are added and multiplied exactly: the widths of the protocol.

Products beyond int64 go through limbs of 22 bits, so that every partial sum stays below 2^63 and the order of
summation cannot matter.

Covered: exact sums and dot products. Not covered: rounding, range, exponent and norm rules
(`workers.integers`), packing for the chain (`genesis.commitments`). Source: protocol, section 3 "Widths".
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genesis.commitments import MAX_WEIGHT_SUM
from workers.errors import InvalidInputError
from workers.integers import MAX_DIMENSIONS

LIMB_BITS = 22


def add_by_owner(
    sums: NDArray[np.int64],
    mantissas: NDArray[np.int8],
    exponents: NDArray[np.uint8],
    owners: NDArray[np.int64],
) -> None:
    """Add rows `m·2^e` (n, k) to their owners' sums (C, k), in place and exactly."""
    order = np.argsort(owners, kind="stable")
    found, starts = np.unique(owners[order], return_index=True)
    for owner, some in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
        integers = mantissas[some].astype(np.int32) << exponents[some].astype(np.int32)[:, None]
        sums[owner] += integers.sum(axis=0, dtype=np.int64)


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
