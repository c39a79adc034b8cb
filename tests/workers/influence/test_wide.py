"""Wide sides: directions of a sketch against the eigenvectors of the whole covariance."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tests.workers.influence.models import SMALL
from workers.errors import InvalidInputError
from workers.influence import Attributor, ClassificationTask, Profile
from workers.influence.curvature import ordered_eigenvectors
from workers.influence.wide import directions, signs, sketched


def vectors(count: int = 400, width: int = 60, strong: int = 6) -> torch.Tensor:
    """Vectors with few strong directions."""
    generator = torch.Generator().manual_seed(3)
    strength = torch.cat([torch.linspace(30, 10, strong), torch.full((width - strong,), 0.01)])
    turn, _ = torch.linalg.qr(torch.randn(width, width, generator=generator, dtype=torch.float64))
    drawn = torch.randn(count, width, generator=generator, dtype=torch.float64)
    found: torch.Tensor = (drawn * strength) @ turn
    return found


def test_signs_are_the_same_everywhere() -> None:
    assert signs(2, 4).tolist() == signs(2, 4).tolist()
    assert set(signs(30, 20).flatten().tolist()) == {-1.0, 1.0}
    assert abs(float(signs(100, 100).mean())) < 0.05


def test_strong_directions_are_those_of_the_covariance() -> None:
    data = vectors()
    found = directions(sketched(data, 12))
    exact = ordered_eigenvectors(data.T @ data)
    assert found.shape[0] == 60
    assert torch.allclose(found.T @ found, torch.eye(found.shape[1], dtype=torch.float64), atol=1e-10)
    for place in range(6):
        assert float((found[:, place] * exact[:, place]).sum()) == pytest.approx(1.0, abs=1e-6)


def wide_model() -> tuple[ClassificationTask, tuple[torch.Tensor, torch.Tensor]]:
    inputs = vectors().float()
    labels = (inputs[:, 0] > 0).long()
    with torch.random.fork_rng():
        torch.manual_seed(2)
        model = nn.Sequential(nn.Linear(60, 5), nn.GELU(), nn.Linear(5, 2))
    return ClassificationTask(model), (inputs, labels)


def test_scores_through_few_directions_are_nearly_those_of_all() -> None:
    task, data = wide_model()
    profile = Profile(dimensions=40, batch=100, row_limit=2.0)
    whole = Attributor(task, profile)
    narrow = Attributor(task, replace(profile, widest=16))
    exact, near = (one.score(one.fit(data), data).astype(float) for one in (whole, narrow))
    assert narrow.preconditioner.layers[0].eigenvalues.shape == (5, 16)
    assert np.corrcoef(exact.flatten(), near.flatten())[0, 1] > 0.99
    loaded = Attributor.load(task, narrow.committed, narrow.profile)
    assert np.array_equal(loaded.query(data), narrow.query(data))


def test_no_width_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        replace(SMALL, widest=0)
