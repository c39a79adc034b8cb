import pytest
import torch

from workers.attribution.ekfac import DAMPING, fit_curvature, ordered_eigenvectors
from workers.attribution.task import (
    ClassifierTask,
    log_likelihood_gradient,
    margin_gradient,
)
from workers.errors import InvalidInputError
from workers.training.model import build_model, initialize


def small_task(classes: int = 3) -> tuple[ClassifierTask, torch.Tensor]:
    model = build_model([4, 5, classes], "gelu")
    initialize(model, torch.Generator().manual_seed(1))
    return ClassifierTask(model), torch.rand(7, 4, generator=torch.Generator().manual_seed(2))


def test_eigenvectors_are_ordered_signed_and_orthonormal() -> None:
    square = torch.rand(6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    matrix = square @ square.T
    vectors = ordered_eigenvectors(matrix)
    values = torch.diagonal(vectors.T @ matrix @ vectors)
    assert torch.all(values[:-1] >= values[1:])
    assert torch.allclose(vectors.T @ vectors, torch.eye(6, dtype=torch.float64))
    assert torch.all(vectors.gather(0, vectors.abs().argmax(0, keepdim=True)) > 0)


def test_curvature_is_the_exact_fisher_in_the_eigenbasis() -> None:
    """Against the definition: every example, every class, whole gradients."""
    task, inputs = small_task()
    forward = task.run(inputs)
    layers = fit_curvature(forward)
    probabilities = torch.softmax(forward.logits, dim=1)
    for position, layer in enumerate(layers):
        expected = torch.zeros_like(layer.eigenvalues)
        for label in range(3):
            labels = torch.full((7,), label)
            gradient = forward.output_gradients(log_likelihood_gradient(forward.logits, labels))[position]
            full = gradient[:, :, None] * forward.layer_inputs[position][:, None, :]
            rotated = layer.output_basis.T @ full @ layer.input_basis
            expected += (probabilities[:, label, None, None] * rotated.square()).mean(dim=0)
        assert torch.allclose(layer.eigenvalues, expected)
        assert layer.damping == pytest.approx(DAMPING * float(expected.mean()))


def test_gradients_are_autograds() -> None:
    task, inputs = small_task()
    forward = task.run(inputs)
    logits = forward.logits.clone().requires_grad_(True)
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0])
    log_likelihood = torch.log_softmax(logits, dim=1).gather(1, labels[:, None]).sum()
    (expected,) = torch.autograd.grad(log_likelihood, logits)
    assert torch.allclose(log_likelihood_gradient(forward.logits, labels), expected)
    p = torch.softmax(logits, dim=1).gather(1, labels[:, None])
    (expected,) = torch.autograd.grad((p / (1 - p)).log().sum(), logits)
    assert torch.allclose(margin_gradient(forward.logits, labels), expected)


def test_confident_gradients_do_not_cancel() -> None:
    logits = torch.tensor([[60.0, 0.0, 0.0]], dtype=torch.float64)
    gradient = log_likelihood_gradient(logits, torch.tensor([0]))
    assert float(gradient[0, 0]) == pytest.approx(
        2 * torch.exp(torch.tensor(-60.0, dtype=torch.float64)).item()
    )


def test_too_many_classes_are_refused() -> None:
    task, inputs = small_task(classes=101)
    with pytest.raises(InvalidInputError):
        fit_curvature(task.run(inputs))
