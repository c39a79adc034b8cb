"""What the demo's contributors bring: real handwritten digits, prepared by a process of its own.

Who is clean, mislabelled or a copy is known here, to the narrator alone; the method never sees it.
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from openledger_node.errors import OpenLedgerError
from workers.datasets.export import HOLDOUT_FILE, WRONG_INDICES_FILE, part_file
from workers.datasets.records import Record, decode_jsonl

ROLES = ("clean", "clean", "clean", "wrong labels", "copy of 1")
ORIGINAL, MISLABELLED, COPY = 0, 3, 4


@dataclass(frozen=True, slots=True)
class DemoData:
    """Five contributions as their files' bytes, and the held-out records."""

    parts: tuple[bytes, ...]
    holdout: tuple[Record, ...]
    holdout_file: bytes
    wrong_indices: tuple[int, ...]


async def load_data(directory: Path, seed: int, copy_noise: float, part_records: int) -> DemoData:
    """Export into `directory` and read; raises OpenLedgerError when the AI packages are missing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workers.datasets.export",
        "--directory",
        str(directory),
        "--seed",
        str(seed),
        "--copy-noise",
        str(copy_noise),
        "--part-records",
        str(part_records),
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    if process.returncode != 0:
        last_line = errors.decode(errors="replace").strip().rpartition("\n")[2]
        raise OpenLedgerError(f"the demo's data could not be made ({last_line})", "install the workers extra")
    return await asyncio.to_thread(_read, directory)


def _read(directory: Path) -> DemoData:
    holdout_file = (directory / HOLDOUT_FILE).read_bytes()
    return DemoData(
        parts=tuple((directory / part_file(number)).read_bytes() for number in range(len(ROLES))),
        holdout=tuple(decode_jsonl(holdout_file)),
        holdout_file=holdout_file,
        wrong_indices=tuple(json.loads((directory / WRONG_INDICES_FILE).read_text())),
    )
