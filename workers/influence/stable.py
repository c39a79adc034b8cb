"""How classification losses are differentiated without cancellation.

The textbook gradient `p - 1` of a confident example loses most digits in float32, and two honest machines
then differ by per cents (attribution.md, finding 4). Here `1 - p` is the sum of the other classes.
"""

from typing import Any

import torch
from torch import Tensor


class _CrossEntropy(torch.autograd.Function):
    """-log p(label) over the last dimension."""

    @staticmethod
    def forward(context: Any, logits: Tensor, labels: Tensor) -> Tensor:
        context.save_for_backward(logits, labels)
        return -torch.log_softmax(logits, dim=-1).gather(-1, labels[..., None]).squeeze(-1)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        logits, labels = context.saved_tensors
        return -log_likelihood_gradient(logits, labels) * gradients[0][..., None], None


def log_likelihood_gradient(logits: Tensor, labels: Tensor) -> Tensor:
    """(…, C): gradient of log p(label): `e_y - p`, with `1 - p_y` summed from the other classes."""
    others = torch.softmax(logits, dim=-1).scatter(-1, labels[..., None], 0.0)
    return (-others).scatter(-1, labels[..., None], others.sum(dim=-1, keepdim=True))


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """(…,): -log p(label) of logits (…, C) and labels (…,), one value per prediction."""
    loss: Tensor = _CrossEntropy.apply(logits, labels)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return loss


class _LogLikelihoods(torch.autograd.Function):
    """log p of every class over the last dimension."""

    @staticmethod
    def forward(context: Any, logits: Tensor) -> Tensor:
        found = torch.log_softmax(logits, dim=-1)
        context.save_for_backward(found.exp())
        return found

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        (p,) = context.saved_tensors
        classes = p.shape[-1]
        others = 1 - torch.eye(classes, dtype=p.dtype, device=p.device)
        found: Tensor = gradients[0] * (p @ others) - p * (gradients[0] @ others)
        return found


def log_likelihoods(logits: Tensor) -> Tensor:
    """(…, C): log p of every class; for few classes, since its gradient multiplies by a C x C matrix."""
    found: Tensor = _LogLikelihoods.apply(logits)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return found


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """(…,): log p/(1-p) of the label: its logit less the log-sum-exp of the others."""
    others = logits.scatter(-1, labels[..., None], -torch.inf)
    return logits.gather(-1, labels[..., None]).squeeze(-1) - others.logsumexp(dim=-1)
