"""Adapters by hash: checked on every read, kept while memory lasts, pinned, refused with reasons."""

import json
from pathlib import Path

import pytest
import torch

from tests.workers.serving.conftest import Shelf
from workers.artifacts import canonical_json
from workers.artifacts.folders import FORMAT, store_folder
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.serving.adapters.geometry import products_of
from workers.serving.adapters.library import AdapterLibrary, BaseModel
from workers.serving.adapters.peft_adapter import CONFIG_FILE, TENSOR_FILE, PackedAdapter
from workers.serving.errors import AdapterRefusedError, ModelNotFoundError
from workers.serving.model.shape import read_shape
from workers.serving.server import folder_hash


def library_of(shelf: Shelf, store: ArtifactStore, memory_bytes: int = 1 << 30) -> AdapterLibrary:
    shape = read_shape(shelf.base)
    base = BaseModel(products_of(shape), shape.layers, torch.float32, folder_hash(shelf.base), is_tiled=False)
    return AdapterLibrary(store, base, max_rank=16, memory_bytes=memory_bytes, most_pinned=1)


def wait_for(library: AdapterLibrary, folder: str) -> PackedAdapter:
    while (packed := library.packed(folder)) is None:
        library.prefetch(folder)
    assert isinstance(packed, PackedAdapter)
    return packed


def test_memory_holds_the_recent_and_the_pinned(shelf: Shelf) -> None:
    sizes = {}
    for name, folder in shelf.hashes.items():
        library = library_of(shelf, shelf.store)
        sizes[name] = wait_for(library, folder).size_bytes
        library.close()
    library = library_of(shelf, shelf.store, memory_bytes=max(sizes.values()) + min(sizes.values()))
    attention, everything, some = (ArtifactId(folder) for folder in shelf.hashes.values())
    library.add_alias("mine", library.resolve(f"sha256:{attention}"), pin=True)
    for folder in (everything, some, everything):
        wait_for(library, folder)
    statistics = library.statistics()
    assert library.is_pinned(attention)
    assert statistics.memory_bytes <= max(sizes.values()) + min(sizes.values())
    assert statistics.loads == 4
    loads = statistics.loads
    wait_for(library, attention)
    assert library.statistics().loads == loads
    with pytest.raises(AdapterRefusedError, match="pinned"):
        library.add_alias("other", everything, pin=True)
    assert library.remove("mine") == attention
    assert library.statistics().known == 2
    library.close()


def test_a_model_is_named_by_hash_or_alias(shelf: Shelf) -> None:
    library = library_of(shelf, shelf.store)
    for name in ("nothing", "sha256:12", "sha256:" + "0" * 64):
        with pytest.raises(ModelNotFoundError):
            library.resolve(name)
    folder = library.resolve(f"sha256:{shelf.hashes['some']}")
    library.add_alias("one", folder, pin=False)
    library.add_alias("two", folder, pin=False)
    assert library.resolve("two") == folder
    assert library.remove("one") is None
    assert library.remove("two") == folder
    with pytest.raises(ModelNotFoundError):
        library.remove("two")
    library.close()


def test_an_adapter_of_another_base_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    config = json.loads((shelf.adapters / "some" / CONFIG_FILE).read_text())
    config["base_model_name_or_path"] = "sha256:" + "1" * 64
    files = {
        CONFIG_FILE: store.put(json.dumps(config).encode()),
        TENSOR_FILE: store.put((shelf.adapters / "some" / TENSOR_FILE).read_bytes()),
    }
    folder = store.put(canonical_json.encode({"format": FORMAT, "files": files}))
    library = library_of(shelf, store)
    with pytest.raises(AdapterRefusedError, match="was trained on sha256:1111"):
        library.resolve(f"sha256:{folder}")
    library.close()


@pytest.mark.parametrize("data", [b"\x80\x04\x95 pickled", b"PK\x03\x04 torch archive", b"\xff" * 100])
def test_pickles_are_refused_by_content(shelf: Shelf, tmp_path: Path, data: bytes) -> None:
    store = ArtifactStore(tmp_path)
    config = store.put((shelf.adapters / "some" / CONFIG_FILE).read_bytes())
    files = {CONFIG_FILE: config, TENSOR_FILE: store.put(data)}
    folder = store.put(canonical_json.encode({"format": FORMAT, "files": files}))
    library = library_of(shelf, store)
    with pytest.raises(AdapterRefusedError):
        library.resolve(f"sha256:{folder}")
    assert library.statistics().known == 0
    library.close()


def test_a_larger_file_than_any_adapter_is_not_read(shelf: Shelf, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    config = store.put((shelf.adapters / "some" / CONFIG_FILE).read_bytes())
    tensors = store.put(bytes(4 << 20))
    folder = store.put(
        canonical_json.encode({"format": FORMAT, "files": {CONFIG_FILE: config, TENSOR_FILE: tensors}})
    )
    library = library_of(shelf, store)
    with pytest.raises(AdapterRefusedError, match="at most"):
        library.resolve(f"sha256:{folder}")
    library.close()


def test_the_base_has_the_hash_it_is_stored_under(shelf: Shelf, tmp_path: Path) -> None:
    assert folder_hash(shelf.base) == store_folder(ArtifactStore(tmp_path), shelf.base)
