"""Checkpoints of abandoned runs go when nobody wrote to them for long; others stay."""

import os
import time
from pathlib import Path

from workers.artifacts.store import ArtifactStore
from workers.protocol.identity import FOLDER
from workers.training.checkpoints import KEPT_S, remove_abandoned


def test_old_checkpoints_go(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    assert remove_abandoned(store) == (0, 0)
    folder = tmp_path / FOLDER
    folder.mkdir()
    now_s = time.time()
    for name, age_s in (
        ("new", 60.0),
        ("last", KEPT_S - 60.0),
        ("old", KEPT_S + 60.0),
        ("old.part", 2 * KEPT_S),
    ):
        (folder / name).write_bytes(b"weights")
        os.utime(folder / name, (now_s - age_s, now_s - age_s))
    assert remove_abandoned(store) == (2, 14)
    assert sorted(path.name for path in folder.iterdir()) == ["last", "new"]
