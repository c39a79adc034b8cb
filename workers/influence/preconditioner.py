"""What is committed besides rows: bases, Λ, damping, selected coordinates, scales; and features made from it.

Rows and queries come from this artefact and the model alone; nothing of it is recomputed by whoever checks.
A feature is a gradient rotated into the curvature's basis, divided by √(Λ + λ), cut to the k coordinates with
the largest Λ. `h = gᵀ(F + λ)⁻¹g` is taken over all coordinates, before the cut.

Source: Barshan et al. 2020 (RelatIF, row_limit 0); attribution.md, sections 1.1, 2 "Gradient store" and 5.2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from workers.artifacts.tensors import Array, decode_tensors, encode_tensors
from workers.errors import InvalidInputError
from workers.influence.curvature import LayerCurvature, gradients_of, is_single, pieces, rotated
from workers.influence.layers import Factors

ROW_REACH = 256.0
"""How many times the row limit a row may be long before its length counts no more."""


@dataclass(frozen=True, slots=True)
class Preconditioner:
    """`selected` holds per layer the chosen flat coordinates `output·I + input`, ascending; `query_scale`
    turns a real query into integers; `row_length` is the row limit (0: every row is made of length 1)."""

    layers: tuple[LayerCurvature, ...]
    selected: tuple[Tensor, ...]
    query_scale: float = 1.0
    row_length: float = 0.0

    @property
    def dimensions(self) -> int:
        """k: how many coordinates a feature has, all layers together."""
        return sum(len(coordinates) for coordinates in self.selected)

    def to(self, dtype: torch.dtype, device: torch.device) -> "Preconditioner":
        """Ready for features in `dtype` on `device`."""
        return Preconditioner(
            tuple(
                LayerCurvature(
                    layer.output_basis.to(device, dtype),
                    None if layer.input_basis is None else layer.input_basis.to(device, dtype),
                    layer.eigenvalues.to(device, dtype),
                    layer.damping,
                )
                for layer in self.layers
            ),
            tuple(chosen.to(device) for chosen in self.selected),
            self.query_scale,
            self.row_length,
        )


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


def features(gradients: Sequence[Factors], preconditioner: Preconditioner) -> tuple[Tensor, Tensor]:
    """Whitened gradients (N, k) at the selected coordinates, and `h` (N,) over all coordinates."""
    parts, total = [], None
    for factors, layer, selected in zip(
        gradients, preconditioner.layers, preconditioner.selected, strict=True
    ):
        turned = rotated(factors, layer.output_basis, layer.input_basis)
        part, influence = (_single if is_single(turned) else _summed)(turned, layer, selected)
        parts.append(part)
        total = influence if total is None else total + influence
    assert total is not None
    return torch.cat(parts, dim=1), total


def _single(turned: Factors, layer: LayerCurvature, selected: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of one outer product are never materialised."""
    left, right = turned.left[:, 0], turned.right[:, 0]
    width = right.shape[1]
    inverse = 1 / (layer.eigenvalues + layer.damping)
    influence = ((left.square() @ inverse) * right.square()).sum(dim=1)
    scale = inverse.flatten()[selected].sqrt()
    rows = left.T.contiguous().index_select(0, selected // width)  # (k, N): rows gather faster
    columns = right.T.contiguous().index_select(0, selected % width)
    return rows.mul_(columns).mul_(scale[:, None]).T, influence


def _summed(turned: Factors, layer: LayerCurvature, selected: Tensor) -> tuple[Tensor, Tensor]:
    inverse = 1 / (layer.eigenvalues + layer.damping)
    scale = inverse.flatten()[selected].sqrt()
    parts, influences = [], []
    for some in pieces(turned):
        gradients = gradients_of(some).flatten(1)
        influences.append((gradients.square() @ inverse.flatten()[:, None])[:, 0])
        parts.append(gradients.index_select(1, selected) * scale)
    return torch.cat(parts), torch.cat(influences)


def squared_divisors(influence: Tensor, limit: float, power: float) -> Tensor:
    """(N,): squares of what whitened gradients of squared lengths `influence` are divided by, so that their
    rows are at most 1 long.

    Up to `limit` L a row keeps its length, in units of L·256^p; beyond it a length x counts as L·(x/L)^p up
    to 256·L, and then no more. p = 0 cuts at L.
    """
    floor = max(limit**2, float(torch.finfo(influence.dtype).tiny))
    lengths = influence.clamp_min(floor)
    if not power:
        return lengths
    return torch.maximum(lengths, lengths ** (1 - power) * (ROW_REACH * limit) ** (2 * power))


def encode_preconditioner(preconditioner: Preconditioner) -> bytes:
    """The committed file; its sha256 is `preconditionerHash`."""
    tensors: dict[str, Array] = {
        "query_scale": np.array([preconditioner.query_scale]),
        "row_length": np.array([preconditioner.row_length]),
    }
    for position, (layer, selected) in enumerate(
        zip(preconditioner.layers, preconditioner.selected, strict=True)
    ):
        tensors[f"{position}.output_basis"] = layer.output_basis.cpu().numpy()
        if layer.input_basis is not None:
            tensors[f"{position}.input_basis"] = layer.input_basis.cpu().numpy()
        tensors[f"{position}.eigenvalues"] = layer.eigenvalues.cpu().numpy()
        tensors[f"{position}.damping"] = np.array([layer.damping])
        tensors[f"{position}.selected"] = selected.cpu().numpy()
    return encode_tensors(tensors)


def decode_preconditioner(data: bytes) -> Preconditioner:
    """The inverse of `encode_preconditioner`; raises InvalidInputError when malformed."""
    tensors = {name: torch.from_numpy(array.copy()) for name, array in decode_tensors(data).items()}
    try:
        count = sum(name.endswith(".damping") for name in tensors)
        layers = tuple(_decode_layer(tensors, position) for position in range(count))
        selected = tuple(tensors[f"{position}.selected"] for position in range(count))
        scales = (float(tensors[name].item()) for name in ("query_scale", "row_length"))
        found = Preconditioner(layers, selected, *scales)
    except (KeyError, RuntimeError) as error:
        raise InvalidInputError(f"preconditioner file: {error}") from error
    for layer, chosen in zip(found.layers, found.selected, strict=True):
        if chosen.dtype != torch.int64 or (
            len(chosen) and not 0 <= int(chosen.min()) <= int(chosen.max()) < layer.eigenvalues.numel()
        ):
            raise InvalidInputError("preconditioner file: a selected coordinate does not exist")
    return found


def _decode_layer(tensors: Mapping[str, Tensor], position: int) -> LayerCurvature:
    layer = LayerCurvature(
        tensors[f"{position}.output_basis"],
        tensors.get(f"{position}.input_basis"),
        tensors[f"{position}.eigenvalues"],
        float(tensors[f"{position}.damping"].item()),
    )
    inputs = layer.eigenvalues.shape[-1] if layer.input_basis is None else layer.input_basis.shape[1]
    if layer.eigenvalues.shape != (layer.output_basis.shape[1], inputs):
        raise InvalidInputError(f"preconditioner file: layer {position} has shapes that do not fit")
    return layer
