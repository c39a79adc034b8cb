"""What an attribution method may ask of a model: layer inputs, and gradients at layer outputs.

A `Pass` runs the model once over a batch and then answers any number of backward questions. Everything is
float64. Gradients are written without the cancelling `p - 1` (attribution.md, finding 4).
"""

import copy
from typing import Protocol

import torch
from torch import Tensor

from workers.training.model import linear_layers


class Pass(Protocol):
    """One forward pass over N inputs."""

    logits: Tensor
    """(N, C)."""
    layer_inputs: list[Tensor]
    """Per linear layer (N, inputs + 1); the last column is 1, for the bias."""

    def output_gradients(self, logit_gradient: Tensor) -> list[Tensor]:
        """Per linear layer (N, outputs): the gradient there when it is `logit_gradient` (N, C) at the end."""


class Task(Protocol):
    """A model whose linear layers can be attributed."""

    layer_shapes: list[tuple[int, int]]
    """Per linear layer (outputs, inputs + 1)."""

    def run(self, inputs: Tensor) -> Pass:
        """Run the model over `inputs` (N, n)."""


class ClassifierPass:
    """`Pass` of a sequential classifier, by autograd."""

    def __init__(self, model: torch.nn.Sequential, inputs: Tensor) -> None:
        self.layer_inputs: list[Tensor] = []
        self._outputs: list[Tensor] = []
        value = inputs
        for module in model:
            before, value = value, module(value)
            if isinstance(module, torch.nn.Linear):
                ones = torch.ones(len(before), 1, dtype=before.dtype)
                self.layer_inputs.append(torch.cat([before.detach(), ones], dim=1))
                self._outputs.append(value)
        self._logits = value
        self.logits = value.detach()

    def output_gradients(self, logit_gradient: Tensor) -> list[Tensor]:
        """As in `Pass`. Examples do not mix in the model: one backward gives each its own gradient."""
        return list(
            torch.autograd.grad(self._logits, self._outputs, grad_outputs=logit_gradient, retain_graph=True)
        )


class ClassifierTask:
    """`Task` of the Model Factory's classifier, in float64."""

    def __init__(self, model: torch.nn.Sequential) -> None:
        self._model = copy.deepcopy(model).double().requires_grad_(True)
        self.layer_shapes = [(layer.out_features, layer.in_features + 1) for layer in linear_layers(model)]

    def run(self, inputs: Tensor) -> ClassifierPass:
        """Run the classifier over `inputs` (N, n) of any float type."""
        return ClassifierPass(self._model, inputs.double())


def log_likelihood_gradient(logits: Tensor, labels: Tensor) -> Tensor:
    """(N, C): gradient of log p(label): `e_y - p`, with `1 - p_y` summed from the other classes."""
    probabilities = torch.softmax(logits, dim=1)
    chosen = torch.nn.functional.one_hot(labels, logits.shape[1]).bool()
    others = probabilities.masked_fill(chosen, 0.0)
    return torch.where(chosen, others.sum(dim=1, keepdim=True), -others)


def margin_gradient(logits: Tensor, labels: Tensor) -> Tensor:
    """(N, C): gradient of `log p/(1-p)` of the label: 1 there, minus the softmax over the other classes."""
    chosen = torch.nn.functional.one_hot(labels, logits.shape[1]).bool()
    others = torch.softmax(logits.masked_fill(chosen, -torch.inf), dim=1)
    return torch.where(chosen, torch.ones_like(others), -others)
