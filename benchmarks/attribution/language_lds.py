"""How near attribution comes to retraining on the LoRA language model (attribution.md, section 3).

    OMP_NUM_THREADS=1 python -m benchmarks.attribution.language_lds [--seeds 2] [--device cpu]

LDS over the 256 evaluation queries and 40 halves; the retraining seeds that the cache holds are printed.
"Contributor first": how often the contributor with the largest sum of scores is the one whose text was asked
about, over all 256 queries; beside it the same for leaving contributors out, where the cache holds that.
"""

import argparse
import time

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.attribution import language, language_truth
from benchmarks.attribution.lds import ceiling, interval, lds
from workers.influence import Attributor, LanguageModelTask, Profile
from workers.influence.fidelity import LowRankCurvature

Scores = NDArray[np.float64]
PARAMETERS = 20_736
BATCH = 16


def integer_rows(
    task: LanguageModelTask, dimensions: int, limit: float, device: str
) -> tuple[Scores, Scores]:
    """Scores of integer rows as they pay, and as influence."""
    texts = language.load_texts()
    profile = Profile(dimensions=dimensions, dtype="float32", batch=BATCH, row_limit=limit)
    attributor = Attributor(task, profile, device)
    index = attributor.fit(language.tokens_of(texts.train))
    paid = attributor.score(index, language.tokens_of(texts.queries)).astype(np.float64)
    return paid, paid * np.sqrt(index.self_influence)


def low_rank(task: LanguageModelTask, device: str) -> Scores:
    """All 240 Fisher gradients."""
    texts = language.load_texts()
    scorer = LowRankCurvature(task, damping=DAMPING, batch=BATCH, device=device)
    scorer.fit(language.tokens_of(texts.train))
    return scorer.scores(language.tokens_of(texts.queries))


DAMPING = 1.0


def main() -> None:
    """One line per method."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    texts, truth, base = language.load_texts(), language_truth.load(), language.load_base()
    evaluated = np.arange(len(texts.queries)) % 5 != 0
    measured = -truth.losses.mean(axis=1)[:, evaluated]
    print(f"{truth.losses.shape[1]} retraining seeds, ceiling {ceiling(truth.losses[:, :, evaluated]):.3f}")
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(1, options.seeds + 1):
        started_s = time.process_time()
        model = language.finetune(base, language.tokens_of(texts.train), seed)
        print(f"seed {seed}: fine-tuning {time.process_time() - started_s:.1f} CPU-s", flush=True)
        task = LanguageModelTask(model)
        runs = {
            "EK-FAC, all coordinates, int8": lambda t=task: integer_rows(t, PARAMETERS, 0.0, options.device)[
                1
            ],
            "paying rows, limit 2, all coordinates, int8": lambda t=task: integer_rows(
                t, PARAMETERS, 2.0, options.device
            )[0],
            "EK-FAC, 1,024 coordinates, int8": lambda t=task: integer_rows(t, 1_024, 0.0, options.device)[1],
            "low-rank curvature, all 240 gradients": lambda t=task: low_rank(t, options.device),
        }
        for name, run in runs.items():
            started_s = time.process_time()
            scores = run()
            spent_s = time.process_time() - started_s
            sums = np.stack([scores[:, texts.owners == c].sum(axis=1) for c in range(8)], axis=1)
            first = float((sums.argmax(axis=1) == texts.query_owners)[evaluated].mean())
            value = lds(scores[evaluated], truth.masks, measured)
            found.setdefault(name, []).append((value, first, spent_s))
            print(f"  {name}: {value:.3f}, contributor first {first:.3f}, {spent_s:.2f} CPU-s", flush=True)
    if truth.without.size:
        change = truth.without.mean(axis=1) - truth.everything.mean(axis=0)
        worst = change.argmax(axis=0) == texts.query_owners
        print(f"leaving contributors out finds the own one first for {worst[evaluated].mean():.3f}")
    print("\n| method | LDS | ± 95 % | contributor first | CPU-s |\n| --- | --: | --: | --: | --: |")
    for name, values in found.items():
        column = np.array(values)
        print(
            f"| {name} | {column[:, 0].mean():.3f} | {interval(column[:, 0].tolist()):.3f} | "
            f"{column[:, 1].mean():.3f} | {column[:, 2].min():.2f} |"
        )


if __name__ == "__main__":
    main()
