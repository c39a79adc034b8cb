"""Challenges of whom an index credits with a row: the record's contributor, or a drawn parent's.

A record without parents belongs to its contributor. One with parents has a draw (`genesis.parents`) by the
randomness of its contribution's acceptance. The drawn parent counts iff it stands in one of the model's
sources, its contribution was committed before the record's, and its own row says that it is canonical; the
row is its contributor's then, whoever is credited with the parent's row. Else it is the record's. So a
challenger leaves nothing out: the list is under the record's leaf, where the parent stands is read from the
registry, and only the parent's row has to be shown. Before the draw was kept nobody can know the creditor,
and an index that names one is wrong.

Covered: rows credited to the wrong account. Not covered: records that do not name what they were made from;
a list of more than 64, which no file may have (`workers.datasets.records`).
Source: `docs/decisions/0013-parents.md`; protocol, section 3 "Challenges".
"""

from collections.abc import Sequence

from genesis.parents import MAXIMUM_PARENTS, drawn_parent, parent_record, parents_hash
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles.attribution_evidence import check_wide_sum
from precompiles.attribution_indexes import challenged_index, check_row_leaf, convict_index
from precompiles.attribution_interface import CHALLENGE_FAILED, INVALID_PROOF
from precompiles.attribution_records import (
    Place,
    charge_records,
    check_records_row,
    hashes_of,
    place_of,
    source_of,
)
from precompiles.checks import require
from precompiles.host import Host
from precompiles.views import datanets, models
from precompiles.views.datanets import Contribution
from precompiles.views.disputes import RecordEvidence, WideSum
from precompiles.views.juries import RowLeaf
from precompiles.views.models import FeatureIndex


def challenge_owner(  # noqa: PLR0917 - the method's arguments
    host: Host,
    index_id: int,
    salt: Hash32,
    evidence: RecordEvidence,
    parents: Sequence[Hash32],
    parent: RowLeaf,
    credited: Address,
    evidence_of_credited: WideSum,
) -> None:
    """Prove that a row is credited to another account than the one it belongs to.

    `parents` is the record's list, `parent` the row of the drawn one, read only if one that may count is
    drawn.
    """
    hashes = hashes_of(evidence) + len(evidence_of_credited.proof) + len(parent.proof)
    charge_records(host, "challengeOwner", index_id, len(evidence.sketch), hashes, len(parents))
    index = challenged_index(host, index_id, salt)
    place = place_of(host, index, evidence)
    check_records_row(index, place, evidence)
    require(evidence.contributor_index < index.contributors, "contributorIndex")
    check_wide_sum(index, evidence.contributor_index, credited, evidence_of_credited)
    require(len(parents) <= MAXIMUM_PARENTS, "parents")
    if parents_hash(parents) != evidence.parents_hash:
        raise INVALID_PROOF(b"parents")
    if credited == _creditor(host, index, evidence, place, parents, parent):
        raise CHALLENGE_FAILED(evidence.contributor_index, evidence.contributor_index)
    convict_index(host, index_id, index)


def _creditor(  # noqa: PLR0917 - a record with its place and parents
    host: Host,
    index: FeatureIndex,
    evidence: RecordEvidence,
    place: Place,
    parents: Sequence[Hash32],
    shown: RowLeaf,
) -> Address | None:
    """Whose the row is; None while that is not drawn."""
    if not parents:
        return place.contributor
    randomness = datanets.acceptance(host, evidence.contribution_id).randomness
    if randomness == ZERO_HASH:
        return None
    drawn = drawn_parent(randomness, place.leaf, parents)
    if drawn is None:
        return place.contributor
    named = parent_record(drawn)
    contribution = datanets.contribution(host, named.contribution_id)
    first_row = _first_row(host, index, named.contribution_id, contribution)
    is_earlier = named.contribution_id < evidence.contribution_id
    if first_row is None or not is_earlier or named.place >= contribution.records:
        return place.contributor
    require(shown.index == first_row + named.place, "parent")
    check_row_leaf(index, shown)
    is_canonical = shown.canonical_index == shown.index
    return contribution.contributor if is_canonical else place.contributor


def _first_row(
    host: Host, index: FeatureIndex, contribution_id: int, contribution: Contribution
) -> int | None:
    """The index's row of a contribution's first record; None if no source of the model holds it."""
    if contribution.status != datanets.ACCEPTED:
        return None
    accepted = datanets.acceptance(host, contribution_id)
    before = 0
    for number in range(models.model(host, index.model_id).sources):
        source = source_of(host, index.model_id, number)
        version = datanets.version(host, source.datanet_id, source.version)
        if source.datanet_id == contribution.datanet_id and accepted.position < version.contributions:
            return before + accepted.first_record
        before += version.records
    return None
