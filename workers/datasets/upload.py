"""How files that people have become rows: JSONL, JSON, CSV, Parquet, or a Hugging Face dataset folder.

A folder is read as its card says (`configs` → `data_files`), else its data files in name order. Rows are
plain JSON values in file order; nothing of them is judged here.

Covered: encodings, broken lines (named), size limits, types that JSON lacks. Not covered: dataset scripts
(never run), compressed files.
"""

import csv
import io
import json
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any

from workers.artifacts.canonical_json import check_depth
from workers.datasets.records import MAX_RECORDS
from workers.errors import InvalidInputError

DATA_SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
CARD = "README.md"
MAX_FIELD_CHARACTERS = 1 << 20
SPLITS = ("train", "test", "valid", "dev", "eval")
"""Words by which files' names tell splits."""

Row = dict[str, Any]
Files = dict[str, bytes]


def rows_of(files: Files, split: str = "train") -> Iterator[tuple[str, Row | InvalidInputError]]:
    """Every row with the place it stands at, or what is wrong at that place. Raises InvalidInputError."""
    count = 0
    for name in data_files(files, split):
        for number, row in _read(name, files[name]):
            count += 1
            if count > MAX_RECORDS:
                raise InvalidInputError(f"more than {MAX_RECORDS} rows: upload several files")
            yield f"{name}:{number}", row
    if not count:
        raise InvalidInputError("there are no rows in the upload")


def data_files(files: Files, split: str) -> list[str]:
    """Which files hold the split, in order; raises InvalidInputError, also rather than take another split."""
    named = _named_by_card(files[CARD], split) if CARD in files else []
    found = [name for pattern in named for name in sorted(files) if fnmatch(name, pattern)]
    if not found:
        found = _of_split([name for name in sorted(files) if _suffix(name) in DATA_SUFFIXES], split)
    if not found:
        raise InvalidInputError(f"no {', '.join(DATA_SUFFIXES)} file in the upload")
    return list(dict.fromkeys(name for name in found if _suffix(name) in _READERS))


def _of_split(names: list[str], split: str) -> list[str]:
    """Those whose path names the split; all of them where no path names any."""
    found = [name for name in names if split in name] if len(names) > 1 else names
    others = sorted({word for name in names for word in SPLITS if word in name})
    if len(names) > 1 and not found and others:
        raise InvalidInputError(f"no file is of the split {split!r}; there are {', '.join(others)}: name one")
    return found or names


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _read(name: str, data: bytes) -> Iterator[tuple[int, Row | InvalidInputError]]:
    """The rows of a file; what is wrong with the whole file is said with its name."""
    try:
        yield from _READERS[_suffix(name)](data)
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}: {error}") from error


def card_header(card: bytes) -> dict[str, Any]:
    """The YAML at the top of a card; empty when there is none. Raises InvalidInputError."""
    text = card.decode(errors="replace")
    if not text.startswith("---\n") or "\n---" not in text[4:]:
        return {}
    import yaml  # noqa: PLC0415 - only cards need it

    try:
        header = yaml.safe_load(text[4:].split("\n---", 1)[0])
    except yaml.YAMLError as error:
        raise InvalidInputError(f"{CARD}: {' '.join(str(error).split())}") from error
    return header if isinstance(header, dict) else {}


def _named_by_card(card: bytes, split: str) -> list[str]:
    configs = card_header(card).get("configs")
    if not isinstance(configs, list) or not configs or not isinstance(configs[0], dict):
        return []
    entries = configs[0].get("data_files")
    if isinstance(entries, str):
        return [entries]
    if not isinstance(entries, list):
        return []
    splits = {str(entry.get("split")) for entry in entries if isinstance(entry, dict)}
    if splits and split not in splits and all(isinstance(entry, dict) for entry in entries):
        raise InvalidInputError(f"{CARD} has no split {split!r}, only {', '.join(sorted(splits))}: name one")
    paths = [
        entry.get("path") if isinstance(entry, dict) else entry
        for entry in entries
        if not isinstance(entry, dict) or entry.get("split") == split
    ]
    named = [path for each in paths for path in (each if isinstance(each, list) else [each]) if path]
    if wrong := next((path for path in named if not isinstance(path, str)), None):
        raise InvalidInputError(f"{CARD}: data_files names {wrong!r}, which is no path")
    return named


def _lines(data: bytes) -> Iterator[tuple[int, Row | InvalidInputError]]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            yield number, _object(line)


def _object(line: bytes) -> Row | InvalidInputError:
    try:
        check_depth(line)
        value = json.loads(line)
    except ValueError as error:
        return InvalidInputError(f"not JSON: {error}")
    return value if isinstance(value, dict) else InvalidInputError("not a JSON object")


def _array(data: bytes) -> Iterator[tuple[int, Row | InvalidInputError]]:
    if data.lstrip()[:1] != b"[":
        yield from _lines(data)  # JSON lines under another name are common
        return
    try:
        check_depth(data)
        values = json.loads(data)
    except ValueError as error:
        raise InvalidInputError(f"not JSON: {error}") from error
    for number, value in enumerate(values, start=1):
        yield number, value if isinstance(value, dict) else InvalidInputError("not a JSON object")


def _table(data: bytes, delimiter: str) -> Iterator[tuple[int, Row | InvalidInputError]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"the table is not UTF-8: {error}") from error
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        if len(set(reader.fieldnames or ())) != len(reader.fieldnames or ()):
            raise InvalidInputError("two columns of the table have the same name")
        for row in reader:
            if None in row or None in row.values():
                yield reader.line_num, InvalidInputError("another number of fields than the header")
            else:
                yield reader.line_num, dict(row)
    except csv.Error as error:
        raise InvalidInputError(f"line {reader.line_num}: {error}") from error


def _parquet(data: bytes) -> Iterator[tuple[int, Row | InvalidInputError]]:
    import pyarrow.parquet  # noqa: PLC0415 - only Parquet needs it
    from pyarrow import ArrowException, BufferReader  # noqa: PLC0415

    try:
        file = pyarrow.parquet.ParquetFile(BufferReader(data))
        number = 0
        for batch in file.iter_batches(batch_size=1_024):
            for row in batch.to_pylist():
                number += 1
                yield number, _without_nulls(row)
    except (ArrowException, OSError) as error:
        raise InvalidInputError(f"not a Parquet file: {error}") from error


def _without_nulls(value: Any) -> Any:
    """Columnar files have every field in every row, null where it is not."""
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


_READERS = {
    ".jsonl": _lines,
    ".json": _array,
    ".csv": lambda data: _table(data, ","),
    ".tsv": lambda data: _table(data, "\t"),
    ".parquet": _parquet,
}
