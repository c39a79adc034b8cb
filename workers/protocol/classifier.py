"""`train` and `predict`: small classifiers."""

from dataclasses import dataclass

from workers.artifacts.store import ArtifactId
from workers.protocol.data import NO_ARTIFACT, DatasetVersion


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """How a classifier is trained: stochastic gradient descent with momentum, cosine-decayed learning rate.

    The defaults are chosen for digits by attribution quality at equal accuracy (`benchmarks/attribution`).
    `classes` 0 means: as many as the largest label says.
    """

    hidden: tuple[int, ...] = (48, 32)
    activation: str = "gelu"
    classes: int = 0
    epochs: int = 40
    batch_size: int = 50
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.003
    seed: int = 1


DEFAULT_RECIPE = TrainingRecipe()


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """Train on the canonical records of a version; `holdout` is a record file to evaluate on, or ""."""

    dataset: DatasetVersion
    recipe: TrainingRecipe = DEFAULT_RECIPE
    holdout: ArtifactId = NO_ARTIFACT


@dataclass(frozen=True, slots=True)
class TrainResult:
    """`model` is the weights file, `manifest` everything needed to train it again.

    On chain they are `artifactHash` and `manifestHash`. Accuracies are fractions, losses nats per record;
    the holdout's are -1 when there was none.
    """

    model: ArtifactId
    manifest: ArtifactId
    records: int
    canonical_records: int
    train_loss: float
    train_accuracy: float
    holdout_loss: float
    holdout_accuracy: float


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """Inputs are feature vectors of integers 0..255; `manifest` names the model."""

    manifest: ArtifactId
    inputs: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class PredictResult:
    """Predicted class and all class probabilities per input."""

    labels: tuple[int, ...]
    probabilities: tuple[tuple[float, ...], ...]
