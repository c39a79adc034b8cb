"""What each job is asked and what it answers: frozen records and nothing else.

Every record travels as JSON by `workers.jobs.codec`: bytes as 0x-hex, `BigInt` as a decimal string, tuples as
arrays. Artefacts are named by their sha256 in hex without a prefix. Import this module anywhere: it needs
neither torch nor numpy.
"""

from dataclasses import dataclass
from typing import NewType

from genesis.types import Address, Hash32
from workers.artifacts.store import ArtifactId

BigInt = NewType("BigInt", int)
"""An integer that may not fit a JSON number exactly."""
NO_ARTIFACT = ArtifactId("")
"""Stands for an artefact that is not given."""


# --- Data -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContributionSource:
    """One accepted contribution of a version; `artifact` is its JSONL file (`docs/formats.md`)."""

    contribution_id: int
    contributor: Address
    commit_block: int
    artifact: ArtifactId


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """A published version: its contributions in the order of acceptance, and the policy's similarity."""

    chain_id: int
    datanet_id: int
    version: int
    similarity_ppm: int
    contributions: tuple[ContributionSource, ...]


# --- prepare ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file of an upload; `name` decides how it is read (`data/train.parquet`, `README.md`)."""

    name: str
    artifact: ArtifactId


@dataclass(frozen=True, slots=True)
class ColumnName:
    """The upload's column `source` is the record's `target`; an empty target leaves the column out."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class CleaningRule:
    """`rule` is one of `workers.datasets.cleaning.RULES`, `action` is `mask` or `drop`."""

    rule: str
    action: str = "mask"


@dataclass(frozen=True, slots=True)
class PrepareRequest:
    """Check an upload row by row and make a contribution file of it.

    With a `label` it is a table (or pictures of `width` by `height`), read by `schema`, which is made from
    the upload when ""; without one it is text. Near-duplicates are looked for in the upload and `against`
    versions, and left out with `drops_duplicates`.
    """

    files: tuple[UploadedFile, ...]
    split: str = "train"
    columns: tuple[ColumnName, ...] = ()
    label: str = ""
    width: int = 0
    height: int = 0
    schema: ArtifactId = NO_ARTIFACT
    cleaning: tuple[CleaningRule, ...] = ()
    against: tuple[DatasetVersion, ...] = ()
    similarity_ppm: int = 990_000
    drops_duplicates: bool = False


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why the row at `place` (`file:line`) is not among the records."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """The row at `place` is similar to the one at `of`: a place, or `datanet 3, record 17`."""

    place: str
    of: str


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a cleaning rule found something."""

    rule: str
    count: int


@dataclass(frozen=True, slots=True)
class PrepareResult:
    """`records` is the contribution file, "" when nothing was accepted. Lists are cut at 1,000 entries;
    `preview` holds the first records as JSON lines."""

    records: ArtifactId
    schema: ArtifactId
    accepted: int
    refused: int
    problems: tuple[RowProblem, ...]
    cleaned: tuple[RuleCount, ...]
    duplicate_count: int
    duplicates: tuple[NearDuplicate, ...]
    preview: tuple[str, ...]


# --- train ------------------------------------------------------------------------------------------------


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


# --- predict ----------------------------------------------------------------------------------------------


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


# --- finetune, evaluate, verify ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FineTuneRecipe:
    """How a language model is fine-tuned: AdamW, linear warm-up, cosine decay, loss on the response alone.

    `method` is `lora`, `qlora` (4-bit base, CUDA only) or `full`. `targets` names the linear layers that get
    adapters; () is all but the output layer. `max_tokens` cuts longer records: prompts lose their beginning.
    `holdout_every` n keeps one canonical record in n from training to measure on, 0 none.
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
    """Mean training loss since the point before, in nats per token."""

    step: int
    loss: float


@dataclass(frozen=True, slots=True)
class FinetuneResult:
    """`model` is the folder (PEFT adapter, or a whole model), `manifest` everything to train it again.

    Losses are means over records of nats per response token; those of held-out records are -1 without any.
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


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """Compare a fine-tuned model with its base on `holdout`, or on what its manifest held out when ""."""

    manifest: ArtifactId
    holdout: ArtifactId = NO_ARTIFACT


@dataclass(frozen=True, slots=True)
class EvaluateResult:
    """Mean nats per response token over records; `better` counts records the fine-tuned model does better."""

    records: int
    tokens: int
    base_loss: float
    loss: float
    better: int


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """Train again from a manifest and compare with what it names."""

    manifest: ArtifactId


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """`is_same`: every file is equal byte for byte. Otherwise the distances say how far off the weights are:
    largest absolute difference, and the norm of the difference in parts of the norm."""

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
    rows, which `contributor` owns; `places` counts where it stands in all."""

    response: int
    start: int
    end: int
    record: int
    contributor: Address
    places: int


@dataclass(frozen=True, slots=True)
class SpansResult:
    """Longest passages from left to right, response by response."""

    spans: tuple[SpanFound, ...]


# --- feature_index ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FeatureIndexRequest:
    """Build the feature index of the model that `manifest` describes; `dimensions` is k, 1 to 65,536.

    0: 512 for a classifier; for a language model all coordinates, where they are not more than that.
    """

    manifest: ArtifactId
    dimensions: int = 0


@dataclass(frozen=True, slots=True)
class FeatureIndexResult:
    """`index` is the index document; the rest is what `commitFeatureIndex` takes."""

    index: ArtifactId
    rows_root: Hash32
    sums_root: Hash32
    preconditioner_hash: Hash32
    numeric_profile: Hash32
    rows: int
    contributors: int
    dimensions: int


# --- queries ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReceiptInput:
    """What one receipt paid for. `weight` = floor(net fee in wei / 10^9); `number` is the receipt's.

    A classifier's `features` are its input and `response` is empty. A language model's are the token ids of
    prompt and answer.
    """

    number: int
    weight: int
    features: tuple[int, ...]
    response: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class QueriesRequest:
    """Turn a settlement's receipts (consecutive numbers, in order) into int16 queries under one root."""

    index: ArtifactId
    receipts: tuple[ReceiptInput, ...]


@dataclass(frozen=True, slots=True)
class QueriesResult:
    """`queries` is the artefact with all queries, `queries_root` what `settle` takes."""

    queries: ArtifactId
    queries_root: Hash32
    count: int


# --- attribution ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SettledBatch:
    """One settlement to attribute: its pool (with `carryIn` added for the first) and its queries artefact."""

    settlement_id: int
    pool_wei: BigInt
    queries: ArtifactId


@dataclass(frozen=True, slots=True)
class AttributionRequest:
    """Score and pay out batches of one feature index. `poster` is the account that will sign `post`."""

    index: ArtifactId
    chain_id: int
    feature_index_id: int
    poster: Address
    batches: tuple[SettledBatch, ...]
    significance_ppm: int
    maximum_share_ppm: int


@dataclass(frozen=True, slots=True)
class BatchClaim:
    """One batch as `IAttribution.post` takes it."""

    settlement_id: int
    query_root: Hash32
    scores_root: Hash32
    score_sum: BigInt
    debts_root: Hash32
    debt_sum: BigInt


@dataclass(frozen=True, slots=True)
class ContributorPayout:
    """One contributor in index order. `score` is the sum over the batches, before significance and clip."""

    index: int
    contributor: Address
    records: int
    canonical_records: int
    score: BigInt
    amount_wei: BigInt


@dataclass(frozen=True, slots=True)
class AttributionResult:
    """`post` is the post document (`workers.attribution.post`), from which every proof is made."""

    post: ArtifactId
    batches: tuple[BatchClaim, ...]
    amounts_root: Hash32
    amount_sum: BigInt
    contributors: tuple[ContributorPayout, ...]


# --- spot_check -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpotCheckRequest:
    """Recompute some rows of a feature index: `draws` places drawn from `seed`, 32 bytes that nobody knew
    when the rows were committed.

    Records are drawn by what they earn in `batches`, alike where there are none; those in `known` were
    found right before and are not computed again.
    """

    index: ArtifactId
    seed: bytes
    draws: int
    batches: tuple[SettledBatch, ...] = ()
    known: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SpotCheckResult:
    """`places` were drawn, `computed` of them recomputed now; `wrong` are not their records' gradients.

    Of `coordinates`, `different` differ and `beyond` by more than the profile's tolerance allows;
    `largest_lsb` is the largest distance, in units of the last place.
    """

    places: tuple[int, ...]
    computed: int
    wrong: tuple[int, ...]
    coordinates: int
    different: int
    beyond: int
    largest_lsb: float


# --- embed ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """Turn texts into vectors by the embedding model that the workers carry."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EmbedResult:
    """One unit-length vector per text, and how many tokens the model read of each."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: tuple[int, ...]


# --- ping -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PingRequest:
    """Is anybody there? Answered by any worker."""


@dataclass(frozen=True, slots=True)
class PingResult:
    """Versions that decide numeric results, and the device in use."""

    python: str
    torch: str
    device: str


REQUEST_TYPES: dict[str, type] = {
    "prepare": PrepareRequest,
    "train": TrainRequest,
    "finetune": FinetuneRequest,
    "evaluate": EvaluateRequest,
    "verify": VerifyRequest,
    "spans": SpansRequest,
    "feature_index": FeatureIndexRequest,
    "queries": QueriesRequest,
    "attribution": AttributionRequest,
    "predict": PredictRequest,
    "spot_check": SpotCheckRequest,
    "embed": EmbedRequest,
    "ping": PingRequest,
}
RESULT_TYPES: dict[str, type] = {
    "prepare": PrepareResult,
    "train": TrainResult,
    "finetune": FinetuneResult,
    "evaluate": EvaluateResult,
    "verify": VerifyResult,
    "spans": SpansResult,
    "feature_index": FeatureIndexResult,
    "queries": QueriesResult,
    "attribution": AttributionResult,
    "predict": PredictResult,
    "spot_check": SpotCheckResult,
    "embed": EmbedResult,
    "ping": PingResult,
}
