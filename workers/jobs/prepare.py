"""Job `prepare`: an upload to a contribution file: checked by row, cleaned, near-duplicates shown."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from genesis.parents import parent_record
from genesis.shares import PPM
from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactStore
from workers.datasets.canonical import canonical_indices
from workers.datasets.cleaning import CHAT_MARKER, chat_marker_in, clean
from workers.datasets.denying import DenyList, deny_list
from workers.datasets.foreign import conversations_of, preference_of, without_surplus
from workers.datasets.kinds import AnyRecord, decode_records, encode_records, sketches_of_records
from workers.datasets.naming import ParentNames
from workers.datasets.tables import (
    TableSchema,
    check_schema,
    common_columns,
    missing_in,
    schema_of,
    vector_record,
)
from workers.datasets.text import TextRecord, text_record
from workers.datasets.upload import Files, Row, rows_of, without_nulls
from workers.errors import InvalidInputError
from workers.progress import Progress, silent
from workers.protocol import (
    NO_ARTIFACT,
    ColumnName,
    NearDuplicate,
    ParentShare,
    PrepareRequest,
    PrepareResult,
    RowProblem,
    RuleCount,
)
from workers.protocol.codec import from_json, to_json

LISTED = 1_000
PREVIEWED = 5


@dataclass(slots=True)
class _Found:
    """Rows that hold so far, with their places, and what is wrong with the others."""

    rows: list[tuple[str, Row]] = field(default_factory=list)
    records: list[tuple[str, AnyRecord]] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    cleaned: Counter[str] = field(default_factory=Counter)

    def refuse(self, place: str, error: Exception | str) -> None:
        self.problems.append(RowProblem(place, str(error)))


def prepare(store: ArtifactStore, request: PrepareRequest, progress: Progress = silent) -> PrepareResult:
    """Read, rename, clean, check, compare; raises InvalidInputError when the whole upload is wrong."""
    files: Files = {file.name: store.get(file.artifact) for file in request.files}
    found = _Found()
    denied = deny_list(store.get(request.deny)) if request.deny else None
    for place, row in rows_of(files, request.split):
        _take_row(found, place, row, request, denied)
    if request.label:
        _refuse_incomplete(found, request.label)
    progress(0.3, f"{len(found.rows)} rows read")
    schema = _schema(store, request, [row for _, row in found.rows])
    names = ParentNames(request.against, cache(lambda source: decode_records(store.get(source.artifact))))
    for place, named in found.rows:
        try:
            row = names.resolved(named)
            found.records.append((place, vector_record(row, schema) if schema else plain_text(row)))
        except InvalidInputError as error:
            found.refuse(place, error)
    progress(0.6, f"{len(found.records)} records hold")
    duplicates = _duplicates(store, request, found.records)
    return _result(store, request, found, schema, duplicates, names)


def plain_text(row: Row) -> TextRecord:
    """A text record without chat markers; raises InvalidInputError."""
    record = text_record(preference_of(conversations_of(without_surplus(without_nulls(row)))))
    if marker := chat_marker_in(record.plain()):
        raise InvalidInputError(f"it holds the chat marker {marker!r}: mask it with the rule {CHAT_MARKER}")
    return record


def _take_row(
    found: _Found,
    place: str,
    row: Row | InvalidInputError,
    request: PrepareRequest,
    denied: DenyList | None,
) -> None:
    if isinstance(row, InvalidInputError):
        found.refuse(place, row)
        return
    try:
        named = renamed(row, request.columns)
    except InvalidInputError as error:
        found.refuse(place, error)
        return
    rules = [(rule.rule, rule.action) for rule in request.cleaning]
    cleaned = clean(named, rules, denied, request.deny_action)
    found.cleaned.update(cleaned.found)
    if cleaned.dropped_by:
        found.refuse(place, f"the rule {cleaned.dropped_by} drops it")
    else:
        found.rows.append((place, cleaned.value))


def _refuse_incomplete(found: _Found, label: str) -> None:
    """Rows of a table that leave a column out are refused each by itself."""
    columns = common_columns([row for _, row in found.rows])
    if columns and not any(label in row for _, row in found.rows):
        known = ", ".join(columns[:20])
        raise InvalidInputError(f"every row needs the label column {label!r}; the columns are {known}")
    needed = columns if label in columns else [*columns, label]
    rows, found.rows = found.rows, []
    for place, row in rows:
        if missing := missing_in(row, needed):
            found.refuse(place, f"column {missing!r} is empty")
        else:
            found.rows.append((place, row))


def renamed(row: Row, columns: Sequence[ColumnName]) -> Row:
    """The row with its columns' names as records have them; raises InvalidInputError."""
    targets = {column.source: column.target for column in columns}
    missing = sorted(set(targets) - set(row))
    if missing:
        raise InvalidInputError(f"column {missing[0]!r} is missing")
    pairs = [(targets.get(key, key), value) for key, value in row.items()]
    kept = [(key, value) for key, value in pairs if key]
    if len({key for key, _ in kept}) != len(kept):
        raise InvalidInputError("two columns have the same name after renaming")
    return dict(kept)


def _schema(store: ArtifactStore, request: PrepareRequest, rows: Sequence[Row]) -> TableSchema | None:
    if request.schema:
        schema = check_schema(from_json(TableSchema, canonical_json.decode(store.get(request.schema))))
        if request.label and request.label != schema.label:
            raise InvalidInputError(f"the schema's label is {schema.label!r}, not {request.label!r}")
        return schema
    return schema_of(rows, request.label, request.width, request.height) if request.label else None


def _duplicates(
    store: ArtifactStore, request: PrepareRequest, records: Sequence[tuple[str, AnyRecord]]
) -> dict[int, str]:
    """Per near-duplicate among the records what it is similar to; earlier records come first."""
    known = [
        (f"datanet {version.datanet_id}, contribution {source.contribution_id}, record {number}", record)
        for version in request.against
        for source in version.contributions
        for number, record in enumerate(decode_records(store.get(source.artifact)))
    ]
    everything = [*known, *records]
    if not records:
        return {}
    sketches = sketches_of_records([record for _, record in everything])
    places = canonical_indices(sketches, np.arange(len(everything)).tolist(), request.similarity_ppm)
    return {
        index - len(known): everything[place][0]
        for index, place in enumerate(places)
        if place != index and index >= len(known)
    }


def _result(  # noqa: PLR0917 - what a preparation found
    store: ArtifactStore,
    request: PrepareRequest,
    found: _Found,
    schema: TableSchema | None,
    duplicates: dict[int, str],
    names: ParentNames,
) -> PrepareResult:
    dropped = set(duplicates) if request.drops_duplicates else set()
    for index in sorted(dropped):
        found.refuse(found.records[index][0], f"near-duplicate of {duplicates[index]}")
    kept = [record for index, (_, record) in enumerate(found.records) if index not in dropped]
    data = encode_records(kept)
    listed = sorted(duplicates.items())[:LISTED]
    return PrepareResult(
        records=store.put(data) if kept else NO_ARTIFACT,
        schema=store.put(canonical_json.encode(to_json(schema))) if schema else NO_ARTIFACT,
        accepted=len(kept),
        refused=len(found.problems),
        problems=tuple(found.problems[:LISTED]),
        cleaned=tuple(RuleCount(rule, count) for rule, count in sorted(found.cleaned.items())),
        duplicate_count=len(duplicates),
        duplicates=tuple(NearDuplicate(found.records[index][0], of) for index, of in listed),
        preview=tuple(line.decode() for line in data.split(b"\n")[:PREVIEWED] if line),
        parents=tuple(_shares(kept, names)),
    )


def _shares(records: Sequence[AnyRecord], names: ParentNames) -> Iterator[ParentShare]:
    """Who shares what the records earn, most first: of each with n parents every one has 1/2n."""
    shares: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for record in records:
        owners = [names.owner_of(parent_record(word)) for word in record.parents]
        for owner in owners:
            shares[owner] += PPM // (2 * len(owners))
        counts.update(set(owners))
    for owner, share in sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:LISTED]:
        yield ParentShare(owner, counts[owner], share // len(records))
