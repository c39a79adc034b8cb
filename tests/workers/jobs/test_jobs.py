"""The whole chain of jobs on real digits, once; what each promises."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from genesis.policy import DEFAULT_POLICY
from genesis.types import Address
from tests.workers.conftest import DIMENSIONS, PART_RECORDS, Chain
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.attribution.index import read_index, read_rows, verify_index
from workers.attribution.post import read_post
from workers.attribution.profile import paid_profile, paid_task
from workers.attribution.queries import read_queries
from workers.attribution.scoring import record_scores
from workers.datasets.version import load_version
from workers.errors import ArtifactError, InvalidInputError
from workers.influence import Attributor
from workers.integers import row_integers
from workers.jobs.attribution import attribution
from workers.jobs.feature_index import feature_index
from workers.jobs.predict import predict
from workers.jobs.queries import queries
from workers.jobs.table import JOBS, run_job
from workers.jobs.train import train
from workers.protocol import (
    NO_ARTIFACT,
    REQUEST_TYPES,
    AttributionRequest,
    BigInt,
    FeatureIndexRequest,
    PredictRequest,
    QueriesRequest,
    SettledBatch,
    TrainRequest,
)
from workers.protocol.codec import to_json
from workers.training.manifest import load_model, read_manifest
from workers.training.model import scale_features

POSTER = Address(bytes([0x22]) * 20)


def attribute(chain: Chain) -> AttributionRequest:
    return AttributionRequest(
        index=chain.index.index,
        chain_id=31338,
        feature_index_id=1,
        poster=POSTER,
        batches=(SettledBatch(1, BigInt(10**18), chain.queries.queries),),
        significance_ppm=DEFAULT_POLICY.significance_ppm,
        maximum_share_ppm=DEFAULT_POLICY.maximum_share_ppm,
    )


def test_training_again_from_the_manifest_gives_the_same_model(chain: Chain) -> None:
    manifest = read_manifest(chain.store, chain.trained.manifest)
    again = train(chain.store, TrainRequest(manifest.dataset, manifest.recipe, manifest.holdout))
    assert again == chain.trained
    assert (again.records, again.canonical_records) == (5 * PART_RECORDS, 4 * PART_RECORDS)
    assert again.holdout_accuracy > 0.5


def test_two_honest_runs_give_equal_integers(chain: Chain) -> None:
    assert feature_index(chain.store, FeatureIndexRequest(chain.trained.manifest, DIMENSIONS)) == chain.index
    assert queries(chain.store, QueriesRequest(chain.index.index, chain.receipts)) == chain.queries


def test_the_index_holds_together(chain: Chain) -> None:
    index = verify_index(chain.store, chain.index.index)
    assert index.rows_root == chain.index.rows_root
    assert index.sums.canonical_records == (*[PART_RECORDS] * 4, 0)
    assert bytes.fromhex(index.preconditioner) == chain.index.preconditioner_hash


def test_two_threads_differ_by_rounding_at_most(chain: Chain) -> None:
    manifest = read_manifest(chain.store, chain.trained.manifest)
    index = read_index(chain.store, chain.index.index)
    rows = read_rows(chain.store, index.rows)
    version = load_version(chain.store, manifest.dataset)
    task = paid_task(load_model(chain.store, manifest))
    torch.set_num_threads(2)
    try:
        attributor = Attributor.load(task, chain.store.get(index.preconditioner), paid_profile(DIMENSIONS))
        found = attributor.rows((scale_features(version.features), torch.from_numpy(version.labels)))
    finally:
        torch.set_num_threads(1)
    assert np.allclose(found.self_influence, rows.self_influence, rtol=1e-9)
    steps = 2.0 ** np.maximum(found.exponents(), rows.exponents).astype(float)[:, None]
    integers = row_integers(found.mantissas(), found.exponents())
    assert np.abs(integers - rows.integers()).max(initial=0) <= steps.max()
    assert (found.mantissas() != rows.mantissas).mean() < 1e-4


def test_the_copy_earns_nothing_and_the_rest_is_paid(chain: Chain) -> None:
    result = attribution(chain.store, attribute(chain))
    amounts = [payout.amount_wei for payout in result.contributors]
    assert amounts[4] == 0
    assert all(amount > 10**17 for amount in amounts[:3])
    assert 10**18 - len(amounts) < result.amount_sum <= 10**18
    assert result == attribution(chain.store, attribute(chain))
    assert read_post(chain.store, result.post).claims() == result.batches


def test_wrong_labels_score_below_half_of_clean_ones(chain: Chain) -> None:
    query = read_queries(chain.store, chain.queries.queries).batch_query()
    rows = read_rows(chain.store, read_index(chain.store, chain.index.index).rows)
    scores = np.array(record_scores(rows, query), dtype=np.float64)
    wrong = 3 * PART_RECORDS + np.array(chain.parts.wrong_indices)
    clean = np.setdiff1d(np.arange(4 * PART_RECORDS), wrong)
    assert scores[wrong].mean() < 0.5 * scores[clean].mean()


def test_predictions_are_probabilities_of_the_named_model(chain: Chain) -> None:
    inputs = tuple(tuple(record.features) for record in chain.parts.holdout[:5])
    result = predict(chain.store, PredictRequest(chain.trained.manifest, inputs))
    assert [row.index(max(row)) for row in result.probabilities] == list(result.labels)
    assert all(abs(sum(row) - 1) < 1e-6 for row in result.probabilities)


def test_wrong_inputs_are_refused(chain: Chain) -> None:
    short = PredictRequest(chain.trained.manifest, ((1, 2),))
    for request in (short, replace(short, inputs=()), replace(short, inputs=((256,) * 64,))):
        with pytest.raises(InvalidInputError):
            predict(chain.store, request)
    with pytest.raises(InvalidInputError):
        predict(chain.store, replace(short, manifest=chain.index.index))
    with pytest.raises(ArtifactError):
        predict(chain.store, replace(short, manifest=ArtifactId("00" * 32)))
    with pytest.raises(InvalidInputError):
        attribution(chain.store, replace(attribute(chain), batches=()))
    with pytest.raises(InvalidInputError):
        queries(chain.store, QueriesRequest(chain.index.index, chain.receipts[::2]))


def test_a_corrupt_model_is_not_used(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = ArtifactStore(tmp_path_factory.mktemp("copy"))
    for path in chain.store.directory.iterdir():
        copy.put(path.read_bytes())
    weights = bytearray(copy.get(chain.trained.model))
    weights[-1] ^= 1
    copy.path(chain.trained.model).write_bytes(weights)
    with pytest.raises(ArtifactError, match="corrupt"):
        feature_index(copy, FeatureIndexRequest(chain.trained.manifest, DIMENSIONS))


def test_jobs_run_from_json(chain: Chain) -> None:
    assert set(JOBS) == set(REQUEST_TYPES)
    value = run_job(chain.store, "attribution", to_json(attribute(chain)))
    assert value == to_json(attribution(chain.store, attribute(chain)))
    assert run_job(chain.store, "ping", {})["device"] == "cpu"
    with pytest.raises(InvalidInputError, match="job kind"):
        run_job(chain.store, "format_disk", {})
    with pytest.raises(InvalidInputError):
        run_job(chain.store, "train", {"dataset": NO_ARTIFACT})
