from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.workers.conftest import RECIPE
from workers.datasets.digits import load_records
from workers.datasets.version import feature_matrix
from workers.determinism import use_determinism
from workers.errors import InvalidInputError, JobCancelledError
from workers.progress import silent
from workers.protocol import TrainingRecipe
from workers.training.model import build_model, encode_weights, load_weights
from workers.training.trainer import check_recipe, evaluate, train_classifier

RECORDS = load_records(1)[:120]
FEATURES = feature_matrix(RECORDS)
LABELS = np.array([record.label for record in RECORDS])


def test_same_recipe_same_bytes_whatever_ran_before() -> None:
    use_determinism()
    first = encode_weights(train_classifier(FEATURES, LABELS, RECIPE, silent))
    torch.manual_seed(99)
    torch.rand(3)
    assert encode_weights(train_classifier(FEATURES, LABELS, RECIPE, silent)) == first
    assert encode_weights(train_classifier(FEATURES, LABELS, replace(RECIPE, seed=2), silent)) != first


def test_it_learns_and_tells_how_far_it_is() -> None:
    heard: list[float] = []
    model = train_classifier(
        FEATURES, LABELS, replace(RECIPE, epochs=60), lambda done, text: heard.append(done)
    )
    assert evaluate(model, FEATURES, LABELS)[1] > 0.9
    assert heard == [(epoch + 1) / 60 for epoch in range(60)]


def test_cancelling_stops_it() -> None:
    def cancel(done: float, text: str) -> None:
        raise JobCancelledError(text)

    with pytest.raises(JobCancelledError):
        train_classifier(FEATURES, LABELS, RECIPE, cancel)


@pytest.mark.parametrize(
    "change",
    [
        {"classes": 9},
        {"classes": 5_000},
        {"epochs": 0},
        {"epochs": 10**9},
        {"batch_size": 0},
        {"learning_rate": float("nan")},
        {"momentum": 1.0},
        {"weight_decay": -1.0},
    ],
)
def test_impossible_recipes_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError):
        check_recipe(replace(TrainingRecipe(), **change), LABELS)  # type: ignore[arg-type]  # ints and floats


@pytest.mark.parametrize(("widths", "activation"), [([4], "relu"), ([4, 0], "relu"), ([4, 2], "tanh")])
def test_impossible_models_are_refused(widths: list[int], activation: str) -> None:
    with pytest.raises(InvalidInputError):
        build_model(widths, activation)


def test_weights_of_another_model_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        load_weights(build_model([4, 2], "relu"), encode_weights(build_model([4, 3], "relu")))
