"""`finetune`, `evaluate`, `verify` and `spans`: language models."""

from dataclasses import dataclass

from genesis.types import Address
from workers.artifacts.store import ArtifactId
from workers.protocol.data import NO_ARTIFACT, DatasetVersion


@dataclass(frozen=True, slots=True)
class FineTuneRecipe:
    """How a language model is fine-tuned: AdamW, linear warm-up, cosine decay, loss on the response alone.

    `method` is `lora`, `qlora` (4-bit base, CUDA only) or `full`. `targets` names the linear layers that get
    adapters; () is all but the output layer. `max_tokens` cuts longer records: prompts lose their beginning.
    `holdout_every` n keeps one canonical record in n from training to measure on, 0 none.

    `objective` is `response` (the last answer of each record is learnt) or `preference`: direct preference
    optimisation of pairs against the base, whose strength of the tie to the base is `beta`. `threads` of a
    CPU take part; bits depend on their number.
    """

    method: str = "lora"
    rank: int = 4
    alpha: int = 8
    targets: tuple[str, ...] = ()
    epochs: int = 3
    batch_size: int = 8
    learning_rate: float = 0.002
    weight_decay: float = 0.0
    warmup: float = 0.1
    max_tokens: int = 256
    holdout_every: int = 0
    checkpoint_steps: int = 50
    seed: int = 1
    objective: str = "response"
    beta: float = 0.1
    threads: int = 1


DEFAULT_FINE_TUNE_RECIPE = FineTuneRecipe()


@dataclass(frozen=True, slots=True)
class FinetuneRequest:
    """Fine-tune `base`, a model folder, on the canonical text records of the versions.

    `holdout` is a record file nobody is paid for, or "". `name` and `licence` are what the card says.
    """

    name: str
    base: ArtifactId
    datasets: tuple[DatasetVersion, ...]
    recipe: FineTuneRecipe = DEFAULT_FINE_TUNE_RECIPE
    holdout: ArtifactId = NO_ARTIFACT
    licence: str = "other"


@dataclass(frozen=True, slots=True)
class LossPoint:
    """Mean training loss since the point before, in nats per token (of pairs: nats per pair)."""

    step: int
    loss: float


@dataclass(frozen=True, slots=True)
class RewardPoint:
    """Means since the point before: how much more reward the chosen answers get than the rejected ones, and
    the part of the pairs where they get more."""

    step: int
    margin: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Preferences:
    """How held-out pairs are told apart; -1 without any.

    The implicit reward of an answer is beta times how much more log-likely the model makes it than the base:
    `accuracy` is the part of the pairs whose chosen answer has more of it, `margin` the mean difference.
    `likelier` is the part whose chosen answer is as a whole more likely than the rejected one by the model,
    `base_likelier` by the base.
    """

    pairs: int = 0
    accuracy: float = -1.0
    margin: float = -1.0
    base_likelier: float = -1.0
    likelier: float = -1.0


NO_PREFERENCES = Preferences()


@dataclass(frozen=True, slots=True)
class FinetuneResult:
    """`model` is the folder (PEFT adapter, or a whole model), `manifest` everything to train it again.

    Losses are means over records of nats per response token, for the objective `preference` of nats per pair
    (the base's is ln 2); those of held-out records are -1 without any.
    """

    model: ArtifactId
    manifest: ArtifactId
    records: int
    canonical_records: int
    trained_records: int
    held_out_records: int
    trained_parameters: int
    tokens: int
    tokens_per_s: float
    base_holdout_loss: float
    holdout_loss: float
    losses: tuple[LossPoint, ...]
    preferences: Preferences = NO_PREFERENCES
    rewards: tuple[RewardPoint, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """Compare a fine-tuned model with its base on `holdout`, or on what its manifest held out when ""."""

    manifest: ArtifactId
    holdout: ArtifactId = NO_ARTIFACT


@dataclass(frozen=True, slots=True)
class EvaluateResult:
    """Mean loss of the objective over records (`FinetuneResult`); `better` counts records the fine-tuned
    model does better. `preferences` is of models that learnt from pairs."""

    records: int
    tokens: int
    base_loss: float
    loss: float
    better: int
    preferences: Preferences = NO_PREFERENCES


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """Train again from a manifest and compare with what it names."""

    manifest: ArtifactId


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """`is_same`: the model's files are equal byte for byte, and so are all figures. Otherwise the distances
    say how far off the weights are: largest absolute difference, and the norm of the difference in parts of
    the norm."""

    is_same: bool
    model: ArtifactId
    retrained: ArtifactId
    largest_difference: float
    relative_difference: float
    differing_settings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpansRequest:
    """Which passages of `responses` stand word for word in the records a fine-tuned model was made from."""

    manifest: ArtifactId
    responses: tuple[str, ...]
    minimum_bytes: int = 24


@dataclass(frozen=True, slots=True)
class SpanFound:
    """Characters `start` to `end` of response number `response` stand in `record` of the feature index's
    rows, which `contributor` owns, from byte `offset` of its plain text on; `places` counts where it stands
    in all."""

    response: int
    start: int
    end: int
    record: int
    contributor: Address
    places: int
    offset: int


@dataclass(frozen=True, slots=True)
class SpansResult:
    """Longest passages from left to right, response by response."""

    spans: tuple[SpanFound, ...]
