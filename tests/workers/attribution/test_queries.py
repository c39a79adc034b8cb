import numpy as np
import pytest

from genesis.commitments import merkle_layers, merkle_proof, merkle_root_from_proof
from tests.workers.attribution.vectors import make_queries
from workers.artifacts.store import ArtifactStore
from workers.artifacts.tensors import encode_tensors
from workers.attribution.commit import query_leaves
from workers.attribution.queries import Queries, encode_queries, read_queries
from workers.errors import InvalidInputError


def test_round_trip_and_proof(store: ArtifactStore) -> None:
    queries = make_queries(2)
    read = read_queries(store, store.put(encode_queries(queries)))
    assert (read.numbers, read.weights) == (queries.numbers, queries.weights)
    assert np.array_equal(read.vectors, queries.vectors)
    leaves = query_leaves(read.numbers, read.weights, read.vectors)
    proof = merkle_proof(merkle_layers(leaves), 1)
    assert merkle_root_from_proof(leaves[1], 1, proof) == queries.root()


@pytest.mark.parametrize(
    ("numbers", "weights"),
    [((), ()), ((0, 2), (1, 1)), ((-1, 0), (1, 1)), ((0, 1), (1, -1)), ((0, 1), (2**59, 2**59))],
)
def test_bad_receipts_are_refused(numbers: tuple[int, ...], weights: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInputError):
        Queries(np.zeros((len(numbers), 3), dtype=np.int16), numbers, weights)


def test_other_files_are_refused(store: ArtifactStore) -> None:
    with pytest.raises(InvalidInputError):
        read_queries(store, store.put(encode_tensors({"queries": np.zeros((1, 3))})))
