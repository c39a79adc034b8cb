"""Whether a committed feature index keeps its rules: a row for every record, in range; norms and sums exact.

Pure: no I/O, no torch, integers only. Order: (1) one row for each record of the model's sources; (2) what is
published must hash to what is committed; (3) every row; (4) every contributor's squared norm; (5) every
contributor's sum. The first fault is the verdict: one is enough to void an index.

Covered: what `challengeCount`, `challengeRow`, `challengeNorm` and a sum game prove. Not covered: whether
rows are those of the model and its records (`features`, by recomputing); whether rows name their records'
contributors and duplicates (`record_check`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genesis.commitments import ROW_BYTES, SUM_BYTES, merkle_layers, merkle_proof, vector_root
from genesis.types import Address, Hash32
from openledger_node.validator.leaves import sum_evidence, sum_leaves
from openledger_node.validator.records import ContributorSum, Right, Unprovable
from precompiles.views.attribution import RowEvidence, SumEvidence
from precompiles.views.juries import RowLeaf
from precompiles.views.models import FeatureIndex
from workers.artifacts.store import ArtifactId
from workers.attribution.commit import row_leaves
from workers.attribution.index import FeatureIndex as PublishedIndex
from workers.attribution.index import Rows
from workers.attribution.numerics import exact_norms_squared
from workers.integers import broken_rows

WAYS = 16
"""How many parts an answer in a sum game has, or one per row when there are fewer."""


@dataclass(frozen=True, slots=True)
class IndexInputs:
    """One index: what the chain says, how many records its model's sources have, its document and what that
    names, the published contributor sums and rows."""

    index_id: int
    index: FeatureIndex
    source_records: int
    document: ArtifactId
    published: PublishedIndex
    sums: tuple[ContributorSum, ...]
    rows: Rows

    @property
    def vectors(self) -> NDArray[np.int64]:
        """(C, k): the committed sums."""
        return np.stack([np.frombuffer(each.vector, ">i8").astype(np.int64) for each in self.sums])


@dataclass(frozen=True, slots=True)
class WrongCount:
    """`challengeCount` holds: there is not one row for each of the sources' `records`."""

    records: int


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """Arguments of `challengeRow`."""

    row: RowEvidence


@dataclass(frozen=True, slots=True)
class WrongNorm:
    """Arguments of `challengeNorm`; `computed` is for people."""

    contributor_index: int
    contributor: Address
    sum: SumEvidence
    computed: int


@dataclass(frozen=True, slots=True)
class WrongSum:
    """Arguments of `openSumGame`; `computed` is for people."""

    contributor_index: int
    contributor: Address
    coordinate: int
    sum: SumEvidence
    computed: int


IndexVerdict = Right | WrongCount | BrokenRow | WrongNorm | WrongSum | Unprovable


def check_index(inputs: IndexInputs) -> IndexVerdict:
    """The verdict on one index."""
    if inputs.index.rows != inputs.source_records:
        return WrongCount(inputs.source_records)
    reason = _misfit(inputs)
    if reason:
        return Unprovable(reason)
    layers = rows_layers(inputs.rows)
    if layers[-1][0] != inputs.index.rows_root:
        return Unprovable("the published rows are not the committed ones")
    broken = _first_broken_row(inputs)
    if broken is not None:
        return BrokenRow(row_evidence(inputs.rows, layers, broken))
    return _wrong_norm(inputs) or _wrong_sum(inputs) or Right()


def is_named_right(inputs: IndexInputs) -> bool:
    """Whether the published document names the preconditioner that was committed."""
    return bytes.fromhex(inputs.published.preconditioner) == inputs.index.preconditioner_hash


def rows_layers(rows: Rows) -> list[list[Hash32]]:
    """All layers of the rows' tree."""
    return merkle_layers(row_leaves(rows.mantissas, rows.exponents, rows.canonical, rows.owners))


def row_evidence(rows: Rows, layers: Sequence[Sequence[Hash32]], place: int) -> RowEvidence:
    """A committed row with its path, from the layers of the rows' tree."""
    return RowEvidence(
        index=place,
        canonical_index=int(rows.canonical[place]),
        contributor_index=int(rows.owners[place]),
        exponent=int(rows.exponents[place]),
        row=rows.mantissas[place].tobytes(),
        proof=tuple(merkle_proof(layers, place)),
    )


def row_leaf(rows: Rows, row: int) -> RowLeaf:
    """A row by its root, with its path."""
    return RowLeaf(
        index=row,
        canonical_index=int(rows.canonical[row]),
        contributor_index=int(rows.owners[row]),
        exponent=int(rows.exponents[row]),
        row_root=vector_root(rows.mantissas[row].tobytes(), ROW_BYTES),
        proof=merkle_proof(rows_layers(rows), row),
    )


def _misfit(inputs: IndexInputs) -> str:
    index, rows = inputs.index, inputs.rows
    if rows.mantissas.shape != (index.rows, index.dimensions):
        return "the published rows have another shape than the index"
    if min(rows.canonical.min(), rows.owners.min()) < 0:
        return "a published row has a negative canonical record or contributor"
    if len(inputs.sums) != index.contributors:
        return "the published sums are of another number of contributors"
    if merkle_layers(sum_leaves(inputs.sums))[-1][0] != index.sums_root:
        return "the published sums are not the committed ones"
    if any(len(each.vector) != SUM_BYTES * index.dimensions for each in inputs.sums):
        return "a contributor's sum has another dimension than the index"
    return ""


def _first_broken_row(inputs: IndexInputs) -> int | None:
    """The first row that breaks a rule of range, least exponent, norm, canonical record or contributor."""
    rows = inputs.rows
    broken = broken_rows(rows.mantissas, rows.exponents)
    broken |= (rows.canonical >= len(rows.mantissas)) | (rows.owners >= inputs.index.contributors)
    found = np.flatnonzero(broken)
    return int(found[0]) if len(found) else None


def _wrong_norm(inputs: IndexInputs) -> WrongNorm | None:
    for place, norm in enumerate(exact_norms_squared(inputs.vectors)):
        if norm != inputs.sums[place].norm_squared:
            return WrongNorm(place, inputs.sums[place].contributor, sum_evidence(inputs.sums, place), norm)
    return None


def _wrong_sum(inputs: IndexInputs) -> WrongSum | None:
    found = inputs.rows.contributor_sums(len(inputs.sums))
    different = np.argwhere(found != inputs.vectors)
    if not len(different):
        return None
    place, coordinate = (int(value) for value in different[0])
    return WrongSum(
        place,
        inputs.sums[place].contributor,
        coordinate,
        sum_evidence(inputs.sums, place),
        int(found[place, coordinate]),
    )


# --- The sum game -----------------------------------------------------------------------------------------


def parts(first: int, count: int) -> list[range]:
    """How a move cuts the rows `first` to `first + count - 1`."""
    ways = min(WAYS, count)
    return [range(first + count * i // ways, first + count * (i + 1) // ways) for i in range(ways)]


def partial_sums(rows: Rows, contributor_index: int, coordinate: int, first: int, count: int) -> list[int]:
    """What an honest answer in a sum game says: the parts' sums of one coordinate, as integers."""
    return [_part_sum(rows, contributor_index, coordinate, part) for part in parts(first, count)]


def _part_sum(rows: Rows, contributor_index: int, coordinate: int, part: range) -> int:
    some = slice(part.start, part.stop)
    counts = (rows.owners[some] == contributor_index) & (
        rows.canonical[some] == np.arange(part.start, part.stop)
    )
    values = rows.mantissas[some, coordinate].astype(np.int64) << rows.exponents[some].astype(np.int64)
    return int(values[counts].sum())
