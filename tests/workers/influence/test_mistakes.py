"""What a newcomer does wrong first is told in words, and what need not be wrong works."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tests.workers.influence.models import SMALL, classifier, vectors
from workers.errors import InvalidInputError
from workers.influence import Attributor, ClassificationTask, Task

INPUTS, LABELS = vectors(40)


class _Mean(Task):
    def loss(self, outputs: Any, batch: Any) -> Tensor:
        return nn.functional.cross_entropy(outputs, batch[1])


@pytest.mark.parametrize(
    ("task", "data", "words"),
    [
        (_Mean(classifier().model), (INPUTS, LABELS), "one number per example"),
        (
            classifier(),
            DataLoader(TensorDataset(INPUTS, LABELS), batch_size=8, shuffle=True),
            "without shuffling",
        ),
        (classifier(), INPUTS, "inputs, labels"),
        (classifier(), (INPUTS, LABELS.float()), "numbers of classes"),
        (classifier(), [(INPUTS[0], LABELS[0])], "one example stands where a batch"),
        (classifier(), [("a", "b")], "made of tensors"),
        (classifier(), (INPUTS, LABELS[1:]), "different lengths"),
        (classifier(), (one for one in [(INPUTS, LABELS)]), "iterated again"),
    ],
)
def test_it_is_told(task: Task, data: Any, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        Attributor(task, SMALL).fit(data)


def test_a_model_of_other_layers_has_nothing_to_attribute() -> None:
    with pytest.raises(InvalidInputError, match="nothing to attribute"):
        Attributor(ClassificationTask(nn.GRU(4, 2)))


def test_numpy_and_narrow_labels_are_taken_as_they_are() -> None:
    attributor = Attributor(classifier(), SMALL)
    index = attributor.fit((INPUTS, LABELS))
    other = Attributor(classifier(), SMALL).fit((INPUTS.numpy(), LABELS.int().numpy()))
    assert np.array_equal(index.mantissas(), other.mantissas())
    assert np.array_equal(
        attributor.query(INPUTS.numpy()), attributor.query([(INPUTS[:30],), (INPUTS[30:],)])
    )
    assert repr(index) == f"FeatureIndex(40 records, {SMALL.dimensions} coordinates)"


def test_what_is_left_out_is_named() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.factor = nn.Linear(4, 3), nn.Parameter(torch.ones(3))

    assert Attributor(ClassificationTask(Scaled()), SMALL).left_out == ("factor",)
    assert Attributor(classifier(), SMALL).left_out == ()
