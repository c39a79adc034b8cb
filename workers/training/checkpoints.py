"""Where runs leave their checkpoints, and when those of abandoned runs go.

A checkpoint is named by all that decides a run's bits, the request first and then the machine, so a run finds
its own and nobody else's. A finished run removes it; one that was cancelled or failed keeps it, to be taken
up again.
"""

import time
from pathlib import Path
from typing import Any

from workers.artifacts.store import ArtifactStore
from workers.protocol.identity import FOLDER, digest_of, run_name
from workers.training.text_manifest import numerics

KEPT_S = 14 * 24 * 3_600
"""An abandoned run can be taken up for two weeks."""


def checkpoint_path(store: ArtifactStore, request: Any) -> Path:
    """Where the run of a request leaves its checkpoints: beside the artefacts."""
    name = f"{run_name(request)}-{digest_of(numerics())}.safetensors"
    return store.directory.parent / FOLDER / name


def remove_abandoned(store: ArtifactStore, kept_s: float = KEPT_S) -> tuple[int, int]:
    """Remove what nobody wrote to for `kept_s`, halves of a killed write too; files and bytes."""
    files = size_bytes = 0
    oldest_s = time.time() - kept_s
    for path in (store.directory.parent / FOLDER).glob("*"):
        try:
            found = path.stat()
            if found.st_mtime < oldest_s:
                path.unlink()
                files, size_bytes = files + 1, size_bytes + found.st_size
        except FileNotFoundError:
            continue  # another worker was faster
    return files, size_bytes
