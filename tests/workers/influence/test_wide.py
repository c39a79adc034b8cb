"""Wide sides: directions of a sketch against the eigenvectors of the whole covariance."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.attribution.language import load_texts
from tests.workers.influence.models import SMALL
from workers.errors import InvalidInputError
from workers.influence import Attributor, ClassificationTask, Profile
from workers.influence.curvature import ordered_eigenvectors
from workers.influence.verify import preconditioner_residual
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


def trigrams(width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """240 passages of eight Python modules as counts of three-byte sequences, and whose each is."""
    texts = load_texts()
    counts = np.zeros((len(texts.train), width), np.float32)
    for row, passage in zip(counts, texts.train, strict=True):
        codes = np.convolve(passage.astype(np.int64), [1, 257, 66_049], "valid") % width
        np.add.at(row, codes, 1.0)
    return torch.from_numpy(counts), torch.from_numpy(texts.owners)


def wide_and_narrow(
    width: int,
) -> tuple[tuple[ClassificationTask, torch.Tensor], tuple[ClassificationTask, torch.Tensor], torch.Tensor]:
    """A trained model with a wide first layer, and the same model seen in the 240 dimensions that its data
    span: the gradients of both are the same but for a turn."""
    inputs, labels = trigrams(width)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        first, last = nn.Linear(width, 12, bias=False), nn.Linear(12, 8)
    model = nn.Sequential(first, nn.GELU(), last)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(30):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), labels).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
    model.double()
    turn, within = torch.linalg.qr(inputs.double().T)
    turned = nn.Linear(turn.shape[1], 12, bias=False)
    narrow = nn.Sequential(turned, nn.GELU(), last).double()
    with torch.no_grad():
        turned.weight.copy_(first.weight @ turn)
    return (ClassificationTask(model), inputs.double()), (ClassificationTask(narrow), within.T), labels


@pytest.mark.parametrize(
    ("width", "widest"), [(1_500, 300), pytest.param(8_192, 1_024, marks=pytest.mark.slow)]
)
def test_a_wide_layer_scores_as_in_the_dimensions_its_data_span(width: int, widest: int) -> None:
    (task, inputs), (narrow, within), labels = wide_and_narrow(width)
    profile = Profile(dimensions=400, batch=120, row_limit=2.0, widest=widest)
    attributor, reference = Attributor(task, profile), Attributor(narrow, profile)
    scores = attributor.score(attributor.fit((inputs, labels)), (inputs, labels)).astype(float)
    exact = reference.score(reference.fit((within, labels)), (within, labels)).astype(float)
    assert len(attributor.preconditioner.layers[0].eigenvalues[0]) <= 240
    assert np.abs(scores - exact).max() < 1e-3 * np.abs(exact).max()
    assert preconditioner_residual(attributor, (inputs, labels)) < 1e-6
    others = (inputs.flip(1), labels)
    assert preconditioner_residual(attributor, others) > 0.01


def test_no_width_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        replace(SMALL, widest=0)
