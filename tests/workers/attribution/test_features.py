import numpy as np
import pytest
import torch
from torch import Tensor

from tests.workers.attribution.test_ekfac import small_task
from workers.attribution.attributor import EkfacAttributor
from workers.attribution.ekfac import LayerCurvature, fit_curvature
from workers.attribution.features import (
    build_preconditioner,
    decode_preconditioner,
    encode_preconditioner,
    query_features,
    row_features,
    select_coordinates,
)
from workers.attribution.numerics import QUERY_NORM
from workers.attribution.task import Pass, log_likelihood_gradient, margin_gradient
from workers.errors import InvalidInputError

EVERYTHING = 5 * 5 + 3 * 6
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0])


def whitened(forward: Pass, layers: list[LayerCurvature], logit_gradient: Tensor) -> Tensor:
    """By definition: whole gradients, every coordinate."""
    parts = []
    gradients = forward.output_gradients(logit_gradient)
    for layer, inputs, gradient in zip(layers, forward.layer_inputs, gradients, strict=True):
        full = gradient[:, :, None] * inputs[:, None, :]
        rotated = layer.output_basis.T @ full @ layer.input_basis
        parts.append((rotated / (layer.eigenvalues + layer.damping).sqrt()).flatten(1))
    return torch.cat(parts, dim=1)


def test_rows_are_unit_influence_of_the_label() -> None:
    task, inputs = small_task()
    forward = task.run(inputs)
    layers = fit_curvature(forward)
    fitted = build_preconditioner(layers, EVERYTHING, forward)
    rows, influence = row_features(forward, LABELS, fitted)
    expected = whitened(forward, layers, log_likelihood_gradient(forward.logits, LABELS)).numpy()
    assert np.allclose(influence, (expected**2).sum(axis=1))
    assert np.allclose(rows, expected / np.linalg.norm(expected, axis=1, keepdims=True))


def test_queries_are_of_the_prediction_and_scaled_to_the_longest() -> None:
    task, inputs = small_task()
    forward = task.run(inputs)
    layers = fit_curvature(forward)
    fitted = build_preconditioner(layers, EVERYTHING, forward)
    predicted = forward.logits.argmax(dim=1)
    expected = whitened(forward, layers, margin_gradient(forward.logits, predicted)).numpy()
    queries = query_features(forward, fitted)
    assert np.allclose(queries, expected)
    assert np.linalg.norm(queries, axis=1).max() * fitted.query_scale == pytest.approx(QUERY_NORM)


def test_the_largest_eigenvalues_are_kept() -> None:
    task, inputs = small_task()
    layers = fit_curvature(task.run(inputs))
    selected = select_coordinates(layers, 10)
    values = [layer.eigenvalues.flatten() for layer in layers]
    kept = torch.cat([value[chosen] for value, chosen in zip(values, selected, strict=True)])
    assert len(kept) == 10
    assert kept.min() >= torch.cat(values).sort(descending=True).values[9]


@pytest.mark.parametrize("dimensions", [0, EVERYTHING + 1, 65_537])
def test_impossible_dimensions(dimensions: int) -> None:
    task, inputs = small_task()
    forward = task.run(inputs)
    with pytest.raises(InvalidInputError):
        build_preconditioner(fit_curvature(forward), dimensions, forward)


def test_the_committed_file_is_all_that_is_needed() -> None:
    task, inputs = small_task()
    fitted = EkfacAttributor.fit(task, inputs, 12)
    loaded = EkfacAttributor.load(task, fitted.encode())
    assert loaded.encode() == fitted.encode()
    assert np.array_equal(loaded.queries(inputs), fitted.queries(inputs))
    ours, theirs = loaded.rows(inputs, LABELS), fitted.rows(inputs, LABELS)
    assert all(np.array_equal(ours[part], theirs[part]) for part in range(3))


def test_malformed_files_are_refused() -> None:
    task, inputs = small_task()
    forward = task.run(inputs)
    data = encode_preconditioner(build_preconditioner(fit_curvature(forward), 5, forward))
    with pytest.raises(InvalidInputError):
        decode_preconditioner(data.replace(b"query_scale", b"query_scalf"))
    with pytest.raises(InvalidInputError):
        decode_preconditioner(data[:-1])
