"""Which records an index is about: every contribution behind its model, from the chain and its file.

A file is believed once its records hash to the root that its contributor committed, so that whatever is said
of a record can be proved with its path to the published version.

Covered: contributors, order, priority and paths of all records. Not covered: whether an index fits them
(`record_check`).
Source: protocol, section 3 "Datanet" (record leaves, canonical records).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from genesis.commitments import contribution_leaf, merkle_layers
from genesis.types import Address, Hash32
from openledger_node.client.datasets import dataset_version
from openledger_node.client.economy import DATANETS, MODELS, EconomyReader
from workers.artifacts.store import ArtifactId
from workers.datasets.contribution import record_leaves
from workers.datasets.kinds import AnyRecord, decode_records
from workers.errors import InvalidInputError
from workers.jobs.types import ContributionSource, DatasetVersion

Fetch = Callable[[ArtifactId], Awaitable[bytes]]


@dataclass(frozen=True)
class Contribution:
    """One accepted contribution: where it stands in its version, the rows of the index before it, its
    records and their tree."""

    source: ContributionSource
    position: int
    first_record: int
    first_row: int
    records: Sequence[AnyRecord]
    layers: Sequence[Sequence[Hash32]]

    @property
    def leaf(self) -> Hash32:
        """Its leaf in the version's tree."""
        return contribution_leaf(
            contribution_id=self.source.contribution_id,
            contributor=self.source.contributor,
            root=self.layers[-1][0],
            records=len(self.records),
            first_record=self.first_record,
            commit_block=self.source.commit_block,
        )


@dataclass(frozen=True)
class Version:
    """One published version that a model was made from; `first_row` rows of the index are before it."""

    first_row: int
    contributions: tuple[Contribution, ...]

    @property
    def records(self) -> int:
        return sum(len(each.records) for each in self.contributions)

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
    def records(self) -> list[AnyRecord]:
        """Row by row."""
        return [record for each in self.contributions for record in each.records]

    @cached_property
    def owners(self) -> list[Address]:
        """Row by row."""
        return [each.source.contributor for each in self.contributions for _ in each.records]

    @cached_property
    def order(self) -> list[int]:
        """All rows from the earliest record on: by commit block, contribution, index."""

        def priority(each: Contribution) -> tuple[int, int]:
            return each.source.commit_block, each.source.contribution_id

        by_priority = sorted(self.contributions, key=priority)
        return [each.first_row + index for each in by_priority for index in range(len(each.records))]

    def locate(self, row: int) -> tuple[int, Version, Contribution]:
        """The source's number, the version and the contribution that a row's record is of."""
        number = max(n for n, version in enumerate(self.versions) if version.first_row <= row)
        version = self.versions[number]
        found = [each for each in version.contributions if each.first_row <= row]
        return number, version, found[-1]


async def read_sources(reader: EconomyReader, model_id: int, fetch: Fetch) -> Sources:
    """The sources of a model; `fetch` gives an artefact's bytes.

    Raises InvalidInputError where a file is not what was committed, and what `fetch` raises.
    """
    versions: list[Version] = []
    for place in range((await reader.model(model_id)).sources):
        datanet_id, number = await reader.ethereum.read(MODELS, "getSource", model_id, place)
        version = await dataset_version(reader, datanet_id, number)
        files = [await fetch(each.artifact) for each in version.contributions]
        roots = [
            (await reader.ethereum.read(DATANETS, "getContribution", each.contribution_id))["root"]
            for each in version.contributions
        ]
        first_row = sum(each.records for each in versions)
        contributions = await asyncio.to_thread(lambda: tuple(_opened(version, files, first_row)))  # noqa: B023 - awaited at once
        for opened, root in zip(contributions, roots, strict=True):
            if opened.layers[-1][0] != root:
                raise InvalidInputError(
                    f"the file of contribution {opened.source.contribution_id} is not what was committed"
                )
        versions.append(Version(first_row, contributions))
    return Sources(tuple(versions))


def _opened(version: DatasetVersion, files: Sequence[bytes], first_row: int) -> Iterator[Contribution]:
    """A version's contributions with their records and trees."""
    first_record = 0
    for position, (source, file) in enumerate(zip(version.contributions, files, strict=True)):
        records = decode_records(file)
        leaves = record_leaves(
            records,
            chain_id=version.chain_id,
            datanet_id=version.datanet_id,
            contributor=source.contributor,
        )
        layers = merkle_layers(leaves)
        yield Contribution(source, position, first_record, first_row + first_record, records, layers)
        first_record += len(records)
