"""How attribution fares where nobody tuned it: two other data sets, two other architectures.

    OMP_NUM_THREADS=1 python -m benchmarks.attribution.public [--seeds 5]

Breast cancer (569 records, 30 features) with a convolution, layer norm and GELU; diabetes (442 records, 10
features, regression) with a deep tanh network. Settings are the library's defaults, looked at once; truth is
30 halves x 5 retraining seeds, made in the run. Grad-Dot and temperature 1 stand beside for orientation.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes
from torch import Tensor, nn

from benchmarks.attribution.lds import ceiling, interval, lds
from benchmarks.attribution.retraining import Loss, Recipe, train_many
from workers.influence import Attributor, ClassificationTask, Profile, RegressionTask, Task, margin
from workers.influence.fidelity import LowRankCurvature
from workers.influence.profile import PAYING_LIMIT, PAYING_POWER

SUBSETS, RETRAININGS = 30, 5
QUERIES = 120


class Convolutional(nn.Module):
    """A convolution over the features, layer norm, GELU, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv1d(1, 6, 5, stride=3), nn.LayerNorm(54)
        self.head = nn.Sequential(nn.GELU(), nn.Linear(54, 24), nn.GELU(), nn.Linear(24, 2))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 30) to (N, 2)."""
        logits: Tensor = self.head(self.norm(self.convolution(x[:, None]).flatten(1)))
        return logits


def deep() -> nn.Module:
    """Four tanh layers."""
    return nn.Sequential(
        nn.Linear(10, 32),
        nn.Tanh(),
        nn.Linear(32, 32),
        nn.Tanh(),
        nn.Linear(32, 16),
        nn.Tanh(),
        nn.Linear(16, 1),
    )


@dataclass(frozen=True, slots=True)
class Setup:
    """A data set with its model, its loss, what is measured, and tasks by temperature."""

    name: str
    inputs: Tensor
    targets: Tensor
    make: Callable[[], nn.Module]
    loss: Loss
    measure: Loss
    task: Callable[[nn.Module, float], Task]
    recipe: Recipe


def setups() -> list[Setup]:
    """Both, shuffled and standardised."""
    cancer, diabetes = _loaded(load_breast_cancer), _loaded(load_diabetes)
    return [
        Setup(
            "breast cancer, convolution and layer norm",
            cancer[0],
            cancer[1].long(),
            Convolutional,
            nn.functional.cross_entropy,
            margin,
            ClassificationTask,
            Recipe(epochs=40, batch=20, rate=0.05, decay=1e-3),
        ),
        Setup(
            "diabetes, deep tanh regression",
            diabetes[0],
            (diabetes[1] - diabetes[1].mean()) / diabetes[1].std(),
            deep,
            lambda outputs, targets: 0.5 * nn.functional.mse_loss(outputs[:, 0], targets),
            lambda outputs, _: outputs[:, 0],
            lambda model, _: RegressionTask(model),
            Recipe(epochs=40, batch=20, rate=0.02, decay=1e-3),
        ),
    ]


def _loaded(load: Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]]) -> tuple[Tensor, Tensor]:
    inputs, targets = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(inputs))
    x, y = torch.from_numpy(inputs[order]).float(), torch.from_numpy(targets[order]).float()
    return (x - x.mean(dim=0)) / x.std(dim=0), y


def main() -> None:
    """One table per setup."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for setup in setups():
        _report(setup, options.seeds)


def _report(setup: Setup, seeds: int) -> None:
    x, y = setup.inputs[:-QUERIES], setup.targets[:-QUERIES]
    asked, answers = setup.inputs[-QUERIES:], setup.targets[-QUERIES:]
    random = np.random.default_rng(1)
    halves = [random.choice(len(x), len(x) // 2, replace=False) for _ in range(SUBSETS)]
    pairs = [(half, 100 + seed) for half in halves for seed in range(RETRAININGS)]
    trained = _train(setup, x, y, [half for half, _ in pairs], [seed for _, seed in pairs])
    with torch.no_grad():
        measured = np.stack([setup.measure(model(asked), answers).numpy() for model in trained])
    truth = measured.reshape(SUBSETS, RETRAININGS, QUERIES)
    masks = np.zeros((SUBSETS, len(x)), bool)
    for mask, half in zip(masks, halves, strict=True):
        mask[half] = True
    models = _train(setup, x, y, [np.arange(len(x))] * seeds, list(range(seeds)))
    print(f"\n{setup.name}: {len(x)} records, ceiling {ceiling(truth):.3f}, {seeds} model seeds\n")
    print("| method | LDS | ± 95 % | CPU-s |\n| --- | --: | --: | --: |")
    for name, score in METHODS.items():
        values, spent_s = [], []
        for model in models:
            started_s = time.process_time()
            scores = score(setup, model, (x, y), (asked, answers))
            spent_s.append(time.process_time() - started_s)
            values.append(lds(scores, masks, truth.mean(axis=1)))
        print(f"| {name} | {np.mean(values):.3f} | {interval(values):.3f} | {min(spent_s):.3f} |", flush=True)


def _train(
    setup: Setup, x: Tensor, y: Tensor, members: list[NDArray[np.int64]], seeds: list[int]
) -> list[nn.Module]:
    return train_many(setup.make, setup.loss, x, y, members=members, seeds=seeds, recipe=setup.recipe)


Data = tuple[Tensor, Tensor]
Score = Callable[[Setup, nn.Module, Data, Data], NDArray[np.float64]]


def rows(temperature: float, limit: float = 0.0, power: float = 0.0, *, is_raw: bool) -> Score:
    """Integer rows of 512 bytes."""

    def score(setup: Setup, model: nn.Module, train: Data, asked: Data) -> NDArray[np.float64]:
        profile = Profile(dtype="float32", row_limit=limit, row_power=power)
        attributor = Attributor(setup.task(model, temperature), profile)
        index = attributor.fit(train)
        found = attributor.score(index, asked).astype(np.float64)
        return found * np.sqrt(index.self_influence) if is_raw else found

    return score


def low_rank(temperature: float, damping: float) -> Score:
    """Low-rank curvature."""

    def score(setup: Setup, model: nn.Module, train: Data, asked: Data) -> NDArray[np.float64]:
        scorer = LowRankCurvature(setup.task(model, temperature), damping=damping)
        scorer.fit(train)
        return scorer.scores(asked)

    return score


METHODS: dict[str, Score] = {
    "Grad-Dot, temperature 1": low_rank(1.0, 1e9),
    "EK-FAC, temperature 1, int8 k = 512": rows(1.0, is_raw=True),
    "EK-FAC, default, int8 k = 512": rows(0.5, is_raw=True),
    "paying rows, int8 k = 512": rows(0.5, PAYING_LIMIT, PAYING_POWER, is_raw=False),
    "low-rank curvature, default": low_rank(0.5, 10.0),
}

if __name__ == "__main__":
    main()
