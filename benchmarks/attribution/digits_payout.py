"""Who gets paid? Five contributors of 300 digits, 60 queries, one batch; the fifth plays a role.

    OMP_NUM_THREADS=1 python -m benchmarks.attribution.digits_payout [--seeds 1 2 3]

Contributors 1 to 3 are clean, the fourth has a quarter of its labels wrong. Shares are parts of the amounts
paid with the default policy (similarity, significance); 0.2 would be an equal share. `z` is the fifth's
significance √k·cos(v, Q), `wrong` the mean score of wrong-label records over that of clean ones, per record.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from genesis.policy import DEFAULT_POLICY
from genesis.shares import significant_score
from workers.attribution.index import Rows, sums_of
from workers.attribution.numerics import exact_dots, weighted_query
from workers.attribution.profile import paid_profile, paid_task
from workers.attribution.scoring import record_scores
from workers.datasets.canonical import canonical_indices
from workers.datasets.digits import CLASSES, PART_RECORDS, DigitsParts, add_noise, demo_parts
from workers.datasets.records import Record
from workers.datasets.sketch import sketches_of
from workers.datasets.version import feature_matrix
from workers.influence import Attributor
from workers.jobs.types import DEFAULT_RECIPE
from workers.progress import silent
from workers.training.model import scale_features
from workers.training.trainer import train_classifier, use_determinism

DIMENSIONS = 512
QUERIES = 60
Role = Callable[[DigitsParts, np.random.Generator], list[Record]]


def _copies(noise: float) -> Role:
    return lambda parts, random: [add_noise(record, noise, random) for record in parts.parts[0]]


def _noise(parts: DigitsParts, random: np.random.Generator) -> list[Record]:
    return [
        Record(random.integers(0, 256, 64, dtype=np.uint8).tobytes(), int(random.integers(CLASSES)))
        for _ in range(PART_RECORDS)
    ]


def _mislabelled(parts: DigitsParts, random: np.random.Generator) -> list[Record]:
    return [
        Record(record.features, (record.label + int(random.integers(1, CLASSES))) % CLASSES)
        for record in _copies(0.25)(parts, random)
    ]


ROLES: dict[str, Role] = {
    "copy of the first, noise 0.02": _copies(0.02),
    "copy of the first, noise 0.05": _copies(0.05),
    "copy of the first, noise 0.25": _copies(0.25),
    "uniform noise, random labels": _noise,
    "noisy copy, all labels wrong": _mislabelled,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Shares (5,), the fifth's z, the ratio for wrong labels, CPU-seconds of index and scores."""

    shares: NDArray[np.float64]
    z: float
    wrong: float
    cpu_s: float


def main() -> None:
    """Print one line per role and seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    use_determinism()
    print(f"{'fifth contributor':32} seed  shares of 1 to 5                      z     wrong  CPU-s")
    for name, role in ROLES.items():
        for seed in parser.parse_args().seeds:
            outcome = _run(role, seed)
            shares = " ".join(f"{share:.3f}" for share in outcome.shares)
            print(
                f"{name:32} {seed:4}  {shares}  {outcome.z:6.1f}  {outcome.wrong:6.2f}  {outcome.cpu_s:.3f}",
                flush=True,
            )


def _run(role: Role, seed: int) -> Outcome:
    parts = demo_parts(seed)
    records = [record for part in parts.parts[:4] for record in part]
    records += role(parts, np.random.default_rng([seed, 2]))
    features = feature_matrix(records)
    labels = np.array([record.label for record in records], dtype=np.int64)
    indices = canonical_indices(sketches_of(features), range(len(records)), DEFAULT_POLICY.similarity_ppm)
    canonical = np.array(indices, dtype=np.int64)
    kept = canonical == np.arange(len(records))
    model = train_classifier(
        features[kept], labels[kept], replace(DEFAULT_RECIPE, seed=seed, classes=CLASSES), silent
    )
    start_s = time.process_time()
    inputs = scale_features(features)
    attributor = Attributor(paid_task(model), paid_profile(DIMENSIONS))
    targets, used = torch.from_numpy(labels), torch.from_numpy(kept)
    index = attributor.fit((inputs[used], targets[used]), records=(inputs, targets))
    owners = np.repeat(np.arange(5), PART_RECORDS)
    rows = Rows(index.mantissas(), index.exponents(), canonical, owners, index.self_influence)
    sums = sums_of(rows, [bytes([i]) * 20 for i in range(5)])  # type: ignore[misc]  # bytes are addresses here
    asked = attributor.query(scale_features(feature_matrix(parts.holdout[:QUERIES])))
    query = weighted_query(asked, [10**9] * QUERIES)
    raw = exact_dots(sums.vectors, query)
    spent_s = time.process_time() - start_s
    norm = sum(value * value for value in query)
    counted = [
        max(0, significant_score(score, own, norm, DIMENSIONS, DEFAULT_POLICY.significance_ppm))
        for score, own in zip(raw, sums.norms_squared, strict=True)
    ]
    per_record = np.array(record_scores(rows, query), dtype=np.float64)
    wrong = 3 * PART_RECORDS + np.array(parts.wrong_indices)
    clean = np.setdiff1d(np.arange(4 * PART_RECORDS), wrong)
    return Outcome(
        shares=np.array(counted, dtype=np.float64) / sum(counted),
        z=float(np.sqrt(DIMENSIONS) * raw[4] / max(1.0, np.sqrt(float(sums.norms_squared[4]) * norm))),
        wrong=float(per_record[wrong].mean() / per_record[clean].mean()),
        cpu_s=spent_s,
    )


if __name__ == "__main__":
    main()
