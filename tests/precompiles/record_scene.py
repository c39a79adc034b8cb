"""A published Datanet, a model of it and an index over its records, contested before it can be used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genesis.addresses import ATTRIBUTION, DATANET_REGISTRY, MODEL_REGISTRY
from genesis.commitments import (
    ROW_BYTES,
    SUM_BYTES,
    contribution_leaf,
    merkle_layers,
    merkle_proof,
    record_leaf,
    vector_root,
)
from genesis.parents import parents_hash
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.types import Address, Hash32
from precompiles.views.disputes import RecordEvidence, WideSum
from precompiles.views.juries import RowLeaf
from tests.precompiles.calls import number
from tests.precompiles.evidence import Row
from tests.precompiles.index_scene import IndexScene
from tests.precompiles.scene import HASH
from tests.precompiles.world import MachineType

CONTENT = Hash32(b"\x61" * 32)
Parents = Mapping[tuple[int, int], tuple[Hash32, ...]]
"""Lists of derived records, by contribution given and record in it."""


@dataclass
class Given:
    """A contribution: whose it is, its records' sketches, and what the chain made of it."""

    contributor: Address
    sketches: Sequence[bytes]
    id: int = 0
    commit_block: int = 0
    first_record: int = 0
    leaves: tuple[Hash32, ...] = ()
    parents: Sequence[tuple[Hash32, ...]] = ()


class RecordScene(IndexScene):
    """Contributions are committed in the order given and accepted in the order of `accepted`."""

    def __init__(  # noqa: PLR0917 - a Datanet's parts
        self,
        machine_type: MachineType,
        sketches: Sequence[Sequence[bytes]],
        accepted: Sequence[int],
        rows: Sequence[Row],
        content: Hash32 = CONTENT,
        parents: Parents | None = None,
    ) -> None:
        self.content = content
        self.parents = parents or {}
        super().__init__(machine_type, rows)
        self.datanet_id = self.datanet()
        self.given = [
            self._give(contributor, each, [self.parents.get((i, j), ()) for j in range(len(each))])
            for i, (contributor, each) in enumerate(zip(self.contributors, sketches, strict=False))
        ]
        self.order = [self.given[i] for i in accepted]
        for each in self.order:
            self.do(self.owner, DATANET_REGISTRY, "review", each.id, True, 9_000)
            each.first_record = sum(len(one.sketches) for one in self.order[: self.order.index(each)])
        self.do(self.owner, DATANET_REGISTRY, "publishVersion", self.datanet_id)
        arguments = (HASH, 0, HASH, [self.datanet_id], [1], b"")
        self.model_id = number(self.do(self.owner, MODEL_REGISTRY, "registerModel", *arguments))
        self.commit_rows()

    def _give(
        self, contributor: Address, sketches: Sequence[bytes], parents: Sequence[tuple[Hash32, ...]]
    ) -> Given:
        leaves = tuple(
            record_leaf(
                chain_id=DEV_L2_CHAIN_ID,
                datanet_id=self.datanet_id,
                index=i,
                content_hash=self.content,
                sketch=sketch,
                contributor=contributor,
                parents=parents[i],
            )
            for i, sketch in enumerate(sketches)
        )
        block = self.machine.moment.block_number
        contribution_id = self.contribution(self.datanet_id, contributor, list(leaves))
        return Given(contributor, sketches, contribution_id, block, 0, leaves, parents)

    def record(self, which: int, place: int) -> RecordEvidence:
        """Record `place` of the `which`-th accepted contribution."""
        given = self.order[which]
        leaves = [
            contribution_leaf(
                contribution_id=each.id,
                contributor=each.contributor,
                root=merkle_layers(each.leaves)[-1][0],
                records=len(each.leaves),
                first_record=each.first_record,
                commit_block=each.commit_block,
            )
            for each in self.order
        ]
        index = given.first_record + place
        row = self.index.rows[index]
        return RecordEvidence(
            0,
            which,
            given.id,
            given.first_record,
            tuple(merkle_proof(merkle_layers(leaves), which)),
            place,
            self.content,
            given.sketches[place],
            parents_hash(given.parents[place]),
            tuple(merkle_proof(merkle_layers(given.leaves), place)),
            row.canonical,
            row.contributor,
            row.exponent,
            vector_root(row.packed, ROW_BYTES),
            tuple(merkle_proof(self.index.row_layers, index)),
        )

    def row_leaf(self, row: int) -> RowLeaf:
        """A row of the index by its root."""
        found = self.index.row(row)
        return RowLeaf(
            row,
            found.canonical_index,
            found.contributor_index,
            found.exponent,
            vector_root(found.row, ROW_BYTES),
            found.proof,
        )

    def credited(self, contributor: int) -> tuple[Address, WideSum]:
        """A contributor of the index with its sum."""
        found = self.index.evidence(contributor)
        root = vector_root(found.vector, SUM_BYTES)
        wide = WideSum(found.records, found.norm_squared, root, found.proof)
        return self.contributors[contributor], wide

    def convicts(self, name: str, *arguments: Any) -> bytes | None:
        """Challenge the index; None if it is void by that, else the revert's data."""
        self.commit_to()
        outcome = self.attempt(
            self.validator,
            ATTRIBUTION,
            name,
            self.index_id,
            HASH,
            *arguments,
        )
        assert (self.status() == 2) == outcome.succeeded
        return None if outcome.succeeded else outcome.data
