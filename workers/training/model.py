"""What the Model Factory's small classifier is: a multilayer perceptron over features scaled to [0, 1]."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from workers.artifacts.tensors import decode_tensors, encode_tensors
from workers.errors import InvalidInputError

ACTIVATIONS: dict[str, type[torch.nn.Module]] = {"gelu": torch.nn.GELU, "relu": torch.nn.ReLU}
FEATURE_RANGE = 255.0


def build_model(widths: Sequence[int], activation: str) -> torch.nn.Sequential:
    """Linear layers `widths[0] → … → widths[-1]` with the activation in between; weights are not yet set."""
    if activation not in ACTIVATIONS:
        raise InvalidInputError(f"activation {activation!r} is not one of {sorted(ACTIVATIONS)}")
    if len(widths) < 2 or not all(1 <= width <= 65_536 for width in widths):
        raise InvalidInputError(f"layer widths {list(widths)} are out of range")
    modules: list[torch.nn.Module] = []
    for position in range(len(widths) - 1):
        if position:
            modules.append(ACTIVATIONS[activation]())
        modules.append(torch.nn.Linear(widths[position], widths[position + 1]))
    return torch.nn.Sequential(*modules)


def initialize(model: torch.nn.Sequential, generator: torch.Generator) -> None:
    """Uniform weights within ±1/√inputs, from `generator` alone."""
    with torch.no_grad():
        for layer in linear_layers(model):
            bound = layer.in_features**-0.5
            layer.weight.uniform_(-bound, bound, generator=generator)
            layer.bias.uniform_(-bound, bound, generator=generator)


def linear_layers(model: torch.nn.Sequential) -> list[torch.nn.Linear]:
    """The model's linear layers from input to output."""
    return [module for module in model if isinstance(module, torch.nn.Linear)]


def scale_features(features: NDArray[np.uint8]) -> torch.Tensor:
    """(N, n) float32 in [0, 1]."""
    return torch.from_numpy(features.astype(np.float32)) / FEATURE_RANGE


def encode_weights(model: torch.nn.Sequential) -> bytes:
    """All parameters as one safetensors file."""
    return encode_tensors({name: value.detach().numpy() for name, value in model.state_dict().items()})


def load_weights(model: torch.nn.Sequential, data: bytes) -> None:
    """Set all parameters; raises InvalidInputError when names or shapes differ."""
    tensors = {name: torch.from_numpy(array.copy()) for name, array in decode_tensors(data).items()}
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise InvalidInputError(f"weights do not fit the model: {error}") from error
