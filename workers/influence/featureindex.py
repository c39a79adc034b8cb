"""What `fit` gives back: integer rows in parts, in memory or mapped from files, and exact searches over
them."""

import json
import mmap
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from workers.artifacts.tensors import Array, decode_tensors
from workers.errors import InvalidInputError
from workers.influence.products import exact_products
from workers.integers import MAX_NORM_SQUARED, row_integers

DOCUMENT = "index.json"
BLOCK_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class RowPart:
    """Consecutive rows: mantissas (n, k) int8, exponents (n,) uint8, self-influence h (n,) float64, or the
    squared row limit where that is larger."""

    mantissas: NDArray[np.int8]
    exponents: NDArray[np.uint8]
    self_influence: NDArray[np.float64]

    @classmethod
    def of(cls, tensors: dict[str, Array]) -> "RowPart":
        """From a rows file's tensors."""
        return cls(tensors["mantissas"], tensors["exponents"], tensors["self_influence"])

    def tensors(self) -> dict[str, Array]:
        """As a rows file's tensors."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, repr=False)
class FeatureIndex:
    """Rows of all records, in order. `preconditioner` is the artefact they depend on."""

    parts: tuple[RowPart, ...]
    preconditioner: bytes

    def __repr__(self) -> str:
        return f"FeatureIndex({len(self):,} records, {self.dimensions:,} coordinates)"

    def __len__(self) -> int:
        return sum(len(part.mantissas) for part in self.parts)

    @property
    def dimensions(self) -> int:
        """k."""
        return int(self.parts[0].mantissas.shape[1])

    @property
    def self_influence(self) -> NDArray[np.float64]:
        """(N,): h of every record."""
        return np.concatenate([part.self_influence for part in self.parts])

    def mantissas(self) -> NDArray[np.int8]:
        """(N, k), all parts in memory."""
        return np.concatenate([part.mantissas for part in self.parts])

    def spooled_mantissas(self, folder: Path | None = None) -> NDArray[np.int8]:
        """(N, k), mapped from a temporary file in `folder` that is gone with it; may be written to."""
        with tempfile.TemporaryFile(dir=folder) as file:
            rows: NDArray[np.int8] = np.memmap(file, np.int8, mode="w+", shape=(len(self), self.dimensions))
        for first, block in self.blocks():
            rows[first : first + len(block.mantissas)] = block.mantissas
        return rows

    def exponents(self) -> NDArray[np.uint8]:
        """(N,)."""
        return np.concatenate([part.exponents for part in self.parts])

    def blocks(self) -> Iterator[tuple[int, RowPart]]:
        """(first record, rows) of at most 65,536 rows each."""
        first = 0
        for part in self.parts:
            for start in range(0, len(part.mantissas), BLOCK_ROWS):
                some = slice(start, start + BLOCK_ROWS)
                block = RowPart(part.mantissas[some], part.exponents[some], part.self_influence[some])
                yield first, block
                first += len(block.mantissas)

    def score(self, queries: NDArray[np.int16]) -> NDArray[np.int64]:
        """(R, N): the exact products `Φ · q`."""
        return np.concatenate([block_scores(block, queries) for _, block in self.blocks()], axis=1)

    def top(
        self, queries: NDArray[np.int16], count: int, *, is_raw: bool = False
    ) -> list[list[tuple[int, int]]]:
        """Per query the `count` records with the largest scores, as (record, score), best first; ties by
        place.

        `is_raw` ranks by score times √h: influence before normalisation.
        """
        best: list[list[tuple[float, int, int]]] = [[] for _ in queries]
        for first, block in self.blocks():
            scores = block_scores(block, queries)
            ranked = scores * np.sqrt(block.self_influence) if is_raw else scores
            for found, score, rank in zip(best, scores, ranked, strict=True):
                some = _largest(rank, count)
                found += [(-float(rank[i]), first + int(i), int(score[i])) for i in some]
                found.sort()
                del found[count:]
        return [[(record, score) for _, record, score in found] for found in best]

    def contributor_sums(
        self, owners: Sequence[int] | NDArray[np.int64], contributors: int = 0
    ) -> NDArray[np.int64]:
        """(C, k): exact integer sums of each owner's rows; a negative owner is nobody. C is `contributors`,
        or as many as there are."""
        places = np.asarray(owners, dtype=np.int64)
        if len(places) != len(self):
            raise InvalidInputError("one owner per record is needed")
        sums = np.zeros((contributors or int(places.max()) + 1, self.dimensions), dtype=np.int64)
        for first, block in self.blocks():
            some = places[first : first + len(block.mantissas)]
            kept = some >= 0
            np.add.at(sums, some[kept], row_integers(block.mantissas[kept], block.exponents[kept]))
        return sums


def block_scores(block: RowPart, queries: NDArray[np.int16]) -> NDArray[np.int64]:
    """(R, n) exact: products of mantissas, shifted by the rows' exponents; |score| ≤ 2^29."""
    scores: NDArray[np.int64] = exact_products(block.mantissas, queries) << block.exponents.astype(np.int64)
    assert np.abs(scores).max(initial=0) <= MAX_NORM_SQUARED
    return scores


def _largest(values: Array, count: int) -> Array:
    if len(values) <= count:
        return np.arange(len(values))
    # All that tie with the last one stay in, so that ties are decided by place and not by the partition.
    threshold = np.partition(values, -count)[-count]
    return np.flatnonzero(values >= threshold)


def encode_document(parts: int, records: int) -> bytes:
    """The index's own document, written when every part is there."""
    return json.dumps({"format": "influence-index/1", "parts": parts, "records": records}).encode()


def open_index(folder: Path) -> FeatureIndex:
    """An index that `fit` wrote, its rows mapped and not read; raises InvalidInputError when unfinished."""
    path = folder / DOCUMENT
    if not path.exists():
        raise InvalidInputError(f"{folder} holds no finished index")
    document = json.loads(path.read_text())
    parts = [open_part(folder / f"rows-{number:06d}.safetensors") for number in range(document["parts"])]
    return FeatureIndex(tuple(parts), (folder / "preconditioner.safetensors").read_bytes())


def open_part(path: Path) -> RowPart:
    """One rows file, mapped."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return RowPart.of(decode_tensors(cast(bytes, mapped)))
