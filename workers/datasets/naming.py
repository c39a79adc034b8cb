"""How an upload may name the records its own were made from, and which records of contributions those are.

Three ways: "17/3" is record 3 of contribution 17; "2@1#105" is record 105 of version 1 of Datanet 2; "0x" and
64 hex digits is a record's leaf. The last two are looked up in the versions that the upload is compared
with. What is found is sorted and named once.

Covered: names to the form of a contribution's file. Not covered: whether a parent counts
(`workers.datasets.creditors`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from genesis.parents import ParentRecord
from genesis.types import Address, Hash32
from workers.datasets.contribution import record_leaves
from workers.datasets.kinds import AnyRecord
from workers.datasets.parents import name_of, parse_name
from workers.errors import InvalidInputError
from workers.protocol import ContributionSource, DatasetVersion

_BY_VERSION = re.compile(r"([0-9]{1,18})@([0-9]{1,18})#([0-9]{1,18})")
_BY_LEAF = re.compile(r"0x[0-9a-fA-F]{64}")
UNKNOWN = "contribution {}, which is in no version that was given"

Records = Callable[[ContributionSource], Sequence[AnyRecord]]


class ParentNames:
    """The records of some versions by every name; `records` gives those of a contribution."""

    def __init__(self, versions: Sequence[DatasetVersion], records: Records) -> None:
        self._versions, self._records = versions, records

    def resolved(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row with its `parents` in the file's form; raises InvalidInputError."""
        names = row.get("parents") or []
        rest = {key: value for key, value in row.items() if key != "parents"}
        if isinstance(names, str):
            names = names.split()
        if not isinstance(names, Sequence):
            raise InvalidInputError("parents must be a list of records")
        found = sorted({self._record(name) for name in names})
        return {**rest, "parents": [name_of(each) for each in found]} if found else rest

    def owner_of(self, parent: ParentRecord) -> str:
        """Whose a parent is, for people."""
        owner = self._owners.get(parent.contribution_id)
        return UNKNOWN.format(parent.contribution_id) if owner is None else f"0x{owner.hex()}"

    def _record(self, name: object) -> ParentRecord:
        if isinstance(name, str) and (match := _BY_VERSION.fullmatch(name)):
            return self._by_number(name, *map(int, match.groups()))
        if isinstance(name, str) and _BY_LEAF.fullmatch(name):
            try:
                return self._by_leaf[Hash32(bytes.fromhex(name[2:]))]
            except KeyError:
                raise InvalidInputError(f"no record of a version given has the leaf {name}") from None
        return parse_name(name)

    def _by_number(self, name: str, datanet_id: int, number: int, record: int) -> ParentRecord:
        for version in self._versions:
            if (version.datanet_id, version.version) == (datanet_id, number):
                return _nth(version, record, self._records)
        raise InvalidInputError(f"{name}: give that version with --against {datanet_id}:{number}")

    @cached_property
    def _by_leaf(self) -> dict[Hash32, ParentRecord]:
        found: dict[Hash32, ParentRecord] = {}
        for version in self._versions:
            for source in version.contributions:
                leaves = record_leaves(
                    self._records(source),
                    chain_id=version.chain_id,
                    datanet_id=version.datanet_id,
                    contributor=source.contributor,
                )
                for place, leaf in enumerate(leaves):
                    found.setdefault(leaf, ParentRecord(source.contribution_id, place))
        return found

    @cached_property
    def _owners(self) -> dict[int, Address]:
        return {
            source.contribution_id: source.contributor
            for version in self._versions
            for source in version.contributions
        }


def _nth(version: DatasetVersion, record: int, records: Records) -> ParentRecord:
    before = 0
    for source in version.contributions:
        count = len(records(source))
        if record < before + count:
            return ParentRecord(source.contribution_id, record - before)
        before += count
    raise InvalidInputError(f"version {version.version} has no record {record}: count from 0 to {before - 1}")
