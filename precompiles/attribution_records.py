"""Challenges of what an index says about the records behind its rows: how many, which are duplicates.

A record is shown with its whole way: its leaf in a contribution, that contribution in a published version of
one of the model's sources, and the row of the index at its place, counted through the sources in order.

Covered: rows left out or invented; a record kept although an earlier canonical one is similar, or dropped for
one that is not similar, not canonical or not earlier. Not covered: a record dropped for a similar one that is
not the earliest, which moves no money; whose a row is (`attribution_parents`); sketches that are not their
content's (`attribution_sketches`).
Source: protocol, section 3 "Datanet" (canonical records) and "Challenges" (duplicates).
"""

from dataclasses import dataclass
from operator import mul

from genesis.addresses import MODEL_REGISTRY
from genesis.commitments import (
    ROW_BYTES,
    contribution_leaf,
    merkle_root_from_proof,
    record_leaf_of_hashes,
    tree_depth,
    unpack_vector,
)
from genesis.keccak import keccak256
from genesis.shares import PPM
from genesis.types import Address, Hash32
from precompiles import gas
from precompiles.attribution_indexes import challenged_index, check_row_leaf, convict_index
from precompiles.attribution_interface import CHALLENGE_FAILED, INVALID_PROOF
from precompiles.checks import require
from precompiles.host import Host
from precompiles.slots import load_struct
from precompiles.views import datanets, models, policy
from precompiles.views.datanets import Contribution
from precompiles.views.disputes import RecordEvidence
from precompiles.views.juries import RowLeaf
from precompiles.views.models import FeatureIndex


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands: its row in the index, whose it is, its leaf, its priority among duplicates."""

    index: int
    contributor: Address
    leaf: Hash32
    priority: tuple[int, int, int]


def challenge_count(host: Host, index_id: int, salt: Hash32) -> None:
    """Prove that an index has not one row for each record of the model's sources."""
    sources = sources_of(host, index_id)
    gas.charge(host, gas.ATTRIBUTION["challengeCount"], sources)
    index = challenged_index(host, index_id, salt)
    records = _records_before(host, index.model_id, sources)
    if records == index.rows:
        raise CHALLENGE_FAILED(index.rows, records)
    convict_index(host, index_id, index)


def challenge_duplicate(
    host: Host, index_id: int, salt: Hash32, evidence: RecordEvidence, other: RecordEvidence
) -> None:
    """Prove with another record that a record was wrongly kept, or wrongly dropped for that one."""
    sketches = len(evidence.sketch) + len(other.sketch)
    charge_records(host, "challengeDuplicate", index_id, sketches, hashes_of(evidence) + hashes_of(other))
    index = challenged_index(host, index_id, salt)
    place, earlier = place_of(host, index, evidence), place_of(host, index, other)
    check_records_row(index, place, evidence)
    check_records_row(index, earlier, other)
    is_canonical = other.canonical_index == earlier.index
    is_earlier = earlier.priority < place.priority
    similarity_ppm = policy.parameter(host, index.policy_version, "similarity_ppm")
    is_duplicate = is_canonical and is_earlier and similar(evidence.sketch, other.sketch, similarity_ppm)
    is_kept = evidence.canonical_index == place.index
    require(is_kept or evidence.canonical_index == earlier.index, "other")
    if is_kept != is_duplicate:
        raise CHALLENGE_FAILED(evidence.canonical_index, evidence.canonical_index)
    convict_index(host, index_id, index)


def similar(a: bytes, b: bytes, similarity_ppm: int) -> bool:
    """True iff two int8 sketches have a cosine of at least `similarity_ppm`; never of different lengths."""
    if len(a) != len(b):
        return False
    left, right = unpack_vector(a, ROW_BYTES), unpack_vector(b, ROW_BYTES)
    left_norm: int = sum(map(mul, left, left))
    right_norm: int = sum(map(mul, right, right))
    if left_norm == 0 or right_norm == 0:
        return left_norm == right_norm
    product: int = sum(map(mul, left, right))
    bound = similarity_ppm * similarity_ppm * left_norm * right_norm
    return product >= 0 and product * PPM * product * PPM >= bound


def charge_records(
    host: Host, method: str, index_id: int, sketch_bytes: int, hashes: int, *others: int
) -> None:
    """Charge for records shown behind an index: its sources, their sketches, their paths, and others."""
    gas.charge(host, gas.ATTRIBUTION[method], sources_of(host, index_id), sketch_bytes, hashes, *others)


def sources_of(host: Host, index_id: int) -> int:
    """How many sources the index's model has: at most 64, so they may be counted before they are paid for."""
    return models.model(host, models.feature_index(host, index_id).model_id).sources


def hashes_of(evidence: RecordEvidence) -> int:
    """How many tree nodes a record's way to the index takes."""
    return len(evidence.contribution_proof) + len(evidence.record_proof) + len(evidence.row_proof)


def place_of(host: Host, index: FeatureIndex, evidence: RecordEvidence) -> Place:
    """Where the record stands; reverts unless it is one of the model's sources' records."""
    require(evidence.source < models.model(host, index.model_id).sources, "source")
    contribution = datanets.contribution(host, evidence.contribution_id)
    leaf = _check_record(host, index, evidence, contribution)
    before = _records_before(host, index.model_id, evidence.source)
    priority = (contribution.commit_block, evidence.contribution_id, evidence.record_index)
    number = before + evidence.first_record + evidence.record_index
    return Place(number, contribution.contributor, leaf, priority)


def _check_record(
    host: Host, index: FeatureIndex, evidence: RecordEvidence, contribution: Contribution
) -> Hash32:
    """The leaf of a record under its contribution's root, and that under the root of the source's version."""
    source = source_of(host, index.model_id, evidence.source)
    version = datanets.version(host, source.datanet_id, source.version)
    leaf = contribution_leaf(
        contribution_id=evidence.contribution_id,
        contributor=contribution.contributor,
        root=contribution.root,
        records=contribution.records,
        first_record=evidence.first_record,
        commit_block=contribution.commit_block,
    )
    record = record_leaf_of_hashes(
        chain_id=host.chain_id,
        datanet_id=source.datanet_id,
        index=evidence.record_index,
        content_hash=evidence.content_hash,
        sketch_hash=keccak256(evidence.sketch),
        contributor=contribution.contributor,
        parents_hash=evidence.parents_hash,
    )
    is_published = (
        evidence.position < version.contributions
        and len(evidence.contribution_proof) == tree_depth(version.contributions)
        and merkle_root_from_proof(leaf, evidence.position, evidence.contribution_proof) == version.root
    )
    is_contributed = (
        evidence.record_index < contribution.records
        and len(evidence.record_proof) == tree_depth(contribution.records)
        and merkle_root_from_proof(record, evidence.record_index, evidence.record_proof) == contribution.root
    )
    if not is_published or not is_contributed:
        raise INVALID_PROOF(b"record")
    return record


def check_records_row(index: FeatureIndex, place: Place, evidence: RecordEvidence) -> None:
    """The index has this row at the record's place."""
    row = (evidence.canonical_index, evidence.contributor_index, evidence.exponent, evidence.row_root)
    check_row_leaf(index, RowLeaf(place.index, *row, evidence.row_proof))


def _records_before(host: Host, model_id: int, source: int) -> int:
    """Records of the model's sources before one."""
    sources = (source_of(host, model_id, i) for i in range(source))
    return sum(datanets.version(host, each.datanet_id, each.version).records for each in sources)


def source_of(host: Host, model_id: int, position: int) -> models.Source:
    """Which version of which Datanet a model's source is."""
    return load_struct(host, MODEL_REGISTRY, models.source_slot(model_id, position), models.SOURCE)
