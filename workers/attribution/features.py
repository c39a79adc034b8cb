"""How a gradient becomes a feature: rotated into the curvature's basis, whitened, cut to k coordinates.

A `Preconditioner` is the committed artefact: bases, Λ, damping and the selected coordinates. Rows and queries
come from it and the model alone; nothing of it is recomputed by whoever checks.

Row of record i: `Φ_i = ĝ_i / ‖ĝ_i‖`, ĝ the whitened gradient of log p(y_i): the self-influence
`h_ii = ‖ĝ_i‖²` is taken over all coordinates, before the cut (RelatIF, for payment). Query of an input: the
whitened gradient of the margin log p/(1-p) of the class the model predicts; no label is needed. A positive
product says that the record made the prediction more likely.

Source: Barshan et al. 2020 (RelatIF); attribution.md, sections 1.1, 2 "Gradient store" and 5.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.artifacts.tensors import Array, decode_tensors, encode_tensors
from workers.attribution.ekfac import LayerCurvature
from workers.attribution.numerics import MAX_DIMENSIONS, QUERY_NORM
from workers.attribution.task import Pass, log_likelihood_gradient, margin_gradient
from workers.errors import InvalidInputError

Features = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Preconditioner:
    """`selected` holds per layer the chosen flat coordinates `output·I + input`, ascending; `query_scale`
    turns a real query into integers."""

    layers: tuple[LayerCurvature, ...]
    selected: tuple[Tensor, ...]
    query_scale: float

    @property
    def dimensions(self) -> int:
        """k: how many coordinates a feature has, all layers together."""
        return sum(len(coordinates) for coordinates in self.selected)


def build_preconditioner(layers: Sequence[LayerCurvature], dimensions: int, forward: Pass) -> Preconditioner:
    """Choose the `dimensions` coordinates with the largest Λ, and the scale by the queries of `forward`."""
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise InvalidInputError(f"dimensions must be 1 to {MAX_DIMENSIONS}, not {dimensions}")
    unscaled = Preconditioner(tuple(layers), select_coordinates(layers, dimensions), 1.0)
    longest = float(np.linalg.norm(query_features(forward, unscaled), axis=1).max())
    if not 0 < longest < float("inf"):
        raise InvalidInputError("the model's gradients are all zero or not finite: nothing can be attributed")
    return Preconditioner(unscaled.layers, unscaled.selected, QUERY_NORM / longest)


def select_coordinates(layers: Sequence[LayerCurvature], dimensions: int) -> tuple[Tensor, ...]:
    """Per layer the flat coordinates among the `dimensions` largest Λ of all layers; ties by position."""
    everything = torch.cat([layer.eigenvalues.flatten() for layer in layers])
    if dimensions > len(everything):
        raise InvalidInputError(f"the model has {len(everything)} coordinates, fewer than {dimensions}")
    chosen = torch.argsort(everything, descending=True, stable=True)[:dimensions].sort().values
    parts, first = [], 0
    for layer in layers:
        size = layer.eigenvalues.numel()
        parts.append(chosen[(chosen >= first) & (chosen < first + size)] - first)
        first += size
    return tuple(parts)


def row_features(forward: Pass, labels: Tensor, preconditioner: Preconditioner) -> tuple[Features, Features]:
    """Normalised rows (N, k) and self-influences h (N,) of labelled records."""
    gradients = forward.output_gradients(log_likelihood_gradient(forward.logits, labels))
    whitened = _whitened(forward, gradients, preconditioner)
    influence = _self_influence(forward, gradients, preconditioner)
    lengths = influence.sqrt().clamp_min(torch.finfo(torch.float64).tiny)
    return (whitened / lengths[:, None]).numpy(), influence.numpy()


def query_features(forward: Pass, preconditioner: Preconditioner) -> Features:
    """Real queries (N, k) of what the model predicts for the inputs of `forward`."""
    predicted = forward.logits.argmax(dim=1)
    gradients = forward.output_gradients(margin_gradient(forward.logits, predicted))
    features: Features = _whitened(forward, gradients, preconditioner).numpy()
    return features


def _whitened(forward: Pass, gradients: Sequence[Tensor], preconditioner: Preconditioner) -> Tensor:
    """(N, k): `(U_Sᵀ G U_A) / √(Λ + λ)` at the selected coordinates."""
    parts = []
    for layer, inputs, gradient, selected in zip(
        preconditioner.layers, forward.layer_inputs, gradients, preconditioner.selected, strict=True
    ):
        width = layer.input_basis.shape[1]
        outputs, columns = selected // width, selected % width
        scale = (layer.eigenvalues.flatten()[selected] + layer.damping).rsqrt()
        left = (layer.output_basis.T @ gradient.T).index_select(0, outputs)  # (k, N): rows gather faster
        right = (layer.input_basis.T @ inputs.T).index_select(0, columns)
        parts.append(left.mul_(right).mul_(scale[:, None]))
    return torch.cat(parts).T.contiguous()


def _self_influence(forward: Pass, gradients: Sequence[Tensor], preconditioner: Preconditioner) -> Tensor:
    """(N,): `gᵀ(F + λ)⁻¹g` over all coordinates of all layers."""
    total = torch.zeros(len(forward.logits), dtype=torch.float64)
    for layer, inputs, gradient in zip(preconditioner.layers, forward.layer_inputs, gradients, strict=True):
        outputs = (gradient @ layer.output_basis).square()
        columns = (inputs @ layer.input_basis).square()
        total += ((outputs @ (1 / (layer.eigenvalues + layer.damping))) * columns).sum(dim=1)
    return total


def encode_preconditioner(preconditioner: Preconditioner) -> bytes:
    """The committed file; its sha256 is `preconditionerHash`."""
    tensors: dict[str, Array] = {"query_scale": np.array([preconditioner.query_scale])}
    for position, (layer, selected) in enumerate(
        zip(preconditioner.layers, preconditioner.selected, strict=True)
    ):
        tensors[f"{position}.output_basis"] = layer.output_basis.numpy()
        tensors[f"{position}.input_basis"] = layer.input_basis.numpy()
        tensors[f"{position}.eigenvalues"] = layer.eigenvalues.numpy()
        tensors[f"{position}.damping"] = np.array([layer.damping])
        tensors[f"{position}.selected"] = selected.numpy()
    return encode_tensors(tensors)


def decode_preconditioner(data: bytes) -> Preconditioner:
    """The inverse of `encode_preconditioner`; raises InvalidInputError when malformed."""
    tensors = {name: torch.from_numpy(array.copy()) for name, array in decode_tensors(data).items()}
    try:
        count = sum(name.endswith(".damping") for name in tensors)
        layers = tuple(_decode_layer(tensors, position) for position in range(count))
        selected = tuple(tensors[f"{position}.selected"] for position in range(count))
        return Preconditioner(layers, selected, float(tensors["query_scale"].item()))
    except (KeyError, RuntimeError) as error:
        raise InvalidInputError(f"preconditioner file: {error}") from error


def _decode_layer(tensors: dict[str, Tensor], position: int) -> LayerCurvature:
    layer = LayerCurvature(
        tensors[f"{position}.output_basis"],
        tensors[f"{position}.input_basis"],
        tensors[f"{position}.eigenvalues"],
        float(tensors[f"{position}.damping"].item()),
    )
    if layer.eigenvalues.shape != (len(layer.output_basis), len(layer.input_basis)):
        raise InvalidInputError(f"preconditioner file: layer {position} has shapes that do not fit")
    return layer
