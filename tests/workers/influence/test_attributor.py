"""Rows, queries and scores against their definitions; the same integers however the work is cut."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tests.workers.influence.models import SMALL, classifier, language_task, perceptron, tokens, vectors
from workers.errors import InvalidInputError
from workers.influence import (
    Attributor,
    ClassificationTask,
    EmbeddingTask,
    FeatureIndex,
    Profile,
    RegressionTask,
    Shard,
    Task,
    cross_entropy,
)
from workers.influence.curvature import gradients_of
from workers.influence.passes import Runner
from workers.influence.preconditioner import decode_preconditioner

EVERYTHING = 5 * 5 + 3 * 6


def same(one: FeatureIndex, other: FeatureIndex) -> bool:
    return (
        np.array_equal(one.mantissas(), other.mantissas())
        and np.array_equal(one.exponents(), other.exponents())
        and np.array_equal(one.self_influence, other.self_influence)
        and one.preconditioner == other.preconditioner
    )


def test_the_preconditioner_is_the_exact_fisher_in_the_eigenbasis() -> None:
    """Against the definition: every example, every class, whole gradients; rows and queries from it."""
    data = vectors()
    profile = Profile(dimensions=EVERYTHING, batch=4)
    attributor = Attributor(classifier(), profile)
    index = attributor.fit(data)
    fitted = decode_preconditioner(attributor.committed)
    runner = Runner(classifier(), torch.float64, 7, torch.device("cpu"))
    (one,) = runner.passes(data)
    fisher = [[gradients_of(layer) for layer in label] for label in one.fisher()]
    rows: list[Tensor] = []
    queries: list[Tensor] = []
    for position, layer in enumerate(fitted.layers):
        assert layer.input_basis is not None
        turned = [layer.output_basis.T @ label[position] @ layer.input_basis for label in fisher]
        expected = torch.stack([part.square().mean(dim=0) for part in turned]).sum(dim=0)
        assert torch.allclose(layer.eigenvalues, expected)
        assert layer.damping == pytest.approx(0.1 * float(expected.mean()))
        for target, gradients in ((rows, one.loss()), (queries, one.measurement())):
            whole = layer.output_basis.T @ gradients_of(gradients[position]) @ layer.input_basis
            target.append((whole / (layer.eigenvalues + layer.damping).sqrt()).flatten(1))
    whitened = torch.cat(rows, dim=1).numpy()
    lengths = np.linalg.norm(whitened, axis=1, keepdims=True)
    assert np.allclose(index.self_influence, lengths[:, 0] ** 2)
    integers = index.mantissas().astype(float) * 2.0 ** index.exponents()[:, None]
    assert (
        np.abs(integers / 8192 - whitened / lengths).max()
        < 0.5 * 2 ** int(index.exponents().max()) / 8192 + 1e-12
    )
    asked = torch.cat(queries, dim=1).numpy()
    assert np.abs(attributor.query(data) - asked * fitted.query_scale).max() <= 0.5 + 1e-9
    assert np.array_equal(
        attributor.score(index, data), attributor.query(data).astype(np.int64) @ integers.astype(np.int64).T
    )


def test_rows_shorter_than_the_limit_keep_their_length() -> None:
    data = vectors(40)
    attributor = Attributor(classifier(), replace(SMALL, dimensions=EVERYTHING, batch=40, row_limit=1.0))
    index = attributor.fit(data)
    limit = decode_preconditioner(attributor.committed).row_length
    unlimited = Attributor(classifier(), replace(SMALL, dimensions=EVERYTHING, batch=40)).fit(data)
    assert np.allclose(index.self_influence, np.maximum(unlimited.self_influence, limit**2))
    assert limit**2 == pytest.approx(float(torch.from_numpy(unlimited.self_influence).sqrt().median()) ** 2)
    assert (unlimited.self_influence < limit**2).sum() in {19, 20}


def test_beyond_the_limit_a_row_grows_by_the_power() -> None:
    data = vectors(40)
    profile = replace(SMALL, dimensions=EVERYTHING, batch=40, row_limit=0.5)
    cut = Attributor(classifier(), profile).fit(data)
    attributor = Attributor(classifier(), replace(profile, row_power=0.25))
    grown = attributor.fit(data)
    limit = attributor.preconditioner.row_length
    lengths = np.sqrt(Attributor(classifier(), replace(profile, row_limit=0.0)).fit(data).self_influence)
    expected = np.minimum(lengths / limit, (np.maximum(lengths, limit) / limit) ** 0.25) / 4
    assert np.allclose(lengths / np.sqrt(grown.self_influence), expected)
    assert np.allclose(lengths / np.sqrt(cut.self_influence), np.minimum(lengths / limit, 1.0))
    shares = [row / row.sum() for row in (expected, np.minimum(lengths / limit, 1.0))]
    assert np.argmax(lengths) == np.argmax(shares[0] - shares[1])


class _Rows(torch.utils.data.Dataset[Any]):
    def __init__(self, data: tuple[Tensor, Tensor]) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data[0])

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor]:
        return self._data[0][place], self._data[1][place]


@pytest.mark.parametrize("size", [1, 3, 4, 5, 100])
def test_any_way_of_giving_data_gives_the_same_integers(size: int) -> None:
    data = vectors(21)
    expected = Attributor(classifier(), SMALL).fit(data)
    loader = DataLoader(TensorDataset(*data), batch_size=size)
    assert same(Attributor(classifier(), SMALL).fit(loader), expected)
    assert same(Attributor(classifier(), SMALL).fit(_Rows(data)), expected)


@pytest.mark.parametrize(("task", "data"), [(language_task(), tokens(words=11)), (classifier(), vectors())])
def test_what_is_kept_between_stages_changes_no_integer(task: Task, data: Any) -> None:
    found = []
    for cache_bytes in (0, 6_000, 1 << 28):  # nothing, gradients of some batches, everything
        attributor = Attributor(task, SMALL)
        attributor.runner.cache_bytes = cache_bytes
        found.append((attributor.fit(data).mantissas(), attributor.query(data), attributor.committed))
    for mantissas, queries, committed in found[1:]:
        assert np.array_equal(mantissas, found[0][0])
        assert np.array_equal(queries, found[0][1])
        assert committed == found[0][2]


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    data = vectors(33)
    expected = Attributor(classifier(), SMALL).fit(data)

    class Killed(Exception):  # noqa: N818 (it stands for a signal)
        pass

    for allowed in (1, 2, 40):
        calls: list[str] = []

        def step(done: float, text: str, calls: list[str] = calls, allowed: int = allowed) -> None:
            calls.append(text)
            if len(calls) > allowed:
                raise Killed

        try:
            Attributor(classifier(), SMALL).fit(data, folder=tmp_path, progress=step)
        except Killed:
            continue
    found = Attributor(classifier(), SMALL).fit(data, folder=tmp_path)
    assert same(found, expected)
    with pytest.raises(InvalidInputError, match="another profile or model"):
        Attributor(classifier(), replace(SMALL, damping=0.2)).fit(data, folder=tmp_path)


def test_three_processes_make_the_integers_of_one(tmp_path: Path) -> None:
    expected = Attributor(classifier(), SMALL).fit(vectors(33))
    script = (
        "import sys, torch; torch.set_num_threads(1)\n"
        "from pathlib import Path\n"
        "from tests.workers.influence.models import SMALL, classifier, vectors\n"
        "from workers.influence import Attributor, Shard\n"
        "one = Attributor(classifier(), SMALL)\n"
        "one.fit(vectors(33), folder=Path(sys.argv[1]), shard=Shard(int(sys.argv[2]), 3))\n"
    )
    others = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(i)]) for i in (1, 2)]
    found = Attributor(classifier(), SMALL).fit(vectors(33), folder=tmp_path, shard=Shard(0, 3))
    assert [other.wait(60) for other in others] == [0, 0]
    assert same(found, expected)


def test_a_committed_preconditioner_is_all_that_is_needed() -> None:
    data = vectors()
    fitted = Attributor(classifier(), SMALL)
    index = fitted.fit(data)
    loaded = Attributor.load(classifier(), fitted.committed, SMALL)
    assert loaded.committed == fitted.committed == index.preconditioner
    assert same(loaded.rows(data), index)
    assert np.array_equal(loaded.query(data), fitted.query(data))


def test_a_record_explains_itself_and_shares_sum_to_one() -> None:
    data = vectors(30)
    attributor = Attributor(classifier(), replace(SMALL, dimensions=EVERYTHING))
    index = attributor.fit(data)
    explained = attributor.explain(index, data, top_k=30, is_raw=False)
    scores = attributor.score(index, data)
    for place, found in enumerate(explained):
        assert [one.score for one in found] == sorted(scores[place].tolist(), reverse=True)
        assert sum(one.share for one in found) == pytest.approx(1.0)
    # A query about a record's own label is raised by that record.
    assert all(scores[place, place] > 0 for place in range(30))


def test_without_labels_the_prediction_is_asked_about() -> None:
    inputs, _ = vectors()
    attributor = Attributor(classifier(), SMALL)
    attributor.fit(vectors())
    predicted = perceptron()(inputs).argmax(dim=1)
    assert np.array_equal(attributor.query(inputs), attributor.query((inputs, predicted)))


class _Custom(Task):
    """What a stranger writes."""

    def loss(self, outputs: Tensor, batch: Any) -> Tensor:
        return cross_entropy(outputs, batch[1])


@pytest.mark.parametrize(
    ("task", "data"),
    [
        (language_task(), tokens(12, words=11)),
        (language_task(), (tokens(12, words=11), torch.ones(12, 8))),
        (RegressionTask(perceptron(1)), (vectors(12)[0], torch.rand(12, 1))),
        (EmbeddingTask(perceptron()), (vectors(12)[0], vectors(12)[0].flip(0))),
        (EmbeddingTask(perceptron()), {"anchor": vectors(12)[0], "positive": vectors(12)[0].flip(0)}),
        (_Custom(perceptron()), vectors(12)),
        (ClassificationTask(perceptron(101)), vectors(12, 101)),
    ],
)
def test_every_kind_of_task_runs_in_both_precisions(task: Task, data: Any) -> None:
    for dtype in ("float64", "float32"):
        attributor = Attributor(task, replace(SMALL, dtype=dtype))
        index = attributor.fit(data)
        assert len(index) == 12
        assert index.dimensions == 16
        assert (attributor.score(index, data).diagonal() * np.ones(12)).shape == (12,)


def test_bad_tasks_and_data_are_refused() -> None:
    class Scalar(Task):
        def loss(self, outputs: Tensor, batch: Any) -> Tensor:
            return outputs.sum()

    with pytest.raises(InvalidInputError, match="one number per example"):
        Attributor(Scalar(perceptron()), SMALL).fit(vectors())
    with pytest.raises(InvalidInputError, match="iterated again"):
        Attributor(classifier(), SMALL).fit(iter([vectors()]))
    with pytest.raises(InvalidInputError, match="no records"):
        Attributor(classifier(), SMALL).fit([])
    with pytest.raises(InvalidInputError, match="nothing to attribute"):
        Attributor(ClassificationTask(nn.ReLU()), SMALL)
    with pytest.raises(InvalidInputError, match="not finite"):
        Attributor(classifier(), SMALL).fit((torch.full((4, 4), torch.nan), vectors(4)[1]))
    with pytest.raises(InvalidInputError, match="fit or load"):
        Attributor(classifier(), SMALL).query(vectors())
    with pytest.raises(InvalidInputError, match="folder"):
        Attributor(classifier(), SMALL).fit(vectors(), shard=Shard(1, 2))
