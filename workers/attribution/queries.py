"""What a settlement's queries file holds: one int16 query per receipt, with number and weight."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genesis.commitments import MAX_WEIGHT_SUM, merkle_root
from genesis.types import Hash32
from workers.artifacts.store import ArtifactStore
from workers.artifacts.tensors import decode_tensors, encode_tensors
from workers.attribution.commit import query_leaves
from workers.attribution.numerics import weighted_query
from workers.errors import InvalidInputError
from workers.integers import check_queries


@dataclass(frozen=True, slots=True)
class Queries:
    """R queries (R, k) int16 with their receipts' numbers (consecutive) and fee weights."""

    vectors: NDArray[np.int16]
    numbers: tuple[int, ...]
    weights: tuple[int, ...]

    def __post_init__(self) -> None:
        check_receipts(self.numbers, self.weights)
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.numbers):
            raise InvalidInputError("one query per receipt is needed")
        check_queries(self.vectors)

    def root(self) -> Hash32:
        """`queriesRoot` of the settlement."""
        return merkle_root(query_leaves(self.numbers, self.weights, self.vectors))

    def batch_query(self) -> list[int]:
        """`Q = Σ w·q`, exact."""
        return weighted_query(self.vectors, self.weights)


def check_receipts(numbers: Sequence[int], weights: Sequence[int]) -> None:
    """Numbers are consecutive, weights at least 0 and below 2^60 in all; raises InvalidInputError."""
    if not numbers or list(numbers) != list(range(numbers[0], numbers[0] + len(numbers))) or numbers[0] < 0:
        raise InvalidInputError("a settlement's receipts have consecutive numbers")
    if any(weight < 0 for weight in weights) or sum(weights) >= MAX_WEIGHT_SUM:
        raise InvalidInputError("weights are at least 0 and sum to less than 2^60")


def encode_queries(queries: Queries) -> bytes:
    """The queries' file."""
    return encode_tensors(
        {
            "queries": queries.vectors,
            "numbers": np.array(queries.numbers, dtype=np.int64),
            "weights": np.array(queries.weights, dtype=np.int64),
        }
    )


def read_queries(store: ArtifactStore, name: str) -> Queries:
    """Queries of a settlement, checked; raises InvalidInputError, ArtifactError."""
    return Queries(*decode_queries(store.get(name)))


def decode_queries(data: bytes) -> tuple[NDArray[np.int16], tuple[int, ...], tuple[int, ...]]:
    """A queries file as it is, types checked and nothing else: vectors, numbers, weights."""
    tensors = decode_tensors(data)
    if set(tensors) != {"queries", "numbers", "weights"} or tensors["queries"].dtype != np.int16:
        raise InvalidInputError("not a queries file")
    numbers, weights = (
        tuple(int(value) for value in tensors[name].tolist()) for name in ("numbers", "weights")
    )
    return tensors["queries"], numbers, weights
