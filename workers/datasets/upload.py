"""How files that people have become rows: JSONL, JSON, CSV, Parquet, or a Hugging Face dataset folder.

A folder is read as its card says (`configs` → `data_files`), else its data files in name order; one that
`save_to_disk` wrote, or one of pictures in directories by class, likewise. Rows are plain JSON values in file
order; nothing of them is judged here.

Covered: encodings, broken lines (named), size limits, types that JSON lacks. Not covered: dataset scripts
(never run), compressed files.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from workers.artifacts.canonical_json import check_depth
from workers.datasets.cards import CARD, named_by_card
from workers.datasets.picture_folder import METADATA, PICTURE_SUFFIXES, in_class, with_picture
from workers.datasets.records import MAX_RECORDS
from workers.errors import InvalidInputError

if TYPE_CHECKING:
    from pyarrow import RecordBatch

TABLE_SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".arrow")
DATA_SUFFIXES = (*TABLE_SUFFIXES, *PICTURE_SUFFIXES)
NOTES = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
"""What `datasets` writes beside the data."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SPLITS = ("train", "test", "valid", "dev", "eval")
"""Words by which files' names tell splits."""

Row = dict[str, Any]
Files = dict[str, bytes]
Rows = Iterator[tuple[int, Row | InvalidInputError]]


def rows_of(files: Files, split: str = "train") -> Iterator[tuple[str, Row | InvalidInputError]]:
    """Every row with the place it stands at, or what is wrong at that place. Raises InvalidInputError."""
    count = 0
    for name in data_files(files, split):
        for number, row in _read(name, files):
            count += 1
            if count > MAX_RECORDS:
                raise InvalidInputError(f"more than {MAX_RECORDS} rows: upload several files")
            yield f"{name}:{number}", row
    if not count:
        raise InvalidInputError("there are no rows in the upload")


def data_files(files: Files, split: str) -> list[str]:
    """Which files hold the split, in order; raises InvalidInputError, also rather than take another split."""
    found = named_by_card(files, split) if CARD in files else []
    if not found:
        found = _of_split([name for name in sorted(files) if is_data(name)], split)
    if not found:
        raise InvalidInputError(f"no {', '.join(DATA_SUFFIXES)} file in the upload")
    if listing := [name for name in found if _base(name) in METADATA and len(found) > 1]:
        return listing  # the pictures beside are what it lists
    return list(dict.fromkeys(name for name in found if is_data(name)))


def is_data(name: str) -> bool:
    """Whether a file of a folder may hold rows."""
    return (
        _suffix(name) in DATA_SUFFIXES and _base(name) not in NOTES and not _base(name).startswith("cache-")
    )


def _of_split(names: list[str], split: str) -> list[str]:
    """Those whose path names the split; all of them where no path names any."""
    found = [name for name in names if split in name] if len(names) > 1 else names
    others = sorted({word for name in names for word in SPLITS if word in name})
    if len(names) > 1 and not found and others:
        raise InvalidInputError(f"no file is of the split {split!r}; there are {', '.join(others)}: name one")
    return found or names


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _base(name: str) -> str:
    return PurePosixPath(name).name


def _read(name: str, files: Files) -> Rows:
    """The rows of a file; what is wrong with the whole file is said with its name."""
    if _suffix(name) in PICTURE_SUFFIXES:
        yield 1, in_class(name, files[name])
        return
    try:
        for number, row in _READERS[_suffix(name)](files[name]):
            is_listed = _base(name) in METADATA and isinstance(row, dict) and "file_name" in row
            yield number, with_picture(row, name, files) if is_listed and isinstance(row, dict) else row
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}: {error}") from error


def _plain(data: bytes) -> bytes:
    """Text files without a byte order mark; raises InvalidInputError."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidInputError("it is UTF-16: save it as UTF-8")
    return data.removeprefix(BYTE_ORDER_MARK)


def _lines(data: bytes) -> Rows:
    for number, line in enumerate(_plain(data).splitlines(), start=1):
        if line.strip():
            yield number, _object(line)


def _object(line: bytes) -> Row | InvalidInputError:
    try:
        value = _json(line)
    except InvalidInputError as error:
        return error
    return value if isinstance(value, dict) else InvalidInputError("not a JSON object")


def _json(data: bytes) -> Any:
    try:
        check_depth(data)
        value = json.loads(data.decode())
        if rb"\u" in data:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"not UTF-8: save the file as UTF-8 ({error})") from error
    except UnicodeEncodeError as error:
        raise InvalidInputError("it holds half a surrogate pair") from error
    except ValueError as error:
        raise InvalidInputError(f"not JSON: {error}") from error
    return value


def _array(data: bytes) -> Rows:
    """An array of rows, a single row, or JSON lines under another name."""
    data = _plain(data).strip()
    if data[:1] != b"[":
        is_one = b"\n" in data and isinstance(_object(data.split(b"\n", 1)[0]), InvalidInputError)
        whole = _object(data) if is_one else None
        yield from iter([(1, whole)]) if isinstance(whole, dict) else _lines(data)
        return
    for number, value in enumerate(_json(data), start=1):
        yield number, value if isinstance(value, dict) else InvalidInputError("not a JSON object")


def _table(data: bytes, delimiter: str) -> Rows:
    try:
        text = _plain(data).decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"the table is not UTF-8: save it as UTF-8 ({error})") from error
    csv.field_size_limit(max(1, len(text)))  # a field that is too long for a record is refused with its row
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        _check_header(list(reader.fieldnames or ()))
        for row in reader:
            if None in row or None in row.values():
                yield reader.line_num, InvalidInputError("another number of fields than the header")
            else:
                yield reader.line_num, dict(row)
    except csv.Error as error:
        remedy = "a quote inside of a quoted field is written twice"
        raise InvalidInputError(f"line {reader.reader.line_num}: {error}; {remedy}") from error


def _check_header(names: list[str]) -> None:
    if len(set(names)) != len(names):
        raise InvalidInputError("two columns of the table have the same name")
    if len(names) == 1 and any(mark in names[0] for mark in ",;\t"):
        raise InvalidInputError(
            f"its only column is {names[0]!r}: columns are separated by commas in .csv, by tabs in .tsv"
        )


def _parquet(data: bytes) -> Rows:
    import pyarrow.parquet  # noqa: PLC0415 - only Parquet needs it
    from pyarrow import ArrowException, BufferReader  # noqa: PLC0415

    try:
        file = pyarrow.parquet.ParquetFile(BufferReader(data))
        yield from _batches(file.schema_arrow.names, file.iter_batches(batch_size=1_024))
    except (ArrowException, OSError) as error:
        raise InvalidInputError(f"not a Parquet file: {error}") from error


def _arrow(data: bytes) -> Rows:
    """What `save_to_disk` writes: Arrow's stream of record batches."""
    from pyarrow import ArrowException, BufferReader, ipc  # noqa: PLC0415 - only Arrow needs it

    try:
        stream = ipc.open_stream(BufferReader(data))
        yield from _batches(stream.schema.names, iter(stream))
    except (ArrowException, OSError) as error:
        raise InvalidInputError(f"not an Arrow stream: {error}") from error


def _batches(names: list[str], batches: "Iterator[RecordBatch]") -> Rows:
    if len(set(names)) != len(names):
        raise InvalidInputError("two columns of the table have the same name")
    number = 0
    for batch in batches:
        for row in _rows_of_batch(batch):
            number += 1
            yield number, row


def _rows_of_batch(batch: "RecordBatch") -> list[Row | InvalidInputError]:
    from pyarrow import ArrowException  # noqa: PLC0415 - a batch is pyarrow's

    try:
        return [without_nulls(row) for row in batch.to_pylist()]
    except (ArrowException, ValueError, OverflowError) as error:
        if batch.num_rows == 1:
            return [InvalidInputError(f"a value cannot be read: {error}")]
    return [row for place in range(batch.num_rows) for row in _rows_of_batch(batch.slice(place, 1))]


def without_nulls(value: Any) -> Any:
    """Columnar files, and lines made from them, have every field in every row, null where it is not."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


_READERS: dict[str, Callable[[bytes], Rows]] = {
    ".jsonl": _lines,
    ".json": _array,
    ".csv": partial(_table, delimiter=","),
    ".tsv": partial(_table, delimiter="\t"),
    ".parquet": _parquet,
    ".arrow": _arrow,
}
