"""How faithful are the scores? Linear datamodeling score on digits, beside the price in CPU-seconds.

Set-up of attribution.md, section 2: 1,000 training digits, 300 held-out queries, random half-subsets, several
retrainings per subset. LDS = mean over queries of Spearman(sum of scores over the subset, mean margin of the
retrained models); the margin is that of the class which the full model predicts.

    OMP_NUM_THREADS=1 python -m benchmarks.attribution.digits_lds [--subsets 50] [--seeds 4]

More seeds per subset raise every number (attribution.md: a factor of 0.63 with one seed against twenty), so
the seeds and the split-half ceiling are printed with it.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from workers.attribution.attributor import EkfacAttributor
from workers.attribution.ekfac import fit_curvature
from workers.attribution.features import build_preconditioner, query_features, row_features
from workers.attribution.numerics import row_integers
from workers.attribution.task import ClassifierTask, log_likelihood_gradient, margin_gradient
from workers.datasets.digits import load_records
from workers.jobs.types import DEFAULT_RECIPE, TrainingRecipe
from workers.progress import silent
from workers.training.model import scale_features
from workers.training.trainer import train_classifier, use_determinism

Matrix = NDArray[np.float64]
TRAIN_RECORDS = 1_000
QUERIES = 300


@dataclass(frozen=True, slots=True)
class Problem:
    """Training pixels (N, 64) and labels (N,), queries' pixels (Q, 64) and true labels (Q,)."""

    inputs: NDArray[np.uint8]
    targets: NDArray[np.int64]
    queries: NDArray[np.uint8]
    query_labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Truth:
    """`masks` (subsets, N) of 0 and 1; `margins` (subsets, seeds, models, queries) of retrained models."""

    masks: Matrix
    margins: Matrix

    def ceiling(self) -> float:
        """What a perfect score could reach: split-half reliability over the seeds, Spearman-Brown, root."""
        half = self.margins.shape[1] // 2
        first, second = self.margins[:, :half].mean(axis=1), self.margins[:, half:].mean(axis=1)
        models = range(self.margins.shape[2])
        reliability = float(np.mean([lds(first[:, m], second[:, m]) for m in models]))
        return float(np.sqrt(2 * reliability / (1 + reliability)))


def main() -> None:
    """Print one line per method."""
    options = _arguments()
    use_determinism()
    recipe = replace(
        DEFAULT_RECIPE, activation=options.activation, weight_decay=options.weight_decay, classes=10
    )
    problem = _digits()
    recipes = [replace(recipe, seed=seed) for seed in range(1, options.models + 1)]
    models = [train_classifier(problem.inputs, problem.targets, one, silent) for one in recipes]
    predictions = [_logits(model, problem.queries).argmax(dim=1) for model in models]
    accuracy = np.mean([(problem.query_labels == one.numpy()).mean() for one in predictions])
    start_s = time.process_time()
    truth = _retrain(problem, predictions, options, recipe)
    print(recipe)
    print(
        f"accuracy {accuracy:.3f}; {options.subsets} half-subsets x {options.seeds} seeds in "
        f"{time.process_time() - start_s:.0f} CPU-s; ceiling {truth.ceiling():.3f}"
    )
    print(f"{'method':42} {'LDS':>6} {'CPU-s':>7}")
    for name, method in METHODS.items():
        value, spent_s = _measure(method, models, truth, problem)
        print(f"{name:42} {value:6.3f} {spent_s:7.3f}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--subsets", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--models", type=int, default=3, help="scored models to average LDS over")
    parser.add_argument("--activation", default=DEFAULT_RECIPE.activation)
    parser.add_argument("--weight-decay", type=float, default=DEFAULT_RECIPE.weight_decay)
    return parser.parse_args()


def _measure(
    method: "Method",
    models: list[torch.nn.Sequential],
    truth: Truth,
    problem: Problem,
) -> tuple[float, float]:
    """LDS averaged over models, CPU-seconds of the fastest."""
    margins = truth.margins.mean(axis=1)
    values, spent_s = [], []
    for number, model in enumerate(models):
        start_s = time.process_time()
        scores = method(model, problem)
        spent_s.append(time.process_time() - start_s)
        values.append(lds(truth.masks @ scores, margins[:, number]))
    return float(np.mean(values)), min(spent_s)


def _digits() -> Problem:
    records = load_records(0)
    joined = np.frombuffer(b"".join(record.features for record in records), dtype=np.uint8)
    pixels = joined.reshape(len(records), -1)
    labels = np.array([record.label for record in records], dtype=np.int64)
    return Problem(
        inputs=pixels[:TRAIN_RECORDS],
        targets=labels[:TRAIN_RECORDS],
        queries=pixels[-QUERIES:],
        query_labels=labels[-QUERIES:],
    )


def _logits(model: torch.nn.Sequential, features: NDArray[np.uint8]) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model(scale_features(features)).double()
    return logits


def _margin(logits: torch.Tensor, labels: torch.Tensor) -> Matrix:
    chosen = torch.nn.functional.one_hot(labels, logits.shape[1]).bool()
    others = logits.masked_fill(chosen, -torch.inf).logsumexp(dim=1)
    margin: Matrix = (logits.gather(1, labels[:, None])[:, 0] - others).numpy()
    return margin


def _retrain(
    problem: Problem,
    predictions: list[torch.Tensor],
    options: argparse.Namespace,
    recipe: TrainingRecipe,
) -> Truth:
    random = np.random.default_rng(7)
    masks = np.zeros((options.subsets, len(problem.inputs)))
    margins = np.zeros((options.subsets, options.seeds, len(predictions), len(problem.queries)))
    for subset in range(options.subsets):
        chosen = random.choice(TRAIN_RECORDS, TRAIN_RECORDS // 2, replace=False)
        masks[subset, chosen] = 1.0
        for seed in range(options.seeds):
            one = replace(recipe, seed=1_000 + seed)
            model = train_classifier(problem.inputs[chosen], problem.targets[chosen], one, silent)
            logits = _logits(model, problem.queries)
            margins[subset, seed] = [_margin(logits, labels) for labels in predictions]
    return Truth(masks, margins)


def lds(predicted: Matrix, truth: Matrix) -> float:
    """Mean over queries (columns) of the Spearman correlation over subsets (rows)."""
    ranks = [rankdata(matrix, axis=0) for matrix in (predicted, truth)]
    centred = [(rank - rank.mean(axis=0)) / np.maximum(rank.std(axis=0), 1e-12) for rank in ranks]
    return float((centred[0] * centred[1]).mean(axis=0).mean())


# --- Methods: scores (N, queries) -------------------------------------------------------------------------


def _grad_dot(model: torch.nn.Sequential, problem: Problem) -> Matrix:
    task = ClassifierTask(model)
    records, asked = task.run(scale_features(problem.inputs)), task.run(scale_features(problem.queries))
    left = records.output_gradients(
        log_likelihood_gradient(records.logits, torch.from_numpy(problem.targets))
    )
    right = asked.output_gradients(margin_gradient(asked.logits, asked.logits.argmax(dim=1)))
    total = sum(
        (a @ b.T) * (c @ d.T)
        for a, b, c, d in zip(left, right, records.layer_inputs, asked.layer_inputs, strict=True)
    )
    assert isinstance(total, torch.Tensor)
    scores: Matrix = total.numpy()
    return scores


def _ekfac_float(dimensions: int, is_normalised: bool) -> "Method":
    def method(model: torch.nn.Sequential, problem: Problem) -> Matrix:
        task = ClassifierTask(model)
        records = task.run(scale_features(problem.inputs))
        fitted = build_preconditioner(fit_curvature(records), dimensions, records)
        rows, influence = row_features(records, torch.from_numpy(problem.targets), fitted)
        scale = 1.0 if is_normalised else np.sqrt(influence)[:, None]
        scores: Matrix = (rows * scale) @ query_features(task.run(scale_features(problem.queries)), fitted).T
        return scores

    return method


def _ekfac_integers(dimensions: int, is_normalised: bool) -> "Method":
    def method(model: torch.nn.Sequential, problem: Problem) -> Matrix:
        task = ClassifierTask(model)
        attributor = EkfacAttributor.fit(task, scale_features(problem.inputs), dimensions)
        mantissas, exponents, influence = attributor.rows(
            scale_features(problem.inputs), torch.from_numpy(problem.targets)
        )
        asked = attributor.queries(scale_features(problem.queries)).astype(np.float64)
        scale = 1.0 if is_normalised else np.sqrt(influence)[:, None]
        scores: Matrix = (row_integers(mantissas, exponents).astype(np.float64) @ asked.T) * scale
        return scores

    return method


Method = Callable[[torch.nn.Sequential, Problem], Matrix]

METHODS: dict[str, Method] = {
    "Grad-Dot": _grad_dot,
    "EK-FAC exact Fisher, all 5,018, float64": _ekfac_float(5_018, is_normalised=False),
    "the same, int8, k = 1,024": _ekfac_integers(1_024, is_normalised=False),
    "the same, int8, k = 512 (explains)": _ekfac_integers(512, is_normalised=False),
    "RelatIF, all 5,018, float64": _ekfac_float(5_018, is_normalised=True),
    "RelatIF, int8, k = 512 (pays)": _ekfac_integers(512, is_normalised=True),
}

if __name__ == "__main__":
    main()
