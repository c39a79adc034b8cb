"""Factors against autograd, one example at a time, for every kind of layer."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.workers.influence.models import Everything, Picture, TinyLanguageModel, seeded, tokens
from workers.errors import InvalidInputError
from workers.influence import ClassificationTask, LanguageModelTask, Task
from workers.influence.batches import FixedBatch
from workers.influence.curvature import gradients_of
from workers.influence.layers import Factors, contracted, layer_shape, supported_modules
from workers.influence.passes import Runner

LABELS = torch.tensor([0, 1, 2, 0, 1, 2])
PICTURES = torch.rand(6, 2, 6, 5, generator=torch.Generator().manual_seed(4))


def reference(module: nn.Module, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A module's gradients in the library's arrangement."""
    if isinstance(module, nn.Embedding):
        return weight.T
    if isinstance(module, nn.LayerNorm):
        parts = [weight.flatten(), *([] if bias is None else [bias.flatten()])]
        return torch.cat(parts)[None, :]
    flat = weight.flatten(1)
    return flat if bias is None else torch.cat([flat, bias[:, None]], dim=1)


@pytest.mark.parametrize(
    ("task", "batch"),
    [
        (ClassificationTask(seeded(Everything), 1.0), (tokens(), LABELS)),
        (ClassificationTask(seeded(Picture), 1.0), (PICTURES, LABELS)),
        (LanguageModelTask(seeded(TinyLanguageModel)), tokens(words=11)),
    ],
)
def test_factors_are_per_example_gradients(task: Task, batch: Any) -> None:
    runner = Runner(task, torch.float64, 6, torch.device("cpu"))
    found = [gradients_of(one) for one in runner.run(FixedBatch(batch, 6)).loss()]
    for example in range(6):
        model = runner.model
        model.zero_grad()
        one = (
            tuple(t[example : example + 1] for t in batch)
            if isinstance(batch, tuple)
            else batch[example:][:1]
        )
        alone = type(task)(model) if isinstance(task, LanguageModelTask) else ClassificationTask(model, 1.0)
        inputs = (
            (one[0].double() if one[0].is_floating_point() else one[0], *one[1:])
            if isinstance(one, tuple)
            else one
        )
        (-alone.loss(alone.forward(inputs), inputs).sum()).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        for gradients, module, shape in zip(found, runner.modules.values(), runner.shapes, strict=True):
            bias = getattr(module, "bias", None)
            assert isinstance(module.weight, Tensor)
            assert module.weight.grad is not None
            expected = reference(module, module.weight.grad, None if bias is None else bias.grad)
            assert gradients[example].shape == shape == expected.shape
            assert torch.allclose(gradients[example], expected, atol=1e-12)


class InPlace(nn.Module):
    """Overwrites what its first layer said."""

    activation = staticmethod(nn.functional.relu_)

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(5, 5), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 5) to (n, 3)."""
        found: Tensor = self.head(self.activation(self.first(x)))
        return found


class OutOfPlace(InPlace):
    """The same, overwriting nothing."""

    activation = staticmethod(nn.functional.relu)


def test_layers_that_are_overwritten_are_recorded_as_they_were() -> None:
    inputs = torch.rand(6, 5, generator=torch.Generator().manual_seed(1))
    found = []
    for kind in (InPlace, OutOfPlace):
        runner = Runner(ClassificationTask(seeded(kind), 1.0), torch.float64, 6, torch.device("cpu"))
        found.append([gradients_of(one) for one in runner.run(FixedBatch((inputs, LABELS), 6)).loss()])
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, atol=1e-12)


@pytest.mark.parametrize(("positions", "outputs", "inputs"), [(2, 3, 4), (9, 3, 4), (9, 4, 3), (5, 1, 7)])
def test_contracted_factors_are_the_same_gradients(positions: int, outputs: int, inputs: int) -> None:
    generator = torch.Generator().manual_seed(2)
    left = torch.rand(4, positions, outputs, generator=generator, dtype=torch.float64)
    right = torch.rand(4, positions, inputs, generator=generator, dtype=torch.float64)
    whole = Factors(left, right)
    short = contracted(whole)
    assert short.left.shape[1] == min(positions, outputs, inputs)
    assert torch.allclose(gradients_of(short), gradients_of(whole), atol=1e-12)


def test_filled_up_records_have_no_gradient() -> None:
    runner = Runner(ClassificationTask(seeded(Everything)), torch.float64, 6, torch.device("cpu"))
    for factors in runner.run(FixedBatch((tokens(), LABELS), 4)).loss():
        assert torch.count_nonzero(gradients_of(factors)[4:]) == 0
        assert torch.count_nonzero(factors.right[4:]) == 0


def test_frozen_and_unsupported_modules() -> None:
    model = seeded(Everything)
    model.get_submodule("mixer").requires_grad_(False)
    assert list(supported_modules(model)) == ["embedding", "convolution", "norm", "head"]
    for module in (nn.Conv2d(4, 4, 3, groups=2), nn.LayerNorm(3, elementwise_affine=False), nn.ReLU()):
        with pytest.raises(InvalidInputError):
            layer_shape(module)


def test_the_users_model_is_left_alone() -> None:
    model = seeded(Everything)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    Runner(ClassificationTask(model), torch.float64, 6, torch.device("cpu")).run(
        FixedBatch((tokens(), LABELS), 6)
    )
    assert model.training
    assert all(
        parameter.dtype == torch.float32 and parameter.requires_grad for parameter in model.parameters()
    )
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
