"""Which records an index is about: every contribution behind its model, from the chain and its file.

Files are parsed when their records are asked for. What is said of a record can be proved by its path to the
published version, once the file's records hash to the root that its contributor committed.

Covered: contributors, order, priority and paths of all records. Not covered: whether an index fits them
(`record_check`).
Source: protocol, section 3 "Datanet" (record leaves, canonical records).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import orjson
from numpy.typing import NDArray

from genesis.commitments import contribution_leaf, merkle_layers, record_leaf
from genesis.types import ZERO_HASH, Address, Hash32
from openledger_node.client.datasets import dataset_version
from openledger_node.client.economy import DATANETS, MODELS, EconomyReader
from workers.artifacts.store import ArtifactId
from workers.datasets.contribution import record_leaves
from workers.datasets.creditors import Derived
from workers.datasets.kinds import (
    AnyRecord,
    content_hash_of,
    decode_records,
    holds_vectors,
    sketch_of_record,
    sketches_of_records,
)
from workers.datasets.sketch import Sketch, sketches_of
from workers.datasets.stated import without_stated
from workers.errors import InvalidInputError
from workers.protocol import ContributionSource

Fetch = Callable[[ArtifactId], Awaitable[bytes | None]]


@dataclass(frozen=True)
class Contribution:
    """One accepted contribution: what the chain says of it, where it stands in its version, the rows of the
    index before it, its file (None where nobody serves it: its records raise InvalidInputError then), and the
    draw for its derived records, zero while there is none."""

    source: ContributionSource
    chain_id: int
    datanet_id: int
    root: Hash32
    count: int
    position: int
    first_record: int
    first_row: int
    file: bytes | None
    randomness: Hash32 = ZERO_HASH

    @property
    def leaf(self) -> Hash32:
        """Its leaf in the version's tree."""
        return contribution_leaf(
            contribution_id=self.source.contribution_id,
            contributor=self.source.contributor,
            root=self.root,
            records=self.count,
            first_record=self.first_record,
            commit_block=self.source.commit_block,
        )

    @property
    def is_served(self) -> bool:
        return self.file is not None

    @property
    def rows(self) -> range:
        """Its rows of the index."""
        return range(self.first_row, self.first_row + self.count)

    @cached_property
    def records(self) -> Sequence[AnyRecord]:
        """What the file holds; raises InvalidInputError where it is not what was committed to."""
        records = decode_records(self._parts[0])
        if len(records) != self.count:
            raise self._mismatch()
        return records

    @cached_property
    def layers(self) -> list[list[Hash32]]:
        """The records' tree; raises InvalidInputError where its root is not the committed one."""
        contributor = self.source.contributor
        leaves = record_leaves(
            self.records, chain_id=self.chain_id, datanet_id=self.datanet_id, contributor=contributor
        )
        for index, sketch in self.stated.items():
            leaves[index] = record_leaf(
                chain_id=self.chain_id,
                datanet_id=self.datanet_id,
                index=index,
                content_hash=content_hash_of(self.records[index]),
                sketch=sketch,
                contributor=contributor,
                parents=self.records[index].parents,
            )
        layers = merkle_layers(leaves)
        if layers[-1][0] != self.root:
            raise self._mismatch()
        return layers

    def assert_committed(self) -> None:
        """Raises InvalidInputError unless the file is what was committed."""
        if not self.layers:
            raise self._mismatch()

    @property
    def stated(self) -> dict[int, bytes]:
        """Sketches that the file states, by the record's number; its leaves bind these."""
        return self._parts[1]

    def sketch_at(self, index: int) -> bytes:
        """What a record's leaf binds."""
        return self.stated.get(index) or sketch_of_record(self.records[index])

    def derived(self) -> list[Derived]:
        """Its records that name parents; raises InvalidInputError for a file that is another."""
        leaves = self.layers[0]
        return [
            Derived(self.first_row + index, self.source.contribution_id, leaves[index], record.parents)
            for index, record in enumerate(self.records)
            if record.parents
        ]

    def sketches(self) -> Sketch:
        """Row by row, by the rule from the contents; vectors are read without making records of them, which
        takes a third of the time."""
        content = self._content
        if not holds_vectors(content):
            return sketches_of_records(self.records)
        lines = [line for line in content.split(b"\n") if line.strip()]
        try:
            packed = [bytes(orjson.loads(line)["features"]) for line in lines]
            features = np.frombuffer(b"".join(packed), np.uint8).reshape(self.count, -1)
        except (ValueError, KeyError, TypeError):
            return sketches_of_records(self.records)
        return sketches_of(features)

    @cached_property
    def _parts(self) -> tuple[bytes, dict[int, bytes]]:
        return without_stated(self._content)

    @property
    def _content(self) -> bytes:
        if self.file is None:
            raise self.not_served()
        return self.file

    def not_served(self) -> InvalidInputError:
        return InvalidInputError(f"the file of contribution {self.source.contribution_id} is not served")

    def _mismatch(self) -> InvalidInputError:
        return InvalidInputError(
            f"the file of contribution {self.source.contribution_id} is not what was committed"
        )


@dataclass(frozen=True)
class Version:
    """One published version that a model was made from; `first_row` rows of the index are before it."""

    first_row: int
    contributions: tuple[Contribution, ...]

    @property
    def records(self) -> int:
        return sum(each.count for each in self.contributions)

    @cached_property
    def layers(self) -> list[list[Hash32]]:
        """The version's tree."""
        return merkle_layers([each.leaf for each in self.contributions])


@dataclass(frozen=True)
class Sources:
    """All records behind a model, in the order of its index's rows."""

    versions: tuple[Version, ...]

    @cached_property
    def contributions(self) -> tuple[Contribution, ...]:
        return tuple(each for version in self.versions for each in version.contributions)

    @cached_property
    def served(self) -> tuple[Contribution, ...]:
        """Those whose files are to be had."""
        return tuple(each for each in self.contributions if each.is_served)

    def assert_served(self) -> None:
        """Raises InvalidInputError unless every file is to be had."""
        for each in self.contributions:
            if not each.is_served:
                raise each.not_served()

    def sketches(self) -> tuple[Sketch, NDArray[np.bool_]]:
        """(N, n) row by row, and (N,) whether a row's record is to be had; others are zero.

        Raises InvalidInputError for files that are not what was committed.
        """
        found = [each.sketches() for each in self.served]
        if len({each.shape[1] for each in found}) > 1:
            raise InvalidInputError("the records behind the model are of different lengths")
        is_known = np.zeros(len(self.owners), np.bool_)
        sketches = np.zeros((len(self.owners), found[0].shape[1] if found else 0), np.int8)
        for contribution, its in zip(self.served, found, strict=True):
            sketches[contribution.rows] = its
            is_known[contribution.rows] = True
        return sketches, is_known

    @cached_property
    def owners(self) -> list[Address]:
        """Row by row."""
        return [each.source.contributor for each in self.contributions for _ in range(each.count)]

    def derived(self) -> list[Derived]:
        """All records to be had that name parents; raises InvalidInputError."""
        return [derived for each in self.served for derived in each.derived()]

    @property
    def rows(self) -> dict[int, range]:
        """The rows of each contribution, by its number."""
        return {each.source.contribution_id: each.rows for each in self.contributions}

    @property
    def randomness(self) -> dict[int, Hash32]:
        """The draws that were made, by contribution."""
        found = {each.source.contribution_id: each.randomness for each in self.contributions}
        return {number: drawn for number, drawn in found.items() if drawn != ZERO_HASH}

    @cached_property
    def order(self) -> list[int]:
        """All rows from the earliest record on: by commit block, contribution, index."""

        def priority(each: Contribution) -> tuple[int, int]:
            return each.source.commit_block, each.source.contribution_id

        by_priority = sorted(self.contributions, key=priority)
        return [each.first_row + index for each in by_priority for index in range(each.count)]

    def locate(self, row: int) -> tuple[int, Version, Contribution]:
        """The source's number, the version and the contribution that a row's record is of."""
        number = max(n for n, version in enumerate(self.versions) if version.first_row <= row)
        version = self.versions[number]
        found = [each for each in version.contributions if each.first_row <= row]
        return number, version, found[-1]


async def read_sources(reader: EconomyReader, model_id: int, fetch: Fetch) -> Sources:
    """The sources of a model; `fetch` gives an artefact's bytes, None where nobody serves it."""
    versions: list[Version] = []
    first_row = 0
    for place in range((await reader.model(model_id)).sources):
        datanet_id, number = await reader.ethereum.read(MODELS, "getSource", model_id, place)
        version = await dataset_version(reader, datanet_id, number, nameless=True)
        made, first_record = [], 0
        for position, source in enumerate(version.contributions):
            found = await reader.ethereum.read(DATANETS, "getContribution", source.contribution_id)
            root, count, file = Hash32(found["root"]), int(found["records"]), await fetch(source.artifact)
            where = (position, first_record, first_row + first_record)
            accepted = await reader.ethereum.read(DATANETS, "getAcceptance", source.contribution_id)
            drawn = Hash32(accepted["randomness"])
            made.append(Contribution(source, version.chain_id, datanet_id, root, count, *where, file, drawn))
            first_record += count
        versions.append(Version(first_row, tuple(made)))
        first_row += first_record
    return Sources(tuple(versions))
