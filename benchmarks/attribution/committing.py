"""What it costs to commit a million rows, and how much memory that takes. Needs the node's `genesis`.

OMP_NUM_THREADS=1 python -m benchmarks.attribution.committing [--rows 1000000]
"""

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.attribution.scale import random_rows
from genesis.types import Address
from workers.artifacts.store import ArtifactStore
from workers.attribution.index import Rows, publish_index, sums_of
from workers.influence.featureindex import open_index


def commit_rows(folder: Path, artifacts: Path, rows: int) -> None:
    """Random rows committed for a hundred contributors: tree, sums and files, one block at a time."""
    random_rows(folder, rows)
    index = open_index(folder)
    count = len(index)
    committed = Rows(
        index.spooled_mantissas(folder),
        index.exponents(),
        np.arange(count),
        np.arange(count) % 100,
        index.self_influence,
    )
    store = ArtifactStore(artifacts)
    placeholder = store.put(b"")
    contributors = [Address(number.to_bytes(20, "big")) for number in range(100)]
    named = {"manifest": placeholder, "preconditioner": placeholder, "numeric_profile": placeholder}
    with PeakMemory() as peak:
        started_s = time.process_time()
        publish_index(store, named, committed, sums_of(committed, contributors))
        spent_s = time.process_time() - started_s
    print(
        f"{count:,} rows committed: {spent_s:.1f} CPU-s, {peak.grown_bytes / 2**20:.0f} MiB at most, "
        "beside the files"
    )


class PeakMemory:
    """How much a process's own memory, without mapped files, grows inside: looked at a hundred times a
    second. Linux only."""

    def __enter__(self) -> "PeakMemory":
        self.grown_bytes, self._first_bytes = 0, self._own_bytes()
        self._is_done = threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_done.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._is_done.wait(0.01):
            self.grown_bytes = max(self.grown_bytes, self._own_bytes() - self._first_bytes)

    @staticmethod
    def _own_bytes() -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("RssAnon")))


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        commit_rows(Path(name) / "random", Path(name) / "artifacts", rows)


if __name__ == "__main__":
    main()
