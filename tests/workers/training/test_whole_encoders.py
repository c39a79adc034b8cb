"""Encoders with all weights trained, and texts that an encoder confuses as negatives."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel, BertTokenizer

from tests.workers.text_chain import publish_texts
from workers.artifacts import canonical_json
from workers.artifacts.folders import materialise, read_folder, store_folder
from workers.artifacts.store import ArtifactStore
from workers.attribution.index import read_rows, verify_index
from workers.attribution.queries import read_queries
from workers.datasets.pairs import Pair
from workers.datasets.text import text_record
from workers.errors import InvalidInputError, JobCancelledError
from workers.jobs.embed import embed
from workers.jobs.feature_index import feature_index
from workers.jobs.queries import queries
from workers.jobs.spot_check import spot_check
from workers.jobs.train_embedding import evaluate_embedding, train_embedding
from workers.jobs.verify import verify
from workers.protocol import (
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
from workers.text.encoders import Encoder, load_encoder_folder
from workers.text.export import TextParts
from workers.training.contrastive import TokenPair, ranking_loss, token_pairs
from workers.training.embedding_manifest import LATER_SETTINGS, read_embedding_manifest
from workers.training.mining import NEAREST_PART, hard_negatives

WORDS = ("door", "car", "house", "book", "table", "tree", "road", "lake", "moon", "sand", "wolf", "rain")
COLOURS = ("red", "blue", "green", "black")
RECIPE = EmbeddingRecipe(
    method="full",
    epochs=4,
    batch_size=8,
    learning_rate=0.003,
    max_tokens=16,
    holdout_every=6,
    hard_negatives=2,
    checkpoint_steps=5,
)


def make_encoder(folder: Path) -> Path:
    """A random BERT of two layers with its pooler, as sentence-transformers keeps it."""
    texts = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "what", "is", "the", *WORDS, *COLOURS]
    folder.mkdir()
    (folder / "words.txt").write_text("\n".join(texts))
    BertTokenizer(str(folder / "words.txt")).save_pretrained(folder)
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(texts),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(
        '{"word_embedding_dimension": 24, "pooling_mode_mean_tokens": true}'
    )
    (folder / "modules.json").write_text(
        '[{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"},'
        '{"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"}]'
    )
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder") / "bert")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ArtifactStore:
    return ArtifactStore(tmp_path_factory.mktemp("whole") / "artifacts")


def parts() -> TextParts:
    """48 questions about the colour of a thing, by three contributors."""
    records = [
        text_record(
            {"instruction": f"what is the {word} {colour}", "output": f"{word} is {colour} {word}"},
        )
        for word in WORDS
        for colour in COLOURS
    ]
    return TextParts(("a", "b", "c"), tuple(tuple(records[place::3]) for place in range(3)), ())


@pytest.fixture(scope="module")
def request_of(store: ArtifactStore, folder: Path) -> TrainEmbeddingRequest:
    return TrainEmbeddingRequest(
        "Colours", store_folder(store, folder), (publish_texts(store, parts()),), RECIPE
    )


@pytest.fixture(scope="module")
def trained(store: ArtifactStore, request_of: TrainEmbeddingRequest) -> TrainEmbeddingResult:
    return train_embedding(store, request_of)


def test_all_weights_learn_to_find_what_belongs_together(
    store: ArtifactStore, request_of: TrainEmbeddingRequest, trained: TrainEmbeddingResult, folder: Path
) -> None:
    assert trained.retrieval.mean_reciprocal_rank > trained.base_retrieval.mean_reciprocal_rank + 0.05
    pooler = 24 * 24 + 24
    whole = sum(value.numel() for value in load_encoder_folder(folder).pooled.parameters())
    assert trained.trained_parameters == whole - pooler
    assert read_folder(store, trained.model).keys() >= {"model.safetensors", "1_Pooling/config.json"}
    found = evaluate_embedding(store, EvaluateEmbeddingRequest(trained.manifest))
    assert (found.base_retrieval, found.retrieval) == (trained.base_retrieval, trained.retrieval)


def test_a_stopped_run_goes_on_to_the_same_bytes_and_verifies(
    store: ArtifactStore, request_of: TrainEmbeddingRequest, trained: TrainEmbeddingResult
) -> None:
    def stop(done: float, text: str) -> None:
        if done > 0.6:
            raise JobCancelledError("killed")

    with pytest.raises(JobCancelledError):
        train_embedding(store, request_of, stop)
    assert verify(store, VerifyRequest(trained.manifest)).is_same


def test_the_folder_is_one_for_sentence_transformers(
    store: ArtifactStore, trained: TrainEmbeddingResult, tmp_path: Path
) -> None:
    theirs: Any = SentenceTransformer(str(materialise(store, trained.model, tmp_path)), device="cpu")
    expected = theirs.encode(["what is the moon"], normalize_embeddings=True)
    made = embed(store, EmbedRequest(("what is the moon",), trained.manifest))
    assert np.allclose(expected[0], made.vectors[0], atol=1e-5)


def test_pairs_found_owe_to_their_records(
    store: ArtifactStore, trained: TrainEmbeddingResult, folder: Path
) -> None:
    index = feature_index(store, FeatureIndexRequest(trained.manifest))
    assert index.dimensions == 4_096
    rows = read_rows(store, verify_index(store, index.index).rows)
    learnt = np.flatnonzero(rows.mantissas.any(axis=1))
    assert len(learnt) == trained.trained_records
    encoder = load_encoder_folder(folder)
    records = [record for part in parts().parts for record in part]
    receipts = tuple(
        ReceiptInput(
            number,
            10,
            encoder.tokens_of(records[row].fields()["instruction"], 16),
            encoder.tokens_of(records[row].fields()["output"], 16),
        )
        for number, row in enumerate(learnt)
    )
    made = queries(store, QueriesRequest(index.index, receipts))
    scores = read_queries(store, made.queries).vectors.astype(np.int64) @ rows.integers().T
    assert (scores.argmax(axis=1) == learnt).mean() > 0.7
    assert spot_check(store, SpotCheckRequest(index.index, bytes(32), 60)).wrong == ()


def test_mined_texts_are_near_but_clearly_less_than_the_pairs_own(folder: Path) -> None:
    encoder = load_encoder_folder(folder)
    pairs = [
        Pair(f"what is the {word} {colour}", f"{word} is {colour}")
        for word in WORDS
        for colour in COLOURS[:2]
    ]
    pairs.append(Pair("what is the door", pairs[0].positive))
    mined = hard_negatives(encoder, pairs, 3, 16)
    vectors = {
        text: encoder.vectors([text], 16)[0] for pair in pairs for text in (pair.anchor, pair.positive)
    }
    for pair, found in zip(pairs, mined, strict=True):
        near = [float(vectors[pair.anchor] @ vectors[text]) for text in found]
        own = float(vectors[pair.anchor] @ vectors[pair.positive])
        assert pair.positive not in found
        assert near == sorted(near, reverse=True)
        assert all(value <= NEAREST_PART * own + 1e-6 for value in near)
        others = {each.positive for each in pairs} - {pair.positive, *found}
        allowed = [float(vectors[pair.anchor] @ vectors[text]) for text in others]
        allowed = [value for value in allowed if value <= NEAREST_PART * own - 1e-6]
        assert len(found) == 3 or not [value for value in allowed if value > 0]
        assert not allowed or not near or max(allowed) <= near[-1] + 1e-6
    assert hard_negatives(encoder, pairs, 0, 16) == [[] for _ in pairs]


def test_negatives_count_in_the_loss(folder: Path) -> None:
    encoder: Encoder = load_encoder_folder(folder)
    pairs = [Pair("door red", "door is red"), Pair("car blue", "car is blue", "car is red")]
    with_rejected = token_pairs(pairs, encoder, replace(RECIPE, hard_negatives=0))
    assert [len(pair.negatives) for pair in with_rejected] == [0, 1]
    without = [TokenPair(pair.anchor, pair.positive, ()) for pair in with_rejected]
    assert ranking_loss(encoder.pooled, with_rejected, 0.05) > ranking_loss(encoder.pooled, without, 0.05)


@pytest.mark.parametrize("wrong", [{"method": "qlora"}, {"hard_negatives": -1}, {"threads": 0}])
def test_recipes_that_mean_nothing_are_refused(
    store: ArtifactStore, request_of: TrainEmbeddingRequest, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        train_embedding(store, replace(request_of, recipe=replace(RECIPE, **wrong)))


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two threads need two cores")
def test_threads_are_in_the_manifest_and_verify_uses_the_same(
    store: ArtifactStore, request_of: TrainEmbeddingRequest
) -> None:
    made = train_embedding(store, replace(request_of, recipe=replace(RECIPE, threads=2, epochs=1)))
    assert b'"threads":"2"' in store.get(made.manifest)
    assert torch.get_num_threads() == 1, "other jobs compute on one thread"
    found = verify(store, VerifyRequest(made.manifest))
    assert found.is_same
    assert found.differing_settings == ()


def test_a_manifest_from_before_a_setting_was_there_means_its_default(
    store: ArtifactStore, request_of: TrainEmbeddingRequest
) -> None:
    plain = replace(RECIPE, method="lora", hard_negatives=0, epochs=1, targets=("query",))
    made = train_embedding(store, replace(request_of, recipe=plain))
    document: Any = canonical_json.decode(store.get(made.manifest))
    for name in LATER_SETTINGS:
        del document["recipe"][name]
    old = read_embedding_manifest(store, store.put(canonical_json.encode(document)))
    assert old == read_embedding_manifest(store, made.manifest)
    assert old.is_adapter
