"""Backward replay against finite differences of whole training runs."""

import numpy as np
import torch
from torch import nn

from tests.workers.influence.models import perceptron, vectors
from workers.influence import margin
from workers.influence.replay import Replay, SmoothRecipe


def losses(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(outputs, targets, reduction="none")


def make() -> Replay:
    inputs, labels = vectors(14)
    return Replay(
        perceptron().double(), losses, inputs.double(), labels, SmoothRecipe(epochs=3, batch=4, rate=0.3)
    )


def test_scores_are_derivatives_of_training() -> None:
    queries, targets = vectors(3)
    scores = make().scores(margin, queries.double(), targets)
    step = 1e-5
    for record in (0, 5, 13):
        measured = []
        for sign in (1.0, -1.0):
            weights = torch.ones(14, dtype=torch.float64)
            weights[record] += sign * step
            one = make()
            with torch.no_grad():
                measured.append(margin(one.load(one.train(weights))(queries.double()), targets).numpy())
        expected = (measured[0] - measured[1]) / (2 * step)
        assert np.allclose(scores[:, record], expected, rtol=1e-4, atol=1e-8)


def test_runs_repeat_and_masks_train_together() -> None:
    one = make()
    trained = one.train()
    assert torch.equal(trained, make().train())
    masks = torch.ones(2, 14, dtype=torch.float64)
    masks[1, 3] = 0
    together = one.train_without(masks)
    assert torch.allclose(together[0], trained)
    assert torch.allclose(together[1], make().train(masks[1]))
