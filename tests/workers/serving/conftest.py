"""One small random base with three adapters, stored as artefacts, for all serving tests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.workers.serving.models import ADAPTER_KINDS, FAMILIES, make_adapters, make_base
from workers.artifacts.folders import store_folder
from workers.artifacts.store import ArtifactStore
from workers.serving.server import folder_hash


@dataclass(frozen=True)
class Shelf:
    """A base's folder, its adapters' folders and hashes by kind, and the PEFT model that made them."""

    base: Path
    adapters: Path
    store: ArtifactStore
    hashes: dict[str, str]
    adapted: Any


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Read only."""
    root = tmp_path_factory.mktemp("shelf")
    model = make_base(root / "base", FAMILIES["llama"])
    adapted = make_adapters(model, root / "adapters", f"sha256:{folder_hash(root / 'base')}")
    store = ArtifactStore(root / "artifacts")
    hashes = {kind.name: store_folder(store, root / "adapters" / kind.name) for kind in ADAPTER_KINDS}
    return Shelf(root / "base", root / "adapters", store, dict(hashes), adapted)
