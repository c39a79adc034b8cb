"""How the language setup's ground truth is made: adapters trained again on halves and without one
contributor.

    python -m benchmarks.attribution.language_truth   # resumes; about 20 minutes of CPU in all

Evaluation: 40 random halves x 5 seeds; development: 16 other halves x 2 other seeds; leave one contributor
out: 8 x 5 seeds, and 5 on everything. One float32 mean loss per query and run, kept in
`data/language_truth.npz`.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.attribution.language import DATA, chunk_losses, finetune, load_base, load_texts, tokens_of

CACHE = DATA / "language_truth.npz"


@dataclass(frozen=True, slots=True)
class Truth:
    """Masks (S, N) bool and losses (S, seeds, Q) of halves; `without` (8, seeds, Q); `everything` (seeds,
    Q)."""

    masks: NDArray[np.bool_]
    losses: NDArray[np.float32]
    development_masks: NDArray[np.bool_]
    development_losses: NDArray[np.float32]
    without: NDArray[np.float32]
    everything: NDArray[np.float32]


def plan() -> list[tuple[str, int, int, NDArray[np.bool_]]]:
    """(part, row, seed, records kept) of every run, the ones that matter most first."""
    texts = load_texts()
    count = len(texts.train)
    halves = {}
    for part, subsets, start in (("losses", 40, 1), ("development_losses", 16, 2)):
        random = np.random.default_rng(start)
        masks = np.zeros((subsets, count), bool)
        for mask in masks:
            mask[random.choice(count, count // 2, replace=False)] = True
        halves[part] = masks
    everything = np.ones(count, bool)
    runs = []
    for k in range(5):
        runs += [("losses", row, 100 + k, mask) for row, mask in enumerate(halves["losses"])]
        if k < 2:
            rows = enumerate(halves["development_losses"])
            runs += [("development_losses", row, 500 + k, mask) for row, mask in rows]
        runs += [("everything", 0, 100 + k, everything)]
        runs += [("without", c, 100 + k, texts.owners != c) for c in range(8)]
    return runs


def load() -> Truth:
    """The cached truth; a part with fewer seeds than planned keeps what is complete."""
    runs = plan()
    with np.load(CACHE) as cache:
        done, found = int(cache["done"]), cache["found"].astype(np.float32)
    parts: dict[str, dict[tuple[int, int], NDArray[np.float32]]] = {}
    for number, (part, row, seed, _mask) in enumerate(runs[:done]):
        parts.setdefault(part, {})[row, seed] = found[number]

    def stacked(part: str) -> NDArray[np.float32]:
        if part not in parts:
            return np.zeros((1, 0, 0), np.float32)
        rows = sorted({row for row, _ in parts[part]})
        seeds = [
            s
            for s in sorted({seed for _, seed in parts[part]})
            if all((row, s) in parts[part] for row in rows)
        ]
        return np.stack([[parts[part][row, seed] for seed in seeds] for row in rows])

    def masks(part: str) -> NDArray[np.bool_]:
        first = {row: mask for name, row, _seed, mask in runs if name == part}
        return np.stack([first[row] for row in sorted(first)])

    return Truth(
        masks("losses"),
        stacked("losses"),
        masks("development_losses"),
        stacked("development_losses"),
        stacked("without"),
        stacked("everything")[0],
    )


def main(seconds: float = 1_140.0) -> None:
    """Go on with the plan for `seconds`, saving every ten runs and at the end."""
    texts, base = load_texts(), load_base()
    train, queries = tokens_of(texts.train), tokens_of(texts.queries)
    runs, started_s = plan(), time.monotonic()
    found: list[NDArray[np.float32]] = []
    if CACHE.exists():
        with np.load(CACHE) as cache:
            found = list(cache["found"][: int(cache["done"])])
    for part, row, seed, mask in runs[len(found) :]:
        if time.monotonic() - started_s > seconds:
            break
        before_s = time.process_time()
        model = finetune(base, train[torch.from_numpy(mask)], seed)
        with torch.no_grad():
            found.append(chunk_losses(model, queries).numpy().astype(np.float32))
        print(
            part, row, seed, f"{found[-1].mean():.4f} {time.process_time() - before_s:.1f} CPU-s", flush=True
        )
        if len(found) % 10 == 0:
            _save(found)
    _save(found)


def _save(found: list[NDArray[np.float32]]) -> None:
    """The cache, whole or not at all."""
    temporary = CACHE.with_name("language_truth.part.npz")
    np.savez_compressed(temporary, found=np.stack(found), done=len(found))
    temporary.replace(CACHE)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
