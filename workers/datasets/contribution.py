"""What a contributor commits: the root, count, size and hash of a file of records."""

from collections.abc import Sequence
from dataclasses import dataclass

from genesis.commitments import merkle_layers, merkle_root, record_leaf
from genesis.types import Address, Hash32
from workers.artifacts.store import ArtifactId, artifact_id
from workers.datasets.kinds import AnyRecord, content_hash_of, decode_records, packed_sketches


@dataclass(frozen=True, slots=True)
class ContributionSummary:
    """What `IDatanetRegistry.contribute` takes, and the artefact to reveal as `sha256:<artifact>`."""

    root: Hash32
    records: int
    size_bytes: int
    artifact: ArtifactId


def record_leaves(
    records: Sequence[AnyRecord], *, chain_id: int, datanet_id: int, contributor: Address
) -> list[Hash32]:
    """One leaf per record, in order. Source: `genesis.commitments.record_leaf`."""
    return [
        record_leaf(
            chain_id=chain_id,
            datanet_id=datanet_id,
            index=index,
            content_hash=content_hash_of(record),
            sketch=sketch,
            contributor=contributor,
            parents=record.parents,
        )
        for index, (record, sketch) in enumerate(zip(records, packed_sketches(records), strict=True))
    ]


def summarize(data: bytes, *, chain_id: int, datanet_id: int, contributor: Address) -> ContributionSummary:
    """Commitment to a contribution's file; raises InvalidInputError when it is malformed."""
    records = decode_records(data)
    leaves = record_leaves(records, chain_id=chain_id, datanet_id=datanet_id, contributor=contributor)
    return ContributionSummary(merkle_root(leaves), len(records), len(data), artifact_id(data))


def record_layers(data: bytes, *, chain_id: int, datanet_id: int, contributor: Address) -> list[list[Hash32]]:
    """All layers of the contribution's tree, for `genesis.commitments.merkle_proof`."""
    records = decode_records(data)
    return merkle_layers(
        record_leaves(records, chain_id=chain_id, datanet_id=datanet_id, contributor=contributor)
    )
