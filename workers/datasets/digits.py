"""Which real data the demo, tests and benchmarks use: scikit-learn's 1,797 handwritten digits.

Pixels 0..16 become integers 0..255. `demo_parts` cuts them into the five contributions of the demo; the
roles are known to whoever builds the data and to nobody after that.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from workers.datasets.records import Record

CLASSES = 10
PART_RECORDS = 300
HOLDOUT_RECORDS = 297
WRONG_LABEL_SHARE = 4
"""One record in this many gets a wrong label."""
COPY_NOISE = 0.02
"""Standard deviation of the copy's pixel noise, in parts of the pixels' range."""


@dataclass(frozen=True, slots=True)
class DigitsParts:
    """Five contributions and the queries held out. Part 3 has wrong labels at `wrong_indices`; part 4 is
    part 0 with pixel noise; parts 0 to 2 are clean. All but part 4 are disjoint."""

    parts: tuple[list[Record], ...]
    holdout: list[Record]
    wrong_indices: tuple[int, ...]


def load_records(seed: int) -> list[Record]:
    """All digits in an order drawn from `seed`."""
    images, labels = load_digits(return_X_y=True)
    pixels = np.rint(images * (255 / 16)).astype(np.uint8)
    order = np.random.default_rng(seed).permutation(len(labels))
    return [Record(pixels[i].tobytes(), int(labels[i])) for i in order]


def demo_parts(seed: int, copy_noise: float = COPY_NOISE, part_records: int = PART_RECORDS) -> DigitsParts:
    """Cut the digits for the demo; the same seed gives the same bytes."""
    records = load_records(seed)
    random = np.random.default_rng([seed, 1])
    clean = [records[i * part_records : (i + 1) * part_records] for i in range(4)]
    wrong = random.choice(part_records, part_records // WRONG_LABEL_SHARE, replace=False)
    clean[3] = [
        mislabel(record, random) if index in set(wrong.tolist()) else record
        for index, record in enumerate(clean[3])
    ]
    copy = [add_noise(record, copy_noise, random) for record in clean[0]]
    return DigitsParts(
        parts=(*clean, copy),
        holdout=records[-HOLDOUT_RECORDS:],
        wrong_indices=tuple(sorted(wrong.tolist())),
    )


def mislabel(record: Record, random: np.random.Generator) -> Record:
    """The record under a class that is not its own."""
    return Record(record.features, (record.label + int(random.integers(1, CLASSES))) % CLASSES)


def add_noise(record: Record, noise: float, random: np.random.Generator) -> Record:
    """The record with Gaussian noise of `noise` times the range on every pixel, clipped to it."""
    pixels: NDArray[np.float64] = np.frombuffer(record.features, dtype=np.uint8).astype(np.float64)
    noisy = pixels + random.normal(0.0, noise * 255, len(pixels))
    return Record(np.clip(np.rint(noisy), 0, 255).astype(np.uint8).tobytes(), record.label)
