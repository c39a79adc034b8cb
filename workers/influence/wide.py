"""How a very wide side of a layer gets a basis: its strongest directions, without a square matrix.

The covariance C (d, d) is only ever multiplied by a fixed matrix of signs Ω (d, r); from `Y = CΩ` follow the
directions of `C ≈ Y (ΩᵀY)⁻¹ Yᵀ`. One pass, d·r numbers instead of d², and an eigenproblem of r. With every
side of a layer seen through its own directions this is a factorised projection of the gradient, begun at the
directions that matter instead of random ones.

Source: the Nyström approximation with a random test matrix (Halko, Martinsson and Tropp 2011, section 5.5).
"""

import numpy as np
import torch
from torch import Tensor

SEED = 1612
LEAST_SHARE = 1e-12
"""Of the largest eigenvalue: what is smaller is rounding."""


def signs(rows: int, columns: int) -> Tensor:
    """Ω (rows, columns) of ±1, float64: the same on every machine, from raw bits of PCG-64."""
    count = rows * columns
    raw = np.random.PCG64(SEED).random_raw(-(-count // 64)).astype("<u8")
    bits = np.unpackbits(raw.view(np.uint8), count=count)
    return torch.from_numpy(2.0 * bits.reshape(rows, columns) - 1.0)


def sketched(vectors: Tensor, rank: int) -> Tensor:
    """(d, rank): `Σ v (vᵀΩ)` over `vectors` (n, d)."""
    test = signs(vectors.shape[1], rank).to(vectors.device, vectors.dtype)
    return vectors.T @ (vectors @ test)


def halves(sketch: Tensor) -> Tensor:
    """H (d, r' ≤ rank) with `C ≈ HHᵀ`, float64, from the sketch of C."""
    sketch = sketch.double()
    inner = signs(*sketch.shape).T @ sketch
    values, vectors = torch.linalg.eigh((inner + inner.T) / 2)
    kept = values > LEAST_SHARE * values[-1].clamp_min(torch.finfo(torch.float64).tiny)
    half: Tensor = sketch @ (vectors[:, kept] / values[kept].sqrt())
    return half


def directions(sketch: Tensor) -> Tensor:
    """Orthonormal columns (d, r' ≤ rank) by falling eigenvalue, each with its largest entry positive."""
    half = halves(sketch)
    strengths, turns = torch.linalg.eigh(half.T @ half)
    ordered = (half @ (turns / strengths.clamp_min(1e-300).sqrt())).flip(1)
    ordered, _ = torch.linalg.qr(ordered)
    peaks = ordered.gather(0, ordered.abs().argmax(dim=0, keepdim=True))
    found: Tensor = (ordered * torch.where(peaks < 0, -1.0, 1.0)).contiguous()
    return found


def residual(basis: Tensor, sketch: Tensor) -> float:
    """How far `basis` (d, r') is from being directions of the sketched C: what it leaves off the diagonal or
    out of its span, in parts of C, or its distance from orthonormal. Nothing square in d is made."""
    basis, half = basis.double(), halves(sketch)
    turned = basis.T @ half
    product = turned @ turned.T
    whole = float(half.square().sum())
    rest = product - torch.diag(product.diagonal())
    missed = 1 - float(turned.square().sum()) / whole if whole else 0.0
    skew = basis.T @ basis - torch.eye(basis.shape[1], dtype=basis.dtype)
    return max(float(rest.norm()) / whole if whole else 0.0, missed, float(skew.abs().max()))
