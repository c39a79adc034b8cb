"""How near attribution comes to retraining on the LoRA language model (attribution.md, section 3).

    OMP_NUM_THREADS=1 python -m benchmarks.attribution.language_lds [--seeds 5] [--device cpu]

LDS over the 256 evaluation queries and 40 halves; the retraining seeds that the cache holds are printed.
Damping was fixed on the development halves and queries. "Contributor first": how often the contributor with
the largest sum of scores is the one whose text was asked about; beside it the same for leaving contributors
out by retraining. Costs are of fitting and of 64 queries, the design's number; all 320 are scored. At the end
the models' integer scores are added up, those trained on everything and those trained on random halves.
"""

import argparse
import time
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.attribution import language, language_truth
from benchmarks.attribution.lds import ceiling, interval, lds
from workers.influence import Attributor, LanguageModelTask, Profile
from workers.influence.fidelity import LowRankCurvature
from workers.influence.profile import PAYING_LIMIT, PAYING_POWER

Scores = NDArray[np.float64]
PARAMETERS, UPPER_PARAMETERS = 20_736, 13_824
BATCH = 16


def integer_rows(task: LanguageModelTask, dimensions: int, device: str) -> tuple[Scores, Scores]:
    """Scores of integer rows as they pay, and as influence."""
    texts = language.load_texts()
    profile = Profile(
        dimensions=dimensions,
        dtype="float32",
        batch=BATCH,
        row_limit=PAYING_LIMIT,
        row_power=PAYING_POWER,
        damping=FACTOR_DAMPING,
    )
    attributor = Attributor(task, profile, device)
    started_s = time.process_time()
    index = attributor.fit(language.tokens_of(texts.train))
    fitted_s = time.process_time()
    paid = attributor.score(index, language.tokens_of(texts.queries)).astype(np.float64)
    share = COUNTED_QUERIES / len(texts.queries)
    CLOCK.append(fitted_s - started_s + share * (time.process_time() - fitted_s))
    return paid, paid * np.sqrt(index.self_influence)


def low_rank(task: LanguageModelTask, device: str) -> Scores:
    """All 240 Fisher gradients."""
    texts = language.load_texts()
    scorer = LowRankCurvature(task, damping=DAMPING, batch=BATCH, device=device)
    started_s = time.process_time()
    scorer.fit(language.tokens_of(texts.train))
    found = scorer.scores(language.tokens_of(texts.queries))
    CLOCK.append(time.process_time() - started_s)
    return found


def half_member(base: language.ByteGpt, seed: int, device: str) -> Scores:
    """Paying scores of all records by a model trained on a random half of them."""
    tokens = language.tokens_of(language.load_texts().train)
    random = np.random.default_rng(7_700 + seed)
    chosen = np.sort(random.choice(len(tokens), len(tokens) // 2, replace=False))
    model = language.finetune(base, tokens[torch.from_numpy(chosen)], 300 + seed)
    return integer_rows(LanguageModelTask(model), PARAMETERS, device)[0]


class UpperBlocks(LanguageModelTask):
    """The factors of all blocks but the first: backward passes end earlier."""

    def modules(self) -> Mapping[str, nn.Module]:
        """24 of 36 factors."""
        return {
            name: module for name, module in super().modules().items() if not name.startswith("blocks.0.")
        }


DAMPING, FACTOR_DAMPING = 1.0, 0.03
COUNTED_QUERIES = 64
CLOCK: list[float] = []
"""CPU-seconds of the methods' runs, in order."""
PAYING = "paying rows, all coordinates, int8"


def contributor_first(scores: Scores) -> float:
    """Share of evaluation queries whose own contributor has the largest sum."""
    texts = language.load_texts()
    sums = np.stack([scores[:, texts.owners == c].sum(axis=1) for c in range(8)], axis=1)
    evaluated = np.arange(len(texts.queries)) % 5 != 0
    return float((sums.argmax(axis=1) == texts.query_owners)[evaluated].mean())


def main() -> None:
    """One line per method."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    texts, truth, base = language.load_texts(), language_truth.load(), language.load_base()
    evaluated = np.arange(len(texts.queries)) % 5 != 0
    measured = -truth.losses.mean(axis=1)[:, evaluated]
    print(f"{truth.losses.shape[1]} retraining seeds, ceiling {ceiling(truth.losses[:, :, evaluated]):.3f}")
    whole: list[Scores] = []
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(1, options.seeds + 1):
        started_s = time.process_time()
        model = language.finetune(base, language.tokens_of(texts.train), seed)
        print(f"seed {seed}: fine-tuning {time.process_time() - started_s:.1f} CPU-s", flush=True)
        task = LanguageModelTask(model)
        runs = {
            "EK-FAC, all coordinates, int8": lambda t=task: integer_rows(t, PARAMETERS, options.device)[1],
            PAYING: lambda t=task: integer_rows(t, PARAMETERS, options.device)[0],
            "the same, upper two blocks": lambda m=model: integer_rows(
                UpperBlocks(m), UPPER_PARAMETERS, options.device
            )[0],
            "EK-FAC, 1,024 coordinates, int8": lambda t=task: integer_rows(t, 1_024, options.device)[1],
            "low-rank curvature, all 240 gradients": lambda t=task: low_rank(t, options.device),
        }
        for name, run in runs.items():
            scores = run()
            spent_s = CLOCK[-1]
            if name == PAYING:
                whole.append(scores)
            first = contributor_first(scores)
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
    halves = [half_member(base, seed, options.device) for seed in range(options.seeds)]
    for name, members in (("everything", whole), ("random halves", halves)):
        total = np.sum(members, axis=0)
        value = lds(total[evaluated], truth.masks, measured)
        first = contributor_first(total)
        print(f"| {len(members)} models trained on {name}, added up | {value:.3f} | | {first:.3f} | |")


if __name__ == "__main__":
    main()
