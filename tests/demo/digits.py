"""The demo's records through the worker's own jobs: train, index, ask. No network; no job knows the roles."""

from dataclasses import dataclass

from genesis.policy import DEFAULT_POLICY
from genesis.types import Address
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.datasets.digits import DigitsParts, demo_parts
from workers.datasets.records import encode_jsonl
from workers.jobs.feature_index import feature_index
from workers.jobs.queries import queries
from workers.jobs.train import train
from workers.protocol import (
    ContributionSource,
    DatasetVersion,
    FeatureIndexRequest,
    QueriesRequest,
    ReceiptInput,
    TrainRequest,
)

CHAIN_ID = 31338
WEIGHT = 10**8


def person(number: int) -> Address:
    return Address(bytes([number + 1]) * 20)


@dataclass(frozen=True)
class AskedDigits:
    """A model of the demo's parts that has answered: artefact names of its index and of its queries."""

    parts: DigitsParts
    holdout_accuracy: float
    index: ArtifactId
    queries: ArtifactId


def ask_digits(store: ArtifactStore, seed: int, copy_noise: float, inferences: int) -> AskedDigits:
    """Train on what the demo's contributors bring, index it, ask about the first held-out digits."""
    parts = demo_parts(seed, copy_noise=copy_noise)
    sources = tuple(
        ContributionSource(n + 1, person(n), 10 + n, store.put(encode_jsonl(part)))
        for n, part in enumerate(parts.parts)
    )
    version = DatasetVersion(CHAIN_ID, 1, 1, DEFAULT_POLICY.similarity_ppm, sources)
    holdout = store.put(encode_jsonl(parts.holdout))
    trained = train(store, TrainRequest(dataset=version, holdout=holdout))
    index = feature_index(store, FeatureIndexRequest(trained.manifest)).index
    asked = tuple(
        ReceiptInput(number, WEIGHT, tuple(record.features))
        for number, record in enumerate(parts.holdout[:inferences])
    )
    found = queries(store, QueriesRequest(index, asked)).queries
    return AskedDigits(parts, trained.holdout_accuracy, index, found)
