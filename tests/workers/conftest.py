"""What the worker tests share: a store, and one small version with its job chain run once."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.workers.text_chain import TextChain, make_text_chain
from tests.workers.versions import publish_files
from workers.artifacts.store import ArtifactStore
from workers.datasets.digits import DigitsParts, demo_parts
from workers.datasets.records import encode_jsonl
from workers.jobs.feature_index import feature_index
from workers.jobs.queries import queries
from workers.jobs.train import train
from workers.protocol import (
    DEFAULT_RECIPE,
    DatasetVersion,
    FeatureIndexRequest,
    FeatureIndexResult,
    QueriesRequest,
    QueriesResult,
    ReceiptInput,
    TrainRequest,
    TrainResult,
)

PART_RECORDS = 60
DIMENSIONS = 512
RECIPE = replace(DEFAULT_RECIPE, epochs=40, batch_size=20, classes=10)


def publish(store: ArtifactStore, parts: DigitsParts) -> DatasetVersion:
    """Contributions of digits, in order."""
    return publish_files(store, [encode_jsonl(part) for part in parts.parts])


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    """An empty store."""
    return ArtifactStore(tmp_path / "artifacts")


@dataclass(frozen=True)
class Chain:
    """A small run of all torch jobs."""

    store: ArtifactStore
    parts: DigitsParts
    version: DatasetVersion
    trained: TrainResult
    index: FeatureIndexResult
    queries: QueriesResult
    receipts: tuple[ReceiptInput, ...]


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """300 records, 20 receipts; read only."""
    store = ArtifactStore(tmp_path_factory.mktemp("chain"))
    parts = demo_parts(1, part_records=PART_RECORDS)
    version = publish(store, parts)
    holdout = store.put(encode_jsonl(parts.holdout))
    trained = train(store, TrainRequest(version, RECIPE, holdout))
    index = feature_index(store, FeatureIndexRequest(trained.manifest, DIMENSIONS))
    receipts = tuple(
        ReceiptInput(number, 10**6 + number, tuple(record.features))
        for number, record in enumerate(parts.holdout[:20])
    )
    asked = queries(store, QueriesRequest(index.index, receipts))
    return Chain(store, parts, version, trained, index, asked, receipts)


@pytest.fixture(scope="session")
def text_chain(tmp_path_factory: pytest.TempPathFactory) -> TextChain:
    """60 text records and an adapter on the tiny base; read only."""
    return make_text_chain(ArtifactStore(tmp_path_factory.mktemp("text") / "artifacts"))
