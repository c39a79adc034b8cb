"""Whether an index's rows name their records' contributors and duplicates, and the proofs where they do not.

Pure: no I/O, no torch, integers only. A record that earlier canonical ones make a duplicate, and one that is
none, is looked for from the earliest record on: before the first wrong one every row is as the rule says, so
that what is found there is always provable.

Covered: what `challengeOwner` and `challengeDuplicate` prove. Not covered: a record dropped for a similar
canonical one that is not the earliest, which pays nobody else; rows themselves (`index_check`, `features`).
Source: protocol, section 3 "Datanet" (canonical records).
"""

from dataclasses import dataclass

import numpy as np

from genesis.commitments import ROW_BYTES, merkle_proof, vector_root
from genesis.keccak import keccak256
from genesis.types import Address
from openledger_node.validator.index_check import IndexInputs, rows_layers
from openledger_node.validator.leaves import wide_sum
from openledger_node.validator.records import Right, Unprovable
from openledger_node.validator.sources import Sources
from precompiles.views.disputes import RecordEvidence, WideSum
from workers.datasets.canonical import canonical_indices
from workers.datasets.kinds import content_hash_of, sketch_of_record, sketches_of_records
from workers.datasets.sketch import Sketch, similar


@dataclass(frozen=True, slots=True)
class WrongOwner:
    """Arguments of `challengeOwner`."""

    record: RecordEvidence
    credited: Address
    sum: WideSum


@dataclass(frozen=True, slots=True)
class WrongDuplicate:
    """Arguments of `challengeDuplicate`: `record` was kept beside `other`, or dropped for it."""

    record: RecordEvidence
    other: RecordEvidence


RecordVerdict = Right | WrongOwner | WrongDuplicate | Unprovable


def check_records(inputs: IndexInputs, sources: Sources, similarity_ppm: int) -> RecordVerdict:
    """The verdict on an index whose rows are in range and under their roots."""
    if len(sources.records) != len(inputs.rows.owners):
        return Unprovable("the files of the sources have another number of records than the index rows")
    credited = [inputs.sums[owner].contributor for owner in inputs.rows.owners.tolist()]
    for place, owner in enumerate(sources.owners):
        if credited[place] != owner:
            number = int(inputs.rows.owners[place])
            record = _evidence(inputs, sources, place)
            return WrongOwner(record, credited[place], wide_sum(inputs.sums, number))
    wrong = first_wrong_duplicate(
        sketches_of_records(sources.records), sources.order, inputs.rows.canonical.tolist(), similarity_ppm
    )
    if wrong is None:
        return Right()
    place, other = wrong
    return WrongDuplicate(_evidence(inputs, sources, place), _evidence(inputs, sources, other))


def first_wrong_duplicate(
    sketches: Sketch, order: list[int], claimed: list[int], similarity_ppm: int
) -> tuple[int, int] | None:
    """The earliest record that is wrongly kept or dropped, and the one it should have been, or was, dropped
    for; None when there is none."""
    right = canonical_indices(sketches, order, similarity_ppm)
    rank = {place: number for number, place in enumerate(order)}
    for place in order:
        said, true = claimed[place], right[place]
        if said == true:
            continue
        if said == place:
            return place, true
        is_reason = (
            rank[said] < rank[place]
            and claimed[said] == said
            and _are_similar(sketches, said, place, similarity_ppm)
        )
        if not is_reason:
            return place, said
    return None


def _are_similar(sketches: Sketch, a: int, b: int, similarity_ppm: int) -> bool:
    left, right = (sketches[place].astype(np.int64) for place in (a, b))
    return similar(int(left @ right), int(left @ left), int(right @ right), similarity_ppm)


def _evidence(inputs: IndexInputs, sources: Sources, place: int) -> RecordEvidence:
    """A record with its way to the published version, and its row's leaf with its path."""
    number, version, contribution = sources.locate(place)
    index, rows = place - contribution.first_row, inputs.rows
    record = contribution.records[index]
    return RecordEvidence(
        source=number,
        position=contribution.position,
        contribution_id=contribution.source.contribution_id,
        first_record=contribution.first_record,
        contribution_proof=merkle_proof(version.layers, contribution.position),
        record_index=index,
        content_hash=content_hash_of(record),
        sketch=sketch_of_record(record),
        parents_hash=keccak256(b"".join(record.parents)),
        record_proof=merkle_proof(contribution.layers, index),
        canonical_index=int(rows.canonical[place]),
        contributor_index=int(rows.owners[place]),
        exponent=int(rows.exponents[place]),
        row_root=vector_root(rows.mantissas[place].tobytes(), ROW_BYTES),
        row_proof=merkle_proof(rows_layers(rows), place),
    )
