"""`feature_index`, `queries`, `attribution` and `spot_check`: who is paid for an answer, and is it right."""

from dataclasses import dataclass

from genesis.types import Address, Hash32
from workers.artifacts.store import ArtifactId
from workers.protocol.data import BigInt, DatasetVersion


@dataclass(frozen=True, slots=True)
class ParentDraw:
    """The randomness that the chain kept for a contribution's derived records (`genesis.parents`)."""

    contribution_id: int
    randomness: Hash32


@dataclass(frozen=True, slots=True)
class FeatureIndexRequest:
    """Build the feature index of the model that `manifest` describes; `dimensions` is k, 1 to 65,536.

    0: 512 for a classifier; for a language model all coordinates, where they are not more than that. `draws`
    are those of contributions whose records name parents.
    """

    manifest: ArtifactId
    dimensions: int = 0
    draws: tuple[ParentDraw, ...] = ()


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


@dataclass(frozen=True, slots=True)
class SpotCheckRequest:
    """Recompute some rows of a feature index: `draws` places drawn from `seed`, 32 bytes that nobody knew
    when the rows were committed.

    Records are drawn by what they earn in `batches`, alike where there are none; those in `known` were
    found right before and are not computed again. They are read from `datasets`, the versions that the chain
    names, or without any from those the manifest names.
    """

    index: ArtifactId
    seed: bytes
    draws: int
    batches: tuple[SettledBatch, ...] = ()
    known: tuple[int, ...] = ()
    datasets: tuple[DatasetVersion, ...] = ()


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
