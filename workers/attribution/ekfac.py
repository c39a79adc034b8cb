"""Which directions matter: the eigenvalue-corrected Kronecker-factored Fisher of every linear layer.

Per layer with inputs a and output gradients δ: `A = E[aaᵀ]`, `S = E[Σ_c p_c δ_c δ_cᵀ]` are diagonalised, and
`Λ_oi = E[Σ_c p_c (U_Sᵀδ_c)²_o (U_Aᵀa)²_i]`. The expectation over labels is exact (all classes, no sampling),
so two honest runs agree. Damping is λ = 0.1·mean Λ per layer.

Source: George et al. 2018; Grosse et al. 2023; attribution.md, sections 1.1 and 4.3.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.attribution.task import Pass, log_likelihood_gradient
from workers.errors import InvalidInputError

DAMPING = 0.1
MAX_EXACT_CLASSES = 100


@dataclass(frozen=True, slots=True)
class LayerCurvature:
    """One layer's basis: `output_basis` (O, O) and `input_basis` (I, I) with eigenvectors in columns,
    `eigenvalues` Λ (O, I) and `damping` λ. All float64."""

    output_basis: Tensor
    input_basis: Tensor
    eigenvalues: Tensor
    damping: float


def fit_curvature(forward: Pass) -> list[LayerCurvature]:
    """Curvature of every layer over the examples of one pass; raises InvalidInputError past 100 classes."""
    count, classes = forward.logits.shape
    if classes > MAX_EXACT_CLASSES:
        raise InvalidInputError(f"the exact Fisher is for at most {MAX_EXACT_CLASSES} classes, not {classes}")
    input_bases = [ordered_eigenvectors(a.T @ a / count) for a in forward.layer_inputs]
    squared_inputs = [
        (a @ basis).square() for a, basis in zip(forward.layer_inputs, input_bases, strict=True)
    ]
    weighted = list(_class_gradients(forward))
    output_bases = [
        ordered_eigenvectors(sum((d.T @ d for d in layer), torch.zeros(())) / count)
        for layer in zip(*weighted, strict=True)
    ]
    layers = []
    for position, layer in enumerate(zip(*weighted, strict=True)):
        squared = sum(((d @ output_bases[position]).square() for d in layer), torch.zeros(()))
        eigenvalues = squared.T @ squared_inputs[position] / count
        layers.append(
            LayerCurvature(
                output_bases[position],
                input_bases[position],
                eigenvalues,
                DAMPING * float(eigenvalues.mean()),
            )
        )
    return layers


def _class_gradients(forward: Pass) -> Iterator[list[Tensor]]:
    """Per class c and layer (N, O): `√p_c · δ_c`, so that plain sums are expectations over labels."""
    probabilities = torch.softmax(forward.logits, dim=1)
    for label in range(forward.logits.shape[1]):
        labels = torch.full((len(forward.logits),), label, dtype=torch.int64)
        weight = probabilities[:, label : label + 1].sqrt()
        yield forward.output_gradients(weight * log_likelihood_gradient(forward.logits, labels))


def ordered_eigenvectors(matrix: Tensor) -> Tensor:
    """Eigenvectors in columns, by falling eigenvalue, each with its largest entry positive."""
    _values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    ordered: Tensor = vectors.flip(1)
    peaks = ordered.gather(0, ordered.abs().argmax(dim=0, keepdim=True))
    signs: Tensor = torch.where(peaks < 0, -1.0, 1.0)
    return ordered * signs
