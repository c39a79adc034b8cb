"""How fast rows are made, a million of them searched, and passages found.

    OMP_NUM_THREADS=1 python -m benchmarks.attribution.scale [--rows 1000000] [--device cpu]

Rows are made of 16,384 digits with noise by the default profile in two shards and timed; the million-row
index holds random rows in 16 mapped parts of the same form, since its search does not depend on what they
hold.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.attribution import digits
from workers.artifacts.tensors import encode_tensors
from workers.influence import Attributor, ClassificationTask, Profile
from workers.influence.featureindex import RowPart, encode_document, open_index
from workers.influence.spans import SpanIndex
from workers.influence.stages import write_whole

PARTS = 16
DIMENSIONS = 512


def main() -> None:
    """Print one line per measurement."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        make_rows(Path(name) / "made", options.device)
        search_rows(Path(name) / "random", options.rows)
    find_spans()
    print(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def make_rows(folder: Path, device: str) -> None:
    """Rows per CPU-second."""
    data = digits.load()
    random = torch.Generator().manual_seed(0)
    inputs = data.inputs.repeat(17, 1)[:16_384]
    inputs = inputs + 0.1 * torch.randn(inputs.shape, generator=random)
    labels = data.labels.repeat(17)[:16_384]
    attributor = Attributor(ClassificationTask(digits.train(1)[0]), Profile(dtype="float32"), device)
    attributor.fit((data.inputs, data.labels))
    started_s = time.process_time()
    attributor.rows((inputs, labels))
    spent_s = time.process_time() - started_s
    print(
        f"rows of {DIMENSIONS} bytes: {len(inputs) / spent_s:,.0f} a CPU-second; 10^9 rows take "
        f"{1e9 * spent_s / len(inputs) / 86_400:.1f} CPU-days and {1e9 * (DIMENSIONS + 9) / 2**40:.2f} TiB"
    )


def random_rows(folder: Path, rows: int) -> None:
    """An index of random rows in mapped parts."""
    folder.mkdir()
    random = np.random.default_rng(0)
    size = rows // PARTS
    for number in range(PARTS):
        part = RowPart(
            random.integers(-127, 128, (size, DIMENSIONS), dtype=np.int8),
            random.integers(0, 3, size).astype(np.uint8),
            np.ones(size),
        )
        write_whole(folder / f"rows-{number:06d}.safetensors", encode_tensors(part.tensors()))
    write_whole(folder / "preconditioner.safetensors", b"")
    write_whole(folder / "index.json", encode_document(PARTS, size * PARTS))


def search_rows(folder: Path, rows: int) -> None:
    """Top ten of a million rows, for one and for eight queries."""
    random_rows(folder, rows)
    index = open_index(folder)
    queries = np.random.default_rng(1).integers(-500, 500, (8, DIMENSIONS)).astype(np.int16)
    index.top(queries[:1], 10)
    for count in (1, 8):
        started_s, wall_s = time.process_time(), time.monotonic()
        index.top(queries[:count], 10)
        print(
            f"top ten of {len(index):,} rows, {count} queries: {time.process_time() - started_s:.3f} CPU-s, "
            f"{time.monotonic() - wall_s:.3f} s"
        )


def find_spans() -> None:
    """Suffix array of Python's own sources, and lookups of 128-byte responses."""
    library = Path(argparse.__file__).parent
    texts = [path.read_bytes().replace(b"\0", b" ") for path in sorted(library.glob("*.py"))]
    size = sum(map(len, texts)) / 1e6
    started_s = time.process_time()
    index = SpanIndex(texts)
    spent_s = time.process_time() - started_s
    print(f"spans: {size:.1f} MB indexed at {size / spent_s:.1f} MB a CPU-second")
    random = np.random.default_rng(0)
    responses = []
    for _ in range(200):
        text = texts[random.integers(len(texts))]
        start = int(random.integers(max(1, len(text) - 64)))
        responses.append(text[start : start + 64] + bytes(random.integers(97, 123, 64, dtype=np.uint8)))
    started_s = time.process_time()
    for response in responses:
        index.spans(response)
    spent_ms = 1e3 * (time.process_time() - started_s) / len(responses)
    print(f"spans of a response of 128 bytes: {spent_ms:.2f} CPU-ms")


if __name__ == "__main__":
    main()
