from dataclasses import replace

import numpy as np
import pytest

from genesis.commitments import merkle_root_from_proof
from tests.workers.attribution.vectors import CONTRIBUTORS, NO_NAME, make_rows
from workers.artifacts.canonical_json import decode, encode
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.attribution.index import encode_rows, read_index, read_rows, sums_of, verify_index, write_index
from workers.errors import InvalidInputError


def written(store: ArtifactStore) -> ArtifactId:
    return write_index(
        store,
        manifest=NO_NAME,
        preconditioner=NO_NAME,
        numeric_profile=NO_NAME,
        rows=make_rows(),
        contributors=CONTRIBUTORS,
    )


def test_round_trip_and_proofs(store: ArtifactStore) -> None:
    index = verify_index(store, written(store))
    rows = make_rows()
    assert index.sums.records == (4, 4, 2, 2)
    assert index.sums.canonical_records == (4, 4, 2, 0)
    assert np.array_equal(index.sums.vectors[0], rows.integers()[:4].sum(axis=0))
    assert not index.sums.vectors[3].any()
    for number, leaf in enumerate(index.sums.leaves()):
        proof = index.sums.evidence(number).proof
        assert merkle_root_from_proof(leaf, number, proof) == index.sums_root


def altered(store: ArtifactStore, **changes: object) -> ArtifactId:
    document = decode(store.get(written(store)))
    return store.put(encode({**document, **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "openledger-feature-index/9"},
        {"dimensions": 3},
        {"sums_root": "0x" + "00" * 32},
        {"contributors": []},
        {"contributors": 1},
    ],
)
def test_documents_that_contradict_themselves_are_refused(
    store: ArtifactStore, changes: dict[str, object]
) -> None:
    with pytest.raises(InvalidInputError):
        read_index(store, altered(store, **changes))


def test_verify_finds_other_rows(store: ArtifactStore) -> None:
    rows = make_rows()
    mantissas = rows.mantissas.copy()
    mantissas[1, 0] += 1
    other = store.put(encode_rows(replace(rows, mantissas=mantissas)))
    name = altered(store, rows=other)
    assert read_index(store, name).rows_root == rows.root()
    with pytest.raises(InvalidInputError, match="rows do not hash"):
        verify_index(store, name)


def test_verify_finds_wrong_sums(store: ArtifactStore) -> None:
    rows = make_rows()
    generous = sums_of(replace(rows, canonical=np.arange(12)), CONTRIBUTORS)
    name = write_index(
        store,
        manifest=NO_NAME,
        preconditioner=NO_NAME,
        numeric_profile=NO_NAME,
        rows=replace(rows, canonical=np.arange(12)),
        contributors=CONTRIBUTORS,
    )
    document = decode(store.get(name))
    document["rows"] = store.put(encode_rows(rows))
    document["rows_root"] = "0x" + rows.root().hex()
    assert generous.root() != sums_of(rows, CONTRIBUTORS).root()
    with pytest.raises(InvalidInputError, match="sums are not those"):
        verify_index(store, store.put(encode(document)))


def test_rows_files_are_checked(store: ArtifactStore) -> None:
    rows = make_rows()
    short = replace(rows, owners=rows.owners[:-1])
    wrong_type = replace(rows, canonical=rows.canonical.astype(np.int32))
    for bad in (short, wrong_type):
        with pytest.raises(InvalidInputError):
            read_rows(store, store.put(encode_rows(bad)))
    with pytest.raises(InvalidInputError):
        read_rows(store, store.put(encode_rows(rows).replace(b"owners", b"ownerz")))
