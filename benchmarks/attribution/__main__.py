"""How near attribution comes to retraining on the digits setup, beside the peers, in one run.

    OMP_NUM_THREADS=1 python -m benchmarks.attribution [--device cuda] [--seeds 5] [--peers PYTHON]

LDS on the evaluation split (50 halves x 20 retraining seeds) is a mean over model seeds with its 95 %
interval; settings were fixed on the development split. CPU-seconds are the least over the seeds, also as a
ratio to one training run; ensembles' do not count training their members. `--peers` names the Python of an
environment with kronfluence, dattri and traker (README.md). Needs torch, numpy and this repository's
`workers`; no node.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.attribution import digits
from benchmarks.attribution.lds import Row, lds, table
from benchmarks.attribution.retraining import train_many
from workers.influence import Attributor, ClassificationTask, Profile
from workers.influence.fidelity import ConjugateGradients, Ensemble, LowRankCurvature, Scorer
from workers.influence.profile import PAYING_LIMIT, PAYING_POWER

Scores = NDArray[np.float64]
Method = Callable[[nn.Module, str], Scores]
HALF_TEMPERATURE, HALF_DAMPING = 0.5, 5.0
"""Of ensembles whose members were trained on halves; chosen on the development split."""


def ekfac(
    dimensions: int,
    temperature: float = 0.5,
    *,
    is_raw: bool = True,
    is_paying: bool = False,
    dtype: str = "float32",
) -> Method:
    """Integer rows, `is_raw` times what they were divided by."""

    def method(model: nn.Module, device: str) -> Scores:
        data, split = digits.load(), digits.load().evaluation
        profile = Profile(dimensions=dimensions, dtype=dtype)
        if is_paying:
            profile = replace(profile, row_limit=PAYING_LIMIT, row_power=PAYING_POWER)
        attributor = Attributor(ClassificationTask(model, temperature), profile, device)
        started_s = time.process_time()
        index = attributor.fit((data.inputs, data.labels))
        scores = attributor.score(index, (split.queries, split.labels)).astype(np.float64)
        found: Scores = scores * np.sqrt(index.self_influence) if is_raw else scores
        CLOCK.append(time.process_time() - started_s)
        return found

    return method


def scorer(make: Callable[[nn.Module, str], Scorer]) -> Method:
    """A fidelity method."""

    def method(model: nn.Module, device: str) -> Scores:
        data, split = digits.load(), digits.load().evaluation
        one = make(model, device)
        started_s = time.process_time()
        one.fit((data.inputs, data.labels))
        found = one.scores((split.queries, split.labels))
        CLOCK.append(time.process_time() - started_s)
        return found

    return method


CLOCK: list[float] = []
"""CPU-seconds of the methods' runs, in order."""

METHODS: dict[str, Method] = {
    "Grad-Dot": scorer(lambda m, d: LowRankCurvature(ClassificationTask(m, 1.0), damping=1e9, device=d)),
    "EK-FAC, temperature 1, int8 k = 512": ekfac(512, 1.0),
    "EK-FAC, temperature 1, all 5,018": ekfac(5_018, 1.0),
    "**EK-FAC, temperature ½, int8 k = 512** (default)": ekfac(512),
    "the same in float64 (the node's)": ekfac(512, dtype="float64"),
    "the same, all 5,018": ekfac(5_018),
    "**paying rows**, int8 k = 512": ekfac(512, is_raw=False, is_paying=True),
    "RelatIF rows (limit 0), int8 k = 512": ekfac(512, is_raw=False),
    "**low-rank curvature**, 1,000 directions": scorer(
        lambda m, d: LowRankCurvature(ClassificationTask(m), device=d)
    ),
    "EK-FAC-preconditioned CG, 4 steps": scorer(
        lambda m, d: ConjugateGradients(ClassificationTask(m), Profile(dtype="float32"), device=d)
    ),
}


def ten(is_half: bool) -> Callable[[Sequence[nn.Module], str], Scores]:
    """Ten models together."""

    def method(models: Sequence[nn.Module], device: str) -> Scores:
        data, split = digits.load(), digits.load().evaluation
        temperature, damping = (HALF_TEMPERATURE, HALF_DAMPING) if is_half else (0.5, 10.0)
        ensemble = Ensemble(
            LowRankCurvature(
                ClassificationTask(model, temperature), directions=400, damping=damping, device=device
            )
            for model in models
        )
        started_s = time.process_time()
        ensemble.fit((data.inputs, data.labels))
        found = ensemble.scores((split.queries, split.labels))
        CLOCK.append(time.process_time() - started_s)
        return found

    return method


def members(seed: int, is_half: bool) -> list[nn.Module]:
    """Ten models, each on all digits or on a random half of its own."""
    data = digits.load()
    random = np.random.default_rng(9_000 + seed)
    count = digits.TRAIN // 2 if is_half else digits.TRAIN
    return train_many(
        digits.make_model,
        digits.loss,
        data.inputs,
        data.labels,
        members=[random.choice(digits.TRAIN, count, replace=False) for _ in range(10)],
        seeds=[3_000 + 10 * seed + i for i in range(10)],
        recipe=digits.RECIPE,
    )


def measured(name: str, models: int, runs: Sequence[Callable[[], Scores]], training_s: float) -> Row:
    """One line of the table."""
    split = digits.load().evaluation
    CLOCK.clear()
    values = [lds(run(), split.masks, split.margins.mean(axis=1)) for run in runs]
    return Row(name, models, values, min(CLOCK), training_s)


def peers(python: str, seeds: int, training_s: float) -> list[Row]:
    """What kronfluence, dattri and traker give, run by their own environment on models trained the same
    way."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [python, "-m", "benchmarks.attribution.peers", folder, str(seeds)], check=True, timeout=1_100
        )
        split = digits.load().evaluation
        rows = []
        for line in (Path(folder) / "index.jsonl").read_text().splitlines():
            entry = json.loads(line)
            values = [
                lds(np.load(Path(folder) / name).astype(np.float64), split.masks, split.margins.mean(axis=1))
                for name in entry["files"]
            ]
            rows.append(Row(entry["name"], entry["models"], values, entry["cpu_s"], training_s))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--peers", default="")
    options = parser.parse_args()
    torch.set_num_threads(1)
    trained = [digits.train(seed) for seed in range(options.seeds + 1)][1:]  # the first one warms up
    training_s = min(spent_s for _, spent_s in trained)
    ekfac(512)(trained[0][0], options.device)
    rows = [
        measured(
            name, 1, [lambda m=model, f=method: f(m, options.device) for model, _ in trained], training_s
        )
        for name, method in METHODS.items()
    ]
    for label, is_half in (("trained on everything", False), ("trained on random halves", True)):
        groups = [members(seed, is_half) for seed in range(options.seeds)]
        run = ten(is_half)
        rows.append(
            measured(
                f"**low-rank curvature, 400 directions**, {label}",
                10,
                [lambda g=group, f=run: f(g, options.device) for group in groups],
                training_s,
            )
        )
    if options.peers:
        rows += peers(options.peers, options.seeds, training_s)
    print(f"{options.device}, {options.seeds} model seeds; one training run {training_s:.2f} CPU-s\n")
    print(table(rows))


if __name__ == "__main__":
    main()
