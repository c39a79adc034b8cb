"""Where the shared fixture archives are, unpacked once per test run."""

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("OPENLEDGER_SHARED", HERE.parents[1] / ".." / "shared"))


def archive_path(name: str) -> Path:
    return SHARED / "conformance" / f"{name}.tar.xz"


def unpack(name: str, target: Path) -> Path:
    """Folder with the archive's files."""
    folder = target / name
    with tarfile.open(archive_path(name)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def files(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(relative path, content) of each fixture file, in order."""
    for path in sorted(folder.rglob("*.json")):
        yield path.relative_to(folder).as_posix(), json.loads(path.read_bytes())
