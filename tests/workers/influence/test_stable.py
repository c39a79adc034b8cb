"""Losses without cancellation: the gradients are the textbook's, and stay exact when the model is sure."""

import torch

from workers.influence import stable

LOGITS = torch.randn(7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def test_log_likelihoods_have_the_gradients_of_log_softmax() -> None:
    one, other = (LOGITS.clone().requires_grad_() for _ in range(2))
    weights = LOGITS.sin()
    (stable.log_likelihoods(one) * weights).sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    (torch.log_softmax(other, dim=-1) * weights).sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert one.grad is not None
    assert other.grad is not None
    torch.testing.assert_close(one.grad, other.grad, rtol=1e-12, atol=1e-12)


def test_the_gradient_of_a_sure_model_keeps_its_digits_in_float32() -> None:
    logits = torch.tensor([[20.0, 0.0, 1.0]], requires_grad=True)
    stable.log_likelihoods(logits)[0, 0].backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    expected = 1 - torch.softmax(logits.detach().double(), dim=-1)[0, 0]
    assert logits.grad is not None
    assert abs(float(logits.grad[0, 0]) / float(expected) - 1) < 1e-6
