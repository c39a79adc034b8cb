"""Whether an index's rows name whose they are and their duplicates, and the proofs where they do not.

Pure: no I/O, no torch; floats only look for candidates. The draws among parents of derived records are made
again. Owners and dropped records are all looked at. Kept
ones are compared with every earlier kept one, all of them in a small index, and as many drawn in secret as
catch one per cent with 95 % in a larger one: no row that is looked at is wrong iff all follow the rule.

A file that does not hash to what its contributor committed proves nothing: that is `NotCommitted`, and a
jury's (`cases`).

Covered: what `challengeOwner`, `challengeSketch` and `challengeDuplicate` prove. Not covered: sketches of
dropped records; a record dropped for a similar canonical one that is not the earliest, which pays nobody
else; rows themselves (`index_check`, `features`).
Source: protocol, section 3 "Datanet" (canonical records, sketches).
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genesis.commitments import ROW_BYTES, merkle_proof, vector_root
from genesis.parents import parents_hash
from genesis.shares import PPM
from genesis.types import ZERO_HASH, Address, Hash32
from openledger_node.validator.index_check import IndexInputs, row_leaf, rows_layers
from openledger_node.validator.leaves import wide_sum
from openledger_node.validator.records import Right, Unprovable
from openledger_node.validator.sources import Sources
from precompiles.attribution_sketches import is_judged
from precompiles.views.disputes import RecordEvidence, WideSum
from precompiles.views.juries import RowLeaf
from workers.datasets.creditors import Derived, parent_row
from workers.datasets.kinds import content_hash_of, content_of, sketch_of_record
from workers.datasets.sketch import Sketch, similar
from workers.errors import InvalidInputError

ALL_ROWS = 4_096
"""Up to so many kept rows are all compared."""
DRAWS = 300
"""Of more than those: catch one per cent of wrongly kept rows with 95 %."""
BLOCK_ROWS = 256
SLACK = 1e-4
NO_ROW = RowLeaf(0, 0, 0, 0, ZERO_HASH, ())
"""What is shown where no parent's row is looked at."""

Draw = Callable[[int], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class WrongOwner:
    """Arguments of `challengeOwner`; `parent` is the row of the drawn parent, or `NO_ROW`."""

    record: RecordEvidence
    parents: tuple[Hash32, ...]
    parent: RowLeaf
    credited: Address
    sum: WideSum


@dataclass(frozen=True, slots=True)
class WrongDuplicate:
    """Arguments of `challengeDuplicate`: `record` was kept beside `other`, or dropped for it."""

    record: RecordEvidence
    other: RecordEvidence


@dataclass(frozen=True, slots=True)
class WrongSketch:
    """Arguments of `challengeSketch`: a kept record whose leaf binds another sketch than its content's."""

    record: RecordEvidence
    content: bytes


@dataclass(frozen=True, slots=True)
class NotCommitted:
    """The file behind the row at `place` is not what was committed, so its records are not to be had."""

    place: int
    reason: str


RecordVerdict = Right | WrongOwner | WrongSketch | WrongDuplicate | NotCommitted | Unprovable


class Claims:
    """What an index says of duplicates: `canonical` (N,) beside `sketches` (N, n), `rank` (N,) from the
    earliest record on. Rows that are not `is_known` (N,) have no sketch: nothing is said of them."""

    def __init__(
        self,
        sketches: Sketch,
        order: Sequence[int],
        canonical: NDArray[np.int64],
        is_known: NDArray[np.bool_] | None = None,
    ) -> None:
        self.sketches = sketches
        self.is_known = np.ones(len(canonical), np.bool_) if is_known is None else is_known
        self.canonical = canonical
        self.is_kept: NDArray[np.bool_] = canonical == np.arange(len(canonical))
        self.rank = np.empty(len(order), np.int64)
        self.rank[np.asarray(order)] = np.arange(len(order))


def drawn_in_secret(count: int) -> NDArray[np.int64]:
    """Which of `count` kept rows are looked at."""
    seed = int.from_bytes(secrets.token_bytes(16), "big")
    return np.sort(np.random.default_rng(seed).choice(count, min(count, DRAWS), replace=False))


def check_records(
    inputs: IndexInputs, sources: Sources, similarity_ppm: int, draw: Draw = drawn_in_secret
) -> RecordVerdict:
    """The verdict on an index whose rows are in range and under their roots, by the records to be had.

    Raises InvalidInputError for records that cannot be compared.
    """
    missing = _not_committed(sources)
    if missing is not None:
        return missing
    found = _wrong_owner(inputs, sources) or _wrong_sketch(inputs, sources)
    if found is not None:
        return found
    sketches, is_known = sources.sketches()
    claims = Claims(sketches, sources.order, inputs.rows.canonical, is_known)
    wrong = first_wrong_duplicate(claims, similarity_ppm, draw)
    if wrong is None:
        return Right()
    place, other = wrong
    return WrongDuplicate(
        committed_evidence(inputs, sources, place), committed_evidence(inputs, sources, other)
    )


def _not_committed(sources: Sources) -> NotCommitted | None:
    for contribution in sources.served:
        try:
            contribution.assert_committed()
        except InvalidInputError as error:
            return NotCommitted(contribution.first_row, str(error))
    return None


def _wrong_sketch(inputs: IndexInputs, sources: Sources) -> WrongSketch | Unprovable | None:
    """The first kept record that states another sketch than its own; one that states none has the rule's."""
    for contribution in sources.served:
        for index, sketch in contribution.stated.items():
            place, record = contribution.first_row + index, contribution.records[index]
            is_kept = int(inputs.rows.canonical[place]) == place
            if is_kept and sketch != sketch_of_record(record):
                content = content_of(record)
                if not is_judged(content):
                    return Unprovable(
                        f"record {place} has another sketch, and a content no contract can read"
                    )
                return WrongSketch(committed_evidence(inputs, sources, place), content)
    return None


def _wrong_owner(inputs: IndexInputs, sources: Sources) -> WrongOwner | None:
    """The first row that is credited to somebody else than whose it is, or before that was drawn."""
    credited = [inputs.sums[owner].contributor for owner in inputs.rows.owners.tolist()]
    derived = {each.row: each for each in sources.derived()}
    for contribution in sources.served:
        for row in contribution.rows:
            if row not in derived and credited[row] != contribution.source.contributor:
                return _owner_evidence(inputs, sources, row, (), None)
    faults = (owner_fault(inputs, sources, row, each) for row, each in derived.items())
    return next((fault for fault in faults if fault is not None), None)


def owner_fault(
    inputs: IndexInputs, sources: Sources, row: int, derived: Derived | None
) -> WrongOwner | None:
    """Whether one row, with what it was derived from, is credited to somebody else than whose it is."""
    credited = inputs.sums[int(inputs.rows.owners[row])].contributor
    if derived is None:
        return None if credited == sources.owners[row] else _owner_evidence(inputs, sources, row, (), None)
    randomness = sources.randomness.get(derived.contribution_id)
    parent = None if randomness is None else parent_row(derived, randomness, sources.rows)
    is_parents = parent is not None and inputs.rows.canonical[parent] == parent
    owner = sources.owners[parent if parent is not None and is_parents else row]
    if randomness is not None and credited == owner:
        return None
    return _owner_evidence(inputs, sources, row, derived.parents, parent)


def _owner_evidence(
    inputs: IndexInputs, sources: Sources, row: int, parents: tuple[Hash32, ...], parent: int | None
) -> WrongOwner:
    shown = NO_ROW if parent is None else row_leaf(inputs.rows, parent)
    named = int(inputs.rows.owners[row])
    credited = inputs.sums[named].contributor
    return WrongOwner(
        committed_evidence(inputs, sources, row), parents, shown, credited, wide_sum(inputs.sums, named)
    )


def first_wrong_duplicate(
    claims: Claims, similarity_ppm: int, draw: Draw = drawn_in_secret
) -> tuple[int, int] | None:
    """A record that is wrongly dropped or kept, and the one it was, or should have been, dropped for; None
    when none was found."""
    return _wrongly_dropped(claims, similarity_ppm) or _wrongly_kept(claims, similarity_ppm, draw)


def _wrongly_dropped(claims: Claims, similarity_ppm: int) -> tuple[int, int] | None:
    for place in np.flatnonzero(~claims.is_kept & claims.is_known).tolist():
        other = int(claims.canonical[place])
        if not claims.is_known[other]:
            continue
        is_before = bool(claims.is_kept[other]) and claims.rank[other] < claims.rank[place]
        if not (is_before and _are_similar(claims.sketches, other, place, similarity_ppm)):
            return place, other
    return None


def _wrongly_kept(claims: Claims, similarity_ppm: int, draw: Draw) -> tuple[int, int] | None:
    kept = np.flatnonzero(claims.is_kept & claims.is_known)
    chosen = kept if len(kept) <= ALL_ROWS else kept[draw(len(kept))]
    kept_sketches = claims.sketches[kept].astype(np.float32)  # dots of int8 stay exact or nearly so
    norms = np.sqrt(np.einsum("ij,ij->i", kept_sketches, kept_sketches))
    for start in range(0, len(chosen), BLOCK_ROWS):
        some = chosen[start : start + BLOCK_ROWS]
        block = claims.sketches[some].astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", block, block))
        bound = np.outer(norms, lengths) * (similarity_ppm / PPM - SLACK)
        near = (kept_sketches @ block.T >= bound) & (claims.rank[kept][:, None] < claims.rank[some])
        for other, place in np.argwhere(near).tolist():
            pair = int(some[place]), int(kept[other])
            if _are_similar(claims.sketches, *pair, similarity_ppm):
                return pair
    return None


def _are_similar(sketches: Sketch, a: int, b: int, similarity_ppm: int) -> bool:
    left, right = (sketches[place].astype(np.int64) for place in (a, b))
    return similar(int(left @ right), int(left @ left), int(right @ right), similarity_ppm)


def committed_evidence(inputs: IndexInputs, sources: Sources, place: int) -> RecordEvidence:
    """A record with its way to the published version, and its row's leaf with its path."""
    rows = inputs.rows
    return replace(
        published_evidence(sources, place),
        canonical_index=int(rows.canonical[place]),
        contributor_index=int(rows.owners[place]),
        exponent=int(rows.exponents[place]),
        row_root=vector_root(rows.mantissas[place].tobytes(), ROW_BYTES),
        row_proof=merkle_proof(rows_layers(rows), place),
    )


def published_evidence(sources: Sources, place: int) -> RecordEvidence:
    """A record with its way to the published version alone."""
    number, version, contribution = sources.locate(place)
    index = place - contribution.first_row
    record = contribution.records[index]
    return RecordEvidence(
        source=number,
        position=contribution.position,
        contribution_id=contribution.source.contribution_id,
        first_record=contribution.first_record,
        contribution_proof=merkle_proof(version.layers, contribution.position),
        record_index=index,
        content_hash=content_hash_of(record),
        sketch=contribution.sketch_at(index),
        parents_hash=parents_hash(record.parents),
        record_proof=merkle_proof(contribution.layers, index),
        canonical_index=0,
        contributor_index=0,
        exponent=0,
        row_root=ZERO_HASH,
        row_proof=(),
    )


def is_similar_to(sources: Sources, place: int, other: int, similarity_ppm: int) -> bool:
    """Whether two records are similar by the sketches that their leaves bind."""
    sketches = []
    for each in (place, other):
        contribution = sources.locate(each)[2]
        packed = contribution.sketch_at(each - contribution.first_row)
        sketches.append(np.frombuffer(packed, np.int8))
    a, b = sketches
    return len(a) == len(b) and _are_similar(np.stack([a, b]), 0, 1, similarity_ppm)
