"""How products of int8 rows and int16 queries are taken exactly and fast.

A query is cut into two int8 limbs; every partial sum of a product stays below 2^31, so that neither the order
of summation nor the machine can matter.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.errors import InvalidInputError
from workers.integers import MAX_DIMENSIONS


def exact_products(mantissas: NDArray[np.int8], queries: NDArray[np.int16]) -> NDArray[np.int64]:
    """(R, N): `m · q` of every row and query, exact on every machine."""
    if mantissas.shape[1] != queries.shape[1] or mantissas.shape[1] > MAX_DIMENSIONS:
        raise InvalidInputError("queries and rows have different dimensions")
    low = ((queries.astype(np.int32) + 128) & 255) - 128
    high = (queries.astype(np.int32) - low) >> 8
    limbs = torch.from_numpy(np.concatenate([low, high]).T.astype(np.int8))
    products = _int8_product(torch.from_numpy(mantissas), limbs).numpy()
    count = len(queries)
    total: NDArray[np.int64] = products[:, :count].astype(np.int64) + (
        products[:, count:].astype(np.int64) << 8
    )
    return total.T


def _int8_product(rows: Tensor, columns: Tensor) -> Tensor:
    """(N, k) by (k, c) in int32; c and k are filled up to multiples of 8, which some back ends want."""
    fill_k, fill_c = -rows.shape[1] % 8, -columns.shape[1] % 8
    wanted = columns.shape[1]
    if fill_k:
        rows = torch.nn.functional.pad(rows, (0, fill_k))
    columns = torch.nn.functional.pad(columns, (0, fill_c, 0, fill_k)).contiguous()
    return torch._int_mm(rows.contiguous(), columns)[:, :wanted]
