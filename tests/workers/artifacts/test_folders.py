"""Model folders: the same bytes come back, and nothing that runs code or leaves the folder gets in."""

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from workers.artifacts import canonical_json
from workers.artifacts.folders import materialise, read_folder, store_folder
from workers.artifacts.store import ArtifactStore, artifact_id
from workers.artifacts.tensors import encode_tensors
from workers.errors import ArtifactError, InvalidInputError

TENSORS = encode_tensors({"weight": np.ones((2, 2), dtype=np.float32)})


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "config.json").write_text('{"hidden_size": 8}')
    (folder / "model.safetensors").write_bytes(TENSORS)
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "1_Pooling" / "config.json").write_text("{}")
    return folder


def test_the_same_files_come_back_and_give_the_same_name(
    store: ArtifactStore, model: Path, tmp_path: Path
) -> None:
    name = store_folder(store, model)
    again = materialise(store, name, tmp_path / "cache")
    assert again == tmp_path / "cache" / name
    assert {file.relative_to(again) for file in again.rglob("*") if file.is_file()} == {
        file.relative_to(model) for file in model.rglob("*") if file.is_file()
    }
    assert (again / "model.safetensors").read_bytes() == TENSORS
    assert store_folder(store, again) == name


def test_the_document_is_the_contract(store: ArtifactStore, model: Path) -> None:
    document = json.loads(store.get(store_folder(store, model)))
    assert document["format"] == "openledger-folder/1"
    assert document["files"]["model.safetensors"] == artifact_id(TENSORS)
    assert set(document) == {"format", "files"}


def test_a_changed_copy_is_replaced(store: ArtifactStore, model: Path, tmp_path: Path) -> None:
    name = store_folder(store, model)
    copy = materialise(store, name, tmp_path / "cache")
    (copy / "config.json").write_text('{"hidden_size": 9}')
    (copy / "extra.json").write_text("{}")
    materialise(store, name, tmp_path / "cache")
    assert (copy / "config.json").read_text() == '{"hidden_size": 8}'
    assert not (copy / "extra.json").exists()


def test_a_missing_or_corrupt_file_leaves_nothing_behind(
    store: ArtifactStore, model: Path, tmp_path: Path
) -> None:
    name = store_folder(store, model)
    store.path(artifact_id(TENSORS)).write_bytes(b"something else")
    with pytest.raises(ArtifactError, match="corrupt"):
        materialise(store, name, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "a.pt", "a.pkl", "modeling.py", "model.safetensors.gz"]
)
def test_other_file_types_are_refused_by_name(store: ArtifactStore, model: Path, name: str) -> None:
    (model / name).write_bytes(b"{}")
    with pytest.raises(InvalidInputError, match="only"):
        store_folder(store, model)


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.model", "config.json", "vocab.txt"])
def test_pickles_are_refused_by_content(store: ArtifactStore, model: Path, name: str, protocol: int) -> None:
    (model / name).write_bytes(pickle.dumps({"a": 1}, protocol=protocol))
    with pytest.raises(InvalidInputError, match="pickle"):
        store_folder(store, model)


@pytest.mark.parametrize(
    "name",
    [
        "../evil.json",
        "/etc/evil.json",
        "a/../../evil.json",
        "a//b.json",
        ".hidden.json",
        "a\\b.json",
        "é.json",
        "a/",
    ],
)
def test_names_that_leave_the_folder_are_refused(store: ArtifactStore, tmp_path: Path, name: str) -> None:
    document = {"format": "openledger-folder/1", "files": {name: store.put(b"{}")}}
    with pytest.raises(InvalidInputError):
        materialise(store, store.put(canonical_json.encode(document)), tmp_path / "cache")
    assert not (tmp_path / "evil.json").exists()


@pytest.mark.parametrize(
    "files", [{}, {"a.json": 1}, {"a.json": "00"}, {"a.json": "00" * 32, "A.json": "00" * 32}, []]
)
def test_malformed_documents_are_refused(store: ArtifactStore, files: object) -> None:
    with pytest.raises((InvalidInputError, ArtifactError)):
        read_folder(
            store, store.put(canonical_json.encode({"format": "openledger-folder/1", "files": files}))
        )


def test_a_name_that_is_a_folder_and_a_file_is_refused(store: ArtifactStore) -> None:
    files = {"a.json": "00" * 32, "a.json/b.json": "00" * 32}
    with pytest.raises(InvalidInputError, match="same file"):
        read_folder(
            store, store.put(canonical_json.encode({"format": "openledger-folder/1", "files": files}))
        )


def test_content_is_checked_again_on_the_way_out(store: ArtifactStore, tmp_path: Path) -> None:
    files = {"model.safetensors": store.put(pickle.dumps([1]))}
    name = store.put(canonical_json.encode({"format": "openledger-folder/1", "files": files}))
    with pytest.raises(InvalidInputError, match="pickle"):
        materialise(store, name, tmp_path / "cache")


@pytest.mark.parametrize("data", [b"", b"12345678", b"\xff" * 16, (2).to_bytes(8, "little") + b"[]"])
def test_weights_that_are_no_safetensors_are_refused(store: ArtifactStore, model: Path, data: bytes) -> None:
    (model / "model.safetensors").write_bytes(data)
    with pytest.raises(InvalidInputError, match="safetensors"):
        store_folder(store, model)


def test_links_are_refused(store: ArtifactStore, model: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    (model / "link.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(InvalidInputError, match="link"):
        store_folder(store, model)


def test_nested_brackets_do_not_end_a_process_with_a_high_recursion_limit(
    store: ArtifactStore, model: Path
) -> None:
    """The engine's library raises Python's limit, under which the parser would overflow the C stack."""
    deep = b"[" * 200_000
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        for name, data in (
            ("config.json", deep),
            ("model.safetensors", len(deep).to_bytes(8, "little") + deep),
        ):
            (model / name).write_bytes(data)
            with pytest.raises(InvalidInputError, match="deeper"):
                store_folder(store, model)
            (model / name).unlink()
    finally:
        sys.setrecursionlimit(before)
