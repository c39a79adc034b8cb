"""`train_embedding` and `evaluate_embedding`: encoders that learn which texts belong together."""

from dataclasses import dataclass

from workers.artifacts.store import ArtifactId
from workers.protocol.data import NO_ARTIFACT, DatasetVersion
from workers.protocol.text import LossPoint


@dataclass(frozen=True, slots=True)
class EmbeddingRecipe:
    """How an encoder learns from pairs: AdamW, and for every pair the other pairs of its batch as what does
    not belong (softmax of cosines over `temperature`).

    `method` is `lora` (adapters of `rank`) or `full` (all weights). `hard_negatives` of every pair are texts
    of other pairs that the base takes for near. `targets`, `holdout_every`, `checkpoint_steps`, `threads` as
    in `FineTuneRecipe`; texts beyond `max_tokens` lose their end.
    """

    rank: int = 8
    alpha: int = 16
    targets: tuple[str, ...] = ()
    epochs: int = 3
    batch_size: int = 16
    learning_rate: float = 0.001
    weight_decay: float = 0.0
    warmup: float = 0.1
    temperature: float = 0.05
    max_tokens: int = 128
    holdout_every: int = 0
    checkpoint_steps: int = 20
    seed: int = 1
    method: str = "lora"
    hard_negatives: int = 0
    threads: int = 1


DEFAULT_EMBEDDING_RECIPE = EmbeddingRecipe()


@dataclass(frozen=True, slots=True)
class TrainEmbeddingRequest:
    """Train `base`, an encoder's folder, or adapters for it, on the pairs in the canonical text records of
    the versions: question and answer, title and text. Other fields as in `FinetuneRequest`."""

    name: str
    base: ArtifactId
    datasets: tuple[DatasetVersion, ...]
    recipe: EmbeddingRecipe = DEFAULT_EMBEDDING_RECIPE
    holdout: ArtifactId = NO_ARTIFACT
    licence: str = "other"


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How often a text finds the one that belongs to it among `candidates`: as the first, among the first
    five, and the mean of 1/rank. -1 where nothing was held out."""

    candidates: int = 0
    recall_at_1: float = -1.0
    recall_at_5: float = -1.0
    mean_reciprocal_rank: float = -1.0


@dataclass(frozen=True, slots=True)
class TrainEmbeddingResult:
    """`model` is the PEFT folder, or with method `full` an encoder's, `manifest` everything to train it
    again; retrieval is by held-out pairs, losses are nats per pair."""

    model: ArtifactId
    manifest: ArtifactId
    records: int
    canonical_records: int
    trained_records: int
    held_out_records: int
    trained_parameters: int
    tokens: int
    tokens_per_s: float
    base_retrieval: Retrieval
    retrieval: Retrieval
    losses: tuple[LossPoint, ...]


@dataclass(frozen=True, slots=True)
class EvaluateEmbeddingRequest:
    """Compare a trained encoder with its base on `holdout`, or on what its manifest held out when ""."""

    manifest: ArtifactId
    holdout: ArtifactId = NO_ARTIFACT


@dataclass(frozen=True, slots=True)
class EvaluateEmbeddingResult:
    """Retrieval by `records` held-out pairs."""

    records: int
    base_retrieval: Retrieval
    retrieval: Retrieval
