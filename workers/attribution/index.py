"""What a feature index is: committed integer rows, exact contributor sums, and the document naming them.

Torch-free, so that validators and gateways can read it. The files are described in `docs/formats.md`.
Covered: writing, reading with checks of shape, recomputing every root and sum from the rows.
Not covered: whether the rows are those of the model (a jury's question, `features`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from genesis.commitments import merkle_layers, merkle_proof
from genesis.types import Address, Hash32
from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactId, ArtifactStore, parse_id
from workers.artifacts.tensors import Array, decode_tensors, encode_in_parts, encode_tensors
from workers.attribution.commit import SumEvidence, pack_sum, row_leaves, sum_leaves
from workers.attribution.numerics import add_by_owner, exact_norms_squared
from workers.attribution.rowtree import RowTree, row_tree
from workers.errors import InvalidInputError
from workers.integers import check_rows, row_integers

FORMAT = "openledger-feature-index/1"
BLOCK_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class Rows:
    """N committed rows: mantissas (N, k) int8, exponents (N,) uint8, canonical index and owner (N,) int64,
    self-influence (N,) float64 (not committed: it only turns a paid score back into a raw one)."""

    mantissas: NDArray[np.int8]
    exponents: NDArray[np.uint8]
    canonical: NDArray[np.int64]
    owners: NDArray[np.int64]
    self_influence: NDArray[np.float64]

    @property
    def canonical_mask(self) -> NDArray[np.bool_]:
        """(N,) True for canonical records."""
        mask: NDArray[np.bool_] = self.canonical == np.arange(len(self.canonical))
        return mask

    def integers(self) -> NDArray[np.int64]:
        """`Φ = m·2^e` (N, k)."""
        return row_integers(self.mantissas, self.exponents)

    def contributor_sums(self, contributors: int) -> NDArray[np.int64]:
        """(C, k): exact sums of canonical rows, over blocks of rows so that integers of all need no room."""
        sums = np.zeros((contributors, self.mantissas.shape[1]), dtype=np.int64)
        mask = self.canonical_mask
        for first in range(0, len(self.mantissas), BLOCK_ROWS):
            some = slice(first, first + BLOCK_ROWS)
            kept = mask[some]
            add_by_owner(
                sums, self.mantissas[some][kept], self.exponents[some][kept], self.owners[some][kept]
            )
        return sums

    def tree(self, folder: Path | None = None) -> RowTree:
        """The rows' tree, its levels mapped from a file in `folder`."""
        return row_tree(self._leaves(), len(self.mantissas), folder)

    def root(self) -> Hash32:
        """Root of the rows' tree."""
        return self.tree().root

    def tensors(self) -> dict[str, Array]:
        """As the rows' file names them."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def _leaves(self) -> Iterator[list[Hash32]]:
        for first in range(0, len(self.mantissas), BLOCK_ROWS):
            some = slice(first, first + BLOCK_ROWS)
            yield row_leaves(
                self.mantissas[some], self.exponents[some], self.canonical[some], self.owners[some], first
            )


@dataclass(frozen=True)
class Sums:
    """Per contributor in index order: address, records of the version, canonical ones, `v_c` (C, k) int64 and
    its squared norm."""

    contributors: tuple[Address, ...]
    records: tuple[int, ...]
    canonical_records: tuple[int, ...]
    vectors: NDArray[np.int64]
    norms_squared: tuple[int, ...]

    def leaves(self) -> list[Hash32]:
        """Leaves of the sums' tree."""
        return sum_leaves(self.contributors, self.canonical_records, self.norms_squared, self.vectors)

    @cached_property
    def layers(self) -> list[list[Hash32]]:
        """All layers of the sums' tree, made once."""
        return merkle_layers(self.leaves())

    def root(self) -> Hash32:
        """Root of the sums' tree."""
        return self.layers[-1][0]

    def evidence(self, index: int) -> SumEvidence:
        """Contributor `index`'s sum with its proof to the root."""
        return SumEvidence(
            records=self.canonical_records[index],
            norm_squared=self.norms_squared[index],
            vector=pack_sum(self.vectors[index]),
            proof=tuple(merkle_proof(self.layers, index)),
        )


@dataclass(frozen=True, slots=True)
class FeatureIndex:
    """A read index document. `numeric_profile` and `preconditioner` are artefacts too."""

    manifest: ArtifactId
    preconditioner: ArtifactId
    numeric_profile: ArtifactId
    rows: ArtifactId
    rows_root: Hash32
    sums_root: Hash32
    record_count: int
    sums: Sums

    @property
    def dimensions(self) -> int:
        """k."""
        return int(self.sums.vectors.shape[1])


def sums_of(rows: Rows, contributors: Sequence[Address]) -> Sums:
    """Exact sums over canonical rows; raises InvalidInputError for rows of nobody."""
    if len(rows.owners) and not 0 <= rows.owners.min() <= rows.owners.max() < len(contributors):
        raise InvalidInputError(f"a row belongs to none of the {len(contributors)} contributors")
    vectors = rows.contributor_sums(len(contributors))
    counts, canonical = (
        np.bincount(owners, minlength=len(contributors)).tolist()
        for owners in (rows.owners, rows.owners[rows.canonical_mask])
    )
    return Sums(
        contributors=tuple(contributors),
        records=tuple(counts),
        canonical_records=tuple(canonical),
        vectors=vectors,
        norms_squared=tuple(exact_norms_squared(vectors)),
    )


def write_index(
    store: ArtifactStore,
    *,
    manifest: ArtifactId,
    preconditioner: ArtifactId,
    numeric_profile: ArtifactId,
    rows: Rows,
    contributors: Sequence[Address],
) -> ArtifactId:
    """Keep rows, sums and the document that names them; returns the document."""
    check_rows(rows.mantissas, rows.exponents)
    named = {"manifest": manifest, "preconditioner": preconditioner, "numeric_profile": numeric_profile}
    return publish_index(store, named, rows, sums_of(rows, contributors))


def publish_index(
    store: ArtifactStore, named: Mapping[str, ArtifactId], rows: Rows, sums: Sums
) -> ArtifactId:
    """Keep whatever rows and sums it is given, with their roots; `named` are the document's other files."""
    tree = rows.tree(store.directory)
    document = {
        "format": FORMAT,
        **named,
        "row_tree": store.put_parts(encode_in_parts(tree.tensors())),
        "rows": store.put_parts(encode_in_parts(rows.tensors())),
        "sums": store.put(encode_tensors({"sums": sums.vectors})),
        "rows_root": "0x" + tree.root.hex(),
        "sums_root": "0x" + sums.root().hex(),
        "record_count": len(rows.mantissas),
        "dimensions": int(sums.vectors.shape[1]),
        "contributors": [
            {
                "contributor": "0x" + contributor.hex(),
                "records": sums.records[index],
                "canonical_records": sums.canonical_records[index],
                "norm_squared": str(sums.norms_squared[index]),
            }
            for index, contributor in enumerate(sums.contributors)
        ],
    }
    return store.put(canonical_json.encode(document))


def read_index(store: ArtifactStore, name: str) -> FeatureIndex:
    """Read the document and the sums and check them against `sums_root`.

    Raises InvalidInputError, ArtifactError.
    """
    document = canonical_json.decode(store.get(name))
    try:
        index = _parse(store, document)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(f"{name} is not a feature index: {error!r}") from error
    try:
        root = index.sums.root()
    except (OverflowError, TypeError) as error:
        raise InvalidInputError(f"feature index {name}: a sum's counts are no numbers: {error}") from error
    if root != index.sums_root:
        raise InvalidInputError(f"feature index {name}: the sums do not hash to their root")
    return index


def _parse(store: ArtifactStore, document: Any) -> FeatureIndex:
    if document["format"] != FORMAT:
        raise InvalidInputError(f"feature index format {document['format']!r} is not {FORMAT!r}")
    entries = document["contributors"]
    vectors = decode_tensors(store.get(document["sums"]))["sums"]
    if vectors.dtype != np.int64 or vectors.shape != (len(entries), document["dimensions"]):
        raise InvalidInputError("feature index: the sums' shape does not fit the document")
    return FeatureIndex(
        manifest=parse_id(document["manifest"]),
        preconditioner=parse_id(document["preconditioner"]),
        numeric_profile=parse_id(document["numeric_profile"]),
        rows=parse_id(document["rows"]),
        rows_root=Hash32(bytes.fromhex(document["rows_root"][2:])),
        sums_root=Hash32(bytes.fromhex(document["sums_root"][2:])),
        record_count=document["record_count"],
        sums=Sums(
            contributors=tuple(Address(bytes.fromhex(entry["contributor"][2:])) for entry in entries),
            records=tuple(entry["records"] for entry in entries),
            canonical_records=tuple(entry["canonical_records"] for entry in entries),
            vectors=vectors,
            norms_squared=tuple(int(entry["norm_squared"]) for entry in entries),
        ),
    )


def encode_rows(rows: Rows) -> bytes:
    """The rows' file."""
    return encode_tensors(rows.tensors())


def read_rows(store: ArtifactStore, name: str) -> Rows:
    """The rows of an index, mapped, with range, exponent, norm and shape checked."""
    rows = decode_rows(cast(bytes, store.mapped(name)))
    check_rows(rows.mantissas, rows.exponents)
    return rows


def decode_rows(data: bytes) -> Rows:
    """A rows file as it is, shapes checked and nothing else: what a challenger reads."""
    tensors = decode_tensors(data)
    try:
        rows = Rows(**{field: tensors[field] for field in Rows.__dataclass_fields__})
    except KeyError as error:
        raise InvalidInputError(f"not a rows file: {error}") from error
    _check_shapes(rows)
    return rows


def _check_shapes(rows: Rows) -> None:
    expected: list[tuple[Array, type, int]] = [
        (rows.mantissas, np.int8, 2),
        (rows.exponents, np.uint8, 1),
        (rows.canonical, np.int64, 1),
        (rows.owners, np.int64, 1),
        (rows.self_influence, np.float64, 1),
    ]
    for array, dtype, axes in expected:
        if array.dtype != dtype or array.ndim != axes or len(array) != len(rows.mantissas):
            raise InvalidInputError("rows file: a tensor has the wrong type or shape")


def verify_index(store: ArtifactStore, name: str) -> FeatureIndex:
    """Read everything and recompute roots and sums from the rows; raises InvalidInputError if one differs."""
    index = read_index(store, name)
    rows = read_rows(store, index.rows)
    if rows.root() != index.rows_root or len(rows.mantissas) != index.record_count:
        raise InvalidInputError(f"feature index {name}: the rows do not hash to their root")
    sums = sums_of(rows, index.sums.contributors)
    if sums.root() != index.sums_root or sums.records != index.sums.records:
        raise InvalidInputError(f"feature index {name}: the sums are not those of its rows")
    return index
