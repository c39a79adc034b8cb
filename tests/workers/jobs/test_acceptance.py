"""Issue 2, item 2, by the method alone: full-size digits, seeds 1 to 3, from data to amounts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genesis.policy import DEFAULT_POLICY
from genesis.types import Address
from tests.workers.conftest import publish
from workers.artifacts.store import ArtifactStore
from workers.attribution.index import read_index, read_rows
from workers.attribution.queries import read_queries
from workers.attribution.scoring import record_scores
from workers.datasets.digits import demo_parts
from workers.jobs.attribution import attribution
from workers.jobs.feature_index import feature_index
from workers.jobs.queries import queries
from workers.jobs.train import train
from workers.protocol import (
    DEFAULT_RECIPE,
    AttributionRequest,
    BigInt,
    FeatureIndexRequest,
    QueriesRequest,
    ReceiptInput,
    SettledBatch,
    TrainRequest,
)

QUERIES = 50


def run(directory: Path, seed: int) -> tuple[list[int], float]:
    """Amounts per contributor, and the mean score of wrong-label records over that of clean ones."""
    store, parts = ArtifactStore(directory), demo_parts(seed)
    version = publish(store, parts)
    trained = train(store, TrainRequest(version, replace(DEFAULT_RECIPE, seed=seed)))
    index = feature_index(store, FeatureIndexRequest(trained.manifest))
    receipts = tuple(
        ReceiptInput(number, 10**6, tuple(record.features))
        for number, record in enumerate(parts.holdout[:QUERIES])
    )
    asked = queries(store, QueriesRequest(index.index, receipts))
    result = attribution(
        store,
        AttributionRequest(
            index=index.index,
            chain_id=31338,
            feature_index_id=1,
            poster=Address(bytes(20)),
            batches=(SettledBatch(1, BigInt(10**18), asked.queries),),
            significance_ppm=DEFAULT_POLICY.significance_ppm,
            maximum_share_ppm=DEFAULT_POLICY.maximum_share_ppm,
        ),
    )
    rows = read_rows(store, read_index(store, index.index).rows)
    scores = record_scores(rows, read_queries(store, asked.queries).batch_query())
    values = np.array(scores, dtype=np.float64)
    wrong = 900 + np.array(parts.wrong_indices)
    clean = np.setdiff1d(np.arange(1200), wrong)
    return [payout.amount_wei for payout in result.contributors], values[wrong].mean() / values[clean].mean()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_copies_and_wrong_labels_do_not_pay(tmp_path: Path, seed: int) -> None:
    amounts, wrong_share = run(tmp_path, seed)
    assert amounts[4] * 10 < amounts[0]
    assert wrong_share < 0.5
    assert min(amounts[:3]) > amounts[3] > 0
