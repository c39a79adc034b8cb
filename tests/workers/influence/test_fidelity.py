"""Fidelity methods against dense linear algebra on a model small enough for it."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.workers.influence.models import classifier, language_task, tokens, vectors
from workers.influence import Profile, Task
from workers.influence.curvature import gradients_of
from workers.influence.fidelity import ConjugateGradients, Ensemble, LowRankCurvature, Scorer
from workers.influence.layers import Factors
from workers.influence.passes import Runner


def flat(layers: list[Factors]) -> Tensor:
    return torch.cat([gradients_of(layer).flatten(1) for layer in layers], dim=1)


def dense(task: Task, data: object, asked: object, damping: float) -> np.ndarray:
    runner = Runner(task, torch.float64, 12, torch.device("cpu"))
    (one,) = runner.passes(data)
    (other,) = runner.passes(asked)
    fisher = torch.cat([flat(part)[: one.kept] for part in one.fisher()])
    matrix = fisher.T @ fisher / one.kept
    matrix += damping * matrix.diagonal().mean() * torch.eye(len(matrix))
    solved = torch.linalg.solve(matrix, flat(other.measurement())[: other.kept].T)
    found: np.ndarray = (flat(one.loss())[: one.kept] @ solved).T.numpy()
    return found


CASES = [
    (classifier(), vectors(12), vectors(5)),
    (language_task(), tokens(12, words=11), tokens(4, words=11)),
]


@pytest.mark.parametrize(("task", "data", "asked"), CASES)
def test_enough_directions_give_the_dense_solution(task: Task, data: object, asked: object) -> None:
    scorer = LowRankCurvature(task, directions=500, damping=0.5, dtype="float64", batch=5)
    scorer.fit(data)
    assert np.allclose(scorer.scores(asked), dense(task, data, asked, 0.5), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("task", "data", "asked"), CASES)
def test_conjugate_gradients_converge_to_the_dense_solution(task: Task, data: object, asked: object) -> None:
    scorer = ConjugateGradients(task, Profile(dimensions=8, batch=5), steps=80, damping=0.5)
    scorer.fit(data)
    expected = dense(task, data, asked, 0.5)
    assert np.allclose(scorer.scores(asked), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_an_ensemble_is_the_mean() -> None:
    def scorers() -> list[Scorer]:
        return [LowRankCurvature(classifier(), damping=damping) for damping in (1.0, 10.0)]

    together, apart = Ensemble(scorers()), scorers()
    together.fit(vectors(12))
    for one in apart:
        one.fit(vectors(12))
    expected = np.mean([one.scores(vectors(5)) for one in apart], axis=0)
    assert np.array_equal(together.scores(vectors(5)), expected)
