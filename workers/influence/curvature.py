"""Which directions matter: the eigenvalue-corrected Kronecker-factored Fisher, over a stream.

Per layer, with gradients `G_n = Σ_t left_t ⊗ right_t`: the covariances of left and right give two bases U_S,
U_A, and `Λ_oi = E_n[(U_Sᵀ G_n U_A)²_oi]` with whole examples, so that a sequence counts as one. Two passes.
Bases are taken of at most 16 evenly spaced positions of an example, which a language model's do as well with.
Sums are float64; eigenvectors are of float64 matrices, by falling eigenvalue, each with its largest entry
positive.

Source: George et al. 2018; Grosse et al. 2023; attribution.md, sections 1.1, 3 and 4.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from workers.artifacts.tensors import Array
from workers.errors import InvalidInputError
from workers.influence.layers import MAX_ELEMENTS, Factors, contracted, summed, thinned
from workers.influence.passes import Pass
from workers.influence.wide import directions, sketched

BASIS_POSITIONS = 16
"""Of an example, that a basis is made of."""


@dataclass(frozen=True, slots=True)
class LayerCurvature:
    """One layer's basis: `output_basis` (O, o) and `input_basis` (I, i) with eigenvectors in columns (None:
    the identity), `eigenvalues` Λ (o, i) and `damping` λ; o = O and i = I unless a side is very wide."""

    output_basis: Tensor
    input_basis: Tensor | None
    eigenvalues: Tensor
    damping: float


def covariances(
    passes: Sequence[Pass], modules: Sequence[nn.Module], widest: int = 1 << 30
) -> dict[str, Array]:
    """Sums over a chunk of `left leftᵀ` and `right rightᵀ` per layer, sketches of them for a side wider than
    `widest`, and the number of examples."""
    sums: dict[str, Array] = {"count": np.array([float(sum(one.kept for one in passes))])}
    for one in passes:
        for number, layers in enumerate(one.fisher()):
            for position, (factors, module) in enumerate(zip(layers, modules, strict=True)):
                some = thinned(factors, BASIS_POSITIONS)
                left, right = some.left.flatten(0, 1), some.right.flatten(0, 1)
                _add(sums, f"{position}.left", _covariance(left, widest))
                if not isinstance(module, nn.Embedding) and (number == 0 or not factors.is_fixed):
                    _add(sums, f"{position}.right", _covariance(right, widest))
    return sums


def _covariance(vectors: Tensor, widest: int) -> Tensor:
    return vectors.T @ vectors if vectors.shape[1] <= widest else sketched(vectors, widest)


def bases(sums: dict[str, Array], modules: Sequence[nn.Module]) -> list[tuple[Tensor, Tensor | None]]:
    """Both bases per layer, float64; an embedding's input basis is the identity (its covariance is
    diagonal)."""
    return [
        (
            _basis(sums[f"{position}.left"]),
            None if isinstance(module, nn.Embedding) else _basis(sums[f"{position}.right"]),
        )
        for position, module in enumerate(modules)
    ]


def _basis(sums: Array) -> Tensor:
    matrix = torch.tensor(sums)  # a copy: sums read from a file cannot be written to
    is_sketch = matrix.shape[0] != matrix.shape[1]
    _check_finite(matrix)
    return directions(matrix) if is_sketch else ordered_eigenvectors(matrix)


def squared_gradients(
    passes: Sequence[Pass], layer_bases: Sequence[tuple[Tensor, Tensor | None]]
) -> dict[str, Array]:
    """Sums over a chunk of `(U_Sᵀ G_n U_A)²` per layer."""
    sums: dict[str, Array] = {}
    for one in passes:
        lefts: dict[int, Tensor] = {}
        fixed: dict[int, Tensor] = {}
        for layers in one.fisher():
            for position, (factors, both) in enumerate(zip(layers, layer_bases, strict=True)):
                if is_single(factors) and factors.is_fixed:
                    fixed[position] = factors.right
                    left = _turned(factors.left, both[0]).square()
                    lefts[position] = lefts[position] + left if position in lefts else left
                else:
                    _add(sums, f"{position}.squares", _sum_of_squares(rotated(factors, *both)))
        for position, left in lefts.items():  # what all Fisher gradients share is turned once
            inputs = layer_bases[position][1]
            right = fixed[position] if inputs is None else _turned(fixed[position], inputs)
            _add(sums, f"{position}.squares", left[:, 0].T @ right[:, 0].square())
    return sums


def rotated(factors: Factors, output_basis: Tensor, input_basis: Tensor | None) -> Factors:
    """The same gradient in the eigenbasis, over few positions."""
    factors = contracted(factors)
    right = factors.right if input_basis is None else _turned(factors.right, input_basis)
    return Factors(_turned(factors.left, output_basis), right, factors.is_fixed)


def _turned(vectors: Tensor, basis: Tensor) -> Tensor:
    """`vectors @ basis`, once where all examples share theirs."""
    if vectors.stride(0) == 0:
        return (vectors[0] @ basis).expand(len(vectors), -1, -1)
    return vectors @ basis


def gradients_of(factors: Factors) -> Tensor:
    """(N, O, I): the materialised gradients."""
    return summed(factors.left, factors.right)


def pieces(factors: Factors) -> list[Factors]:
    """The same in pieces of examples whose materialised gradients fit the bound."""
    size = max(1, MAX_ELEMENTS // (factors.left.shape[2] * factors.right.shape[2]))
    if size >= len(factors.left):
        return [factors]
    pairs = zip(torch.split(factors.left, size), torch.split(factors.right, size), strict=True)
    return [Factors(left, right, factors.is_fixed) for left, right in pairs]


def is_single(factors: Factors) -> bool:
    """Whether every gradient is one outer product."""
    return factors.left.shape[1] == 1


def _sum_of_squares(factors: Factors) -> Tensor:
    if is_single(factors):
        return factors.left[:, 0].square().T @ factors.right[:, 0].square()
    return torch.stack([gradients_of(some).square().sum(dim=0) for some in pieces(factors)]).sum(dim=0)


def _add(sums: dict[str, Array], name: str, value: Tensor) -> None:
    wide = value.double().cpu().numpy()
    if name in sums:
        sums[name] += wide
    else:
        sums[name] = wide


def combine(sums: dict[str, Array] | None, chunk: dict[str, Array]) -> dict[str, Array]:
    """Sums of chunks, one after the other in order."""
    if sums is None:
        return dict(chunk)
    return {name: sums[name] + chunk[name] for name in sums}


def ordered_eigenvectors(matrix: Tensor) -> Tensor:
    """Eigenvectors in columns, by falling eigenvalue, each with its largest entry positive. Float64."""
    _check_finite(matrix)
    _values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    ordered: Tensor = vectors.flip(1)
    peaks = ordered.gather(0, ordered.abs().argmax(dim=0, keepdim=True))
    signs: Tensor = torch.where(peaks < 0, -1.0, 1.0)
    return (ordered * signs).contiguous()


def _check_finite(matrix: Tensor) -> None:
    if not bool(torch.isfinite(matrix).all()):
        raise InvalidInputError(
            "the model's gradients or activations are not finite: nothing can be attributed"
        )
