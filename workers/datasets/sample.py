"""How a few records of large versions are read without parsing the others."""

from collections.abc import Sequence

from workers.artifacts.store import ArtifactStore
from workers.datasets.kinds import AnyRecord, decode_records
from workers.errors import InvalidInputError
from workers.protocol import DatasetVersion


def records_at(
    store: ArtifactStore, versions: Sequence[DatasetVersion], places: Sequence[int]
) -> list[AnyRecord]:
    """The records at `places` (ascending) in version order; raises InvalidInputError, ArtifactError."""
    found: list[AnyRecord] = []
    first = taken = 0
    for source in (source for version in versions for source in version.contributions):
        lines = [line for line in store.get(source.artifact).split(b"\n") if line.strip()]
        start = taken
        while taken < len(places) and places[taken] < first + len(lines):
            taken += 1
        some = [lines[place - first] for place in places[start:taken]]
        found += decode_records(b"\n".join(some)) if some else []
        first += len(lines)
    if taken < len(places):
        raise InvalidInputError(f"the version has no record {places[taken]}: it holds {first}")
    return found
