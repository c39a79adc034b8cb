"""What is known about an attribution post, and what can be said of it: the records of `check`."""

from dataclasses import dataclass

from genesis.policy import Policy
from genesis.types import Address, Hash32
from precompiles.views.attribution import BatchClaim, Post, SumEvidence, SumLeaf
from precompiles.views.metering import Settlement
from precompiles.views.models import FeatureIndex
from workers.artifacts.store import ArtifactId


@dataclass(frozen=True, slots=True)
class ContributorSum:
    """One contributor of the index as published: canonical records, ‖v‖², v as packed int64."""

    contributor: Address
    records: int
    norm_squared: int
    vector: bytes


@dataclass(frozen=True, slots=True)
class PublishedReceipt:
    receipt_hash: Hash32
    fee_wei: int


@dataclass(frozen=True, slots=True)
class PublishedQuery:
    """One receipt's query with its number and weight."""

    number: int
    weight: int
    vector: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """One settlement of a post: what the chain says, what is published, which scores were posted.

    `receipts` are all of the channel's up to this settlement; `scores` are signed, in the posted order;
    `queries_document` is the queries' file. `missing` says why receipts and queries are not there, "" if they
    are.
    """

    claim: BatchClaim
    settlement: Settlement
    policy: Policy
    receipts: tuple[PublishedReceipt, ...]
    queries: tuple[PublishedQuery, ...]
    posted_query: tuple[int, ...]
    scores: tuple[int, ...]
    queries_document: ArtifactId
    missing: str = ""


@dataclass(frozen=True, slots=True)
class PostInputs:
    """Everything about one post. `posted_contributors` and `posted_amounts` are the poster's leaves;
    `index_document` is the feature index's."""

    chain_id: int
    post_id: int
    post: Post
    index: FeatureIndex
    index_document: ArtifactId
    sums: tuple[ContributorSum, ...]
    posted_contributors: tuple[Address, ...]
    posted_amounts: tuple[int, ...]
    batches: tuple[Batch, ...]

    @property
    def missing(self) -> str:
        """Why some settlement's receipts and queries are not there, "" where all are."""
        return next((batch.missing for batch in self.batches if batch.missing), "")


@dataclass(frozen=True, slots=True)
class Right:
    """Every score and amount is what it must be."""


@dataclass(frozen=True, slots=True)
class WrongScore:
    """Arguments of `challengeScore`, or of `challengeDebt` if `is_debt`; `posted` and `computed` are for
    people."""

    batch: int
    contributor_index: int
    contributor: Address
    posted: int
    computed: int
    sum: SumEvidence
    query: bytes
    leaf: SumLeaf
    is_debt: bool = False


@dataclass(frozen=True, slots=True)
class WrongAmount:
    """Arguments of `challengeAmount`; `posted` and `computed` are wei, for people."""

    contributor_index: int
    contributor: Address
    posted: int
    computed: int
    scores: tuple[SumLeaf, ...]
    leaf: SumLeaf


@dataclass(frozen=True, slots=True)
class WrongQuery:
    """What a game over a batch query is about; `posted` and `computed` are one coordinate, for people."""

    batch: int
    coordinate: int
    posted: int
    computed: int


@dataclass(frozen=True, slots=True)
class LongQuery:
    """Arguments of `challengeQuery`: a receipt's query beyond the norm's bound; `place` counts within the
    settlement."""

    batch: int
    place: int


@dataclass(frozen=True, slots=True)
class Unprovable:
    """Something is wrong or missing that no challenge covers yet."""

    reason: str


Verdict = Right | WrongScore | WrongAmount | WrongQuery | LongQuery | Unprovable
