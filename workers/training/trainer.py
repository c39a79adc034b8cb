"""How a classifier is trained so that the same manifest gives the same weight bytes on the same machine.

One thread, deterministic algorithms, every random draw from the recipe's seed, float32 throughout. Other
machines may differ in the last bits: the model's hash, not its retraining, is what the chain binds.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from workers.errors import InvalidInputError
from workers.progress import Progress
from workers.protocol import TrainingRecipe
from workers.training.model import build_model, initialize, scale_features

MAX_STEPS = 10_000_000


def train_classifier(
    features: NDArray[np.uint8], labels: NDArray[np.int64], recipe: TrainingRecipe, progress: Progress
) -> torch.nn.Sequential:
    """Train on `features` (N, n) and `labels` (N,); raises InvalidInputError for an impossible recipe."""
    classes = check_recipe(recipe, labels)
    model = build_model([features.shape[1], *recipe.hidden, classes], recipe.activation)
    initialize(model, torch.Generator().manual_seed(recipe.seed))
    inputs, targets = scale_features(features), torch.from_numpy(labels)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        foreach=False,
    )
    order = np.random.default_rng(recipe.seed)
    for epoch in range(recipe.epochs):
        loss = 0.0
        batches = np.array_split(order.permutation(len(labels)), -(-len(labels) // recipe.batch_size))
        for step, batch in enumerate(batches):
            done = (epoch + step / len(batches)) / recipe.epochs
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
            rows = torch.from_numpy(batch)
            optimizer.zero_grad(set_to_none=True)
            batch_loss = torch.nn.functional.cross_entropy(model(inputs[rows]), targets[rows])
            batch_loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()
            loss += float(batch_loss.detach()) * len(batch)
        progress((epoch + 1) / recipe.epochs, f"epoch {epoch + 1}: loss {loss / len(labels):.4f}")
    return model


def check_recipe(recipe: TrainingRecipe, labels: NDArray[np.int64]) -> int:
    """How many classes the model has; raises InvalidInputError for numbers no training can mean."""
    classes = recipe.classes or int(labels.max()) + 1
    if not int(labels.max()) < classes <= 1_000:
        raise InvalidInputError(f"{classes} classes do not cover label {int(labels.max())} within 1,000")
    if (
        recipe.epochs < 1
        or recipe.batch_size < 1
        or recipe.epochs * len(labels) > MAX_STEPS * recipe.batch_size
    ):
        raise InvalidInputError("epochs or batch size are out of range")
    if not (0 < recipe.learning_rate < 100 and 0 <= recipe.momentum < 1 and 0 <= recipe.weight_decay < 1):
        raise InvalidInputError("learning rate, momentum or weight decay are out of range")
    return classes


def evaluate(
    model: torch.nn.Sequential, features: NDArray[np.uint8], labels: NDArray[np.int64]
) -> tuple[float, float]:
    """Mean loss in nats and accuracy as a fraction."""
    with torch.no_grad():
        logits = model(scale_features(features))
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
        accuracy = (logits.argmax(dim=1).numpy() == labels).mean()
    return float(loss), float(accuracy)
