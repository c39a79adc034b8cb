"""How exactly replay predicts what a run without 1 % of its records would have said: the same seed and order.

    OMP_NUM_THREADS=1 python -m benchmarks.attribution.audit [--rate .03 --decay .003 --epochs 60]

The smooth recipe is GELU, a gentle rate, more epochs and labels smoothed by .1, which keeps gradients of
learnt records from vanishing. LDS over 50 random drops of ten digits (trained again with weights of zero,
all at once), and the accuracy of the smooth recipe beside the ordinary one, both over eight seeds and 600
held-out digits.
"""

import argparse
import time

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.attribution import digits
from benchmarks.attribution.lds import lds
from benchmarks.attribution.retraining import Recipe, build, train_many
from workers.influence import margin
from workers.influence.replay import Replay, SmoothRecipe

DROPS, DROPPED = 50, 10
SMOOTHING = 0.1


def smooth() -> nn.Module:
    """The setup's network with GELU."""
    return nn.Sequential(nn.Linear(64, 48), nn.GELU(), nn.Linear(48, 32), nn.GELU(), nn.Linear(32, 10))


def losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy with smoothed labels, one by one."""
    return nn.functional.cross_entropy(logits, labels, reduction="none", label_smoothing=SMOOTHING)


def accuracy(recipe: Recipe, *, is_smooth: bool) -> float:
    """Mean over eight seeds."""
    data = digits.load()
    queries = torch.cat([data.evaluation.queries, data.development.queries])
    labels = torch.cat([data.evaluation.labels, data.development.labels])
    models = train_many(
        smooth if is_smooth else digits.make_model,
        (lambda outputs, targets: losses(outputs, targets).mean()) if is_smooth else digits.loss,
        data.inputs,
        data.labels,
        members=[np.arange(digits.TRAIN)] * 8,
        seeds=list(range(8)),
        recipe=recipe,
    )
    with torch.no_grad():
        return float(np.mean([(model(queries).argmax(dim=1) == labels).float().mean() for model in models]))


def main() -> None:
    """Three lines."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=0.03)
    parser.add_argument("--decay", type=float, default=0.003)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--queries", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe = SmoothRecipe(epochs=options.epochs, rate=options.rate, decay=options.decay)
    plain = Recipe(options.epochs, recipe.batch, recipe.rate, recipe.momentum, recipe.decay, is_cosine=True)
    print(f"accuracy: ordinary {accuracy(digits.RECIPE, is_smooth=False):.4f}, smooth ", end="", flush=True)
    print(f"{accuracy(plain, is_smooth=True):.4f}")
    data = digits.load()
    split = data.evaluation
    replay = Replay(build(smooth, 1), losses, data.inputs, data.labels, recipe)
    started_s = time.process_time()
    replay.train()
    training_s, started_s = time.process_time() - started_s, time.process_time()
    queries, labels = split.queries[: options.queries], split.labels[: options.queries]
    scores = replay.scores(margin, queries, labels)
    print(
        f"{options.queries} queries: {time.process_time() - started_s:.1f} CPU-s; training {training_s:.1f}"
    )
    random, masks = np.random.default_rng(1), np.ones((DROPS, digits.TRAIN), bool)
    for mask in masks:
        mask[random.choice(digits.TRAIN, DROPPED, replace=False)] = False
    trained = replay.train_without(torch.from_numpy(masks).float())
    with torch.no_grad():
        truth = np.stack([margin(replay.load(one)(queries), labels).numpy() for one in trained])
    print(f"LDS of {DROPS} drops of {DROPPED} records: {lds(scores, masks, truth):.3f}")


if __name__ == "__main__":
    main()
