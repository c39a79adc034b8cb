"""What the digits setup is (attribution.md, section 2), and how its ground truth is made and cached.

1,000 training digits, 300 queries for evaluation, 300 others for choosing settings; MLP 64-48-32-10 with
ReLU, standardised pixels, SGD with momentum .9, rate .05,
batches of 100, weight decay 5e-4, 40 epochs: the recipe under which plain EK-FAC has the LDS that the design
measured (.53), since the design gives no batch, decay or scaling. Truth for evaluation: 50 random halves x
20 seeds; for development: 25 other halves x 10 other seeds. What is measured is the margin log p/(1-p) of
the true class, averaged over the seeds.

    python -m benchmarks.attribution.digits     # about two minutes of CPU; writes data/digits.npz
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.attribution.retraining import Recipe, train_many, train_one

DATA = Path(__file__).parent / "data" / "digits.npz"
RECIPE = Recipe(batch=100, decay=5e-4)
TRAIN, QUERIES = 1_000, 300
EVALUATION_SUBSETS, EVALUATION_SEEDS = 50, 20
DEVELOPMENT_SUBSETS, DEVELOPMENT_SEEDS = 25, 10


@dataclass(frozen=True, slots=True)
class Split:
    """Queries (Q, 64), true labels (Q,), masks (S, N) bool, margins (S, seeds, Q) float32."""

    queries: Tensor
    labels: Tensor
    masks: NDArray[np.bool_]
    margins: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Digits:
    """Inputs (1000, 64) float32, standardised, labels (1000,), and the two splits."""

    inputs: Tensor
    labels: Tensor
    development: Split
    evaluation: Split


def make_model() -> nn.Module:
    """The classifier with PyTorch's default start."""
    return nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 10))


def loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy."""
    return nn.functional.cross_entropy(logits, labels)


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    """(Q,): log p/(1-p) of the label, without cancellation."""
    chosen = nn.functional.one_hot(labels, logits.shape[-1]).bool()
    own = logits.gather(-1, labels[:, None])[:, 0]
    return own - logits.masked_fill(chosen, -torch.inf).logsumexp(dim=-1)


def standardised(pixels: NDArray[np.uint8]) -> Tensor:
    """Pixels 0..16 by the training digits' mean and deviation, pixel by pixel."""
    inputs = torch.from_numpy(pixels).float() / 16
    kept = inputs[:TRAIN]
    return (inputs - kept.mean(dim=0)) / (kept.std(dim=0) + 0.01)


def train(seed: int) -> tuple[nn.Module, float]:
    """One model on all training digits, and its CPU-seconds."""
    data = load()
    return train_one(make_model, loss, data.inputs, data.labels, seed=seed, recipe=RECIPE)


def load() -> Digits:
    """The cached setup."""
    with np.load(DATA) as cache:
        inputs, labels = standardised(cache["pixels"]), torch.from_numpy(cache["labels"])
        splits = {}
        for name, first in (("evaluation", TRAIN), ("development", TRAIN + QUERIES)):
            masks = np.unpackbits(cache[f"{name}_masks"], axis=1)[:, :TRAIN].astype(bool)
            chosen = slice(first, first + QUERIES)
            splits[name] = Split(
                inputs[chosen], labels[chosen], masks, cache[f"{name}_margins"].astype(np.float32)
            )
    return Digits(inputs[:TRAIN], labels[:TRAIN], splits["development"], splits["evaluation"])


def make() -> None:
    """Train everything again and write the cache."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 (only making the cache needs it)

    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    pixels, labels = pixels[order].astype(np.uint8), labels[order].astype(np.int64)
    inputs, targets = standardised(pixels), torch.from_numpy(labels)
    cache = {"pixels": pixels, "labels": labels}
    for name, subsets, seeds, first, start in (
        ("evaluation", EVALUATION_SUBSETS, EVALUATION_SEEDS, TRAIN, 1_000),
        ("development", DEVELOPMENT_SUBSETS, DEVELOPMENT_SEEDS, TRAIN + QUERIES, 2_000),
    ):
        random = np.random.default_rng(start)
        chosen = [np.sort(random.choice(TRAIN, TRAIN // 2, replace=False)) for _ in range(subsets)]
        masks = np.zeros((subsets, TRAIN), bool)
        found = np.zeros((subsets, seeds, QUERIES), np.float32)
        for subset in range(0, subsets, 5):
            group = [(s, k) for s in range(subset, min(subset + 5, subsets)) for k in range(seeds)]
            models = train_many(
                make_model,
                loss,
                inputs,
                targets,
                members=[chosen[s] for s, _ in group],
                seeds=[start + k for _, k in group],
                recipe=RECIPE,
            )
            for (s, k), model in zip(group, models, strict=True):
                masks[s, chosen[s]] = True
                with torch.no_grad():
                    queries = slice(first, first + QUERIES)
                    found[s, k] = margins(model(inputs[queries]), targets[queries]).numpy()
            print(name, subset, flush=True)
        cache[f"{name}_masks"] = np.packbits(masks, axis=1)
        cache[f"{name}_margins"] = found.astype(np.float16)
    np.savez_compressed(DATA, **cache)


if __name__ == "__main__":
    torch.set_num_threads(1)
    make()
