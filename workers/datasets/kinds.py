"""Which kind a contribution's records are, and what every kind can say: content hash, sketch, parents.

All records of a file, and of a version, are of one kind: labelled vectors (tables, pictures) or texts.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from genesis.types import Hash32
from workers.artifacts import canonical_json
from workers.datasets import records, text
from workers.datasets.minhash import text_sketch, text_sketches
from workers.datasets.records import Record
from workers.datasets.sketch import Sketch, sketch_of, sketches_of
from workers.datasets.text import TextRecord
from workers.errors import InvalidInputError

AnyRecord = Record | TextRecord
SKETCHED_TOGETHER = 64
"""Records; the longest take 32 MB while their sketches are made."""


def decode_records(data: bytes) -> Sequence[AnyRecord]:
    """The records of a contribution's file, told by the first line; raises InvalidInputError."""
    return records.decode_jsonl(data) if holds_vectors(data) else text.decode_text_jsonl(data)


def encode_records(found: Sequence[AnyRecord]) -> bytes:
    """A contribution's file."""
    vectors = [record for record in found if isinstance(record, Record)]
    texts = [record for record in found if isinstance(record, TextRecord)]
    return records.encode_jsonl(vectors) + text.encode_text_jsonl(texts)


def holds_vectors(data: bytes) -> bool:
    """True when the file's first record is a vector; raises InvalidInputError when it is no JSON object."""
    return "features" in _first_object(data)


def first_form(data: bytes) -> str:
    """Which form of text the file's first record has, "" for none; raises InvalidInputError as above."""
    value = _first_object(data)
    try:
        return text.form_of({key: found for key, found in value.items() if key != "parents"})
    except InvalidInputError:
        return ""


def _first_object(data: bytes) -> dict[str, Any]:
    first = next((line for line in data.split(b"\n") if line.strip()), b"")
    try:
        value = canonical_json.decode(first)
    except InvalidInputError as error:
        raise InvalidInputError(f"line 1: {error}") from error
    return value if isinstance(value, dict) else {}


def content_of(record: AnyRecord) -> bytes:
    """The record's canonical bytes, which its content hash is of."""
    return records.encode_record(record) if isinstance(record, Record) else text.MAGIC + record.content


def content_hash_of(record: AnyRecord) -> Hash32:
    """What the record's leaf binds."""
    return records.content_hash(record) if isinstance(record, Record) else text.content_hash(record)


def sketch_of_record(record: AnyRecord) -> bytes:
    """The packed sketch in the record's leaf."""
    return sketch_of(record.features) if isinstance(record, Record) else text_sketch(record.plain())


def sketches_of_records(found: Sequence[AnyRecord]) -> Sketch:
    """(N, n) sketches; raises InvalidInputError when kinds or lengths are mixed."""
    vectors = [record.features for record in found if isinstance(record, Record)]
    texts = [record.plain() for record in found if isinstance(record, TextRecord)]
    if vectors and texts:
        raise InvalidInputError("vectors and texts are in one version")
    if texts:
        return text_sketches(texts)
    lengths = {len(features) for features in vectors}
    if len(lengths) != 1:
        raise InvalidInputError(f"records have different numbers of features: {sorted(lengths)}")
    return sketches_of(np.frombuffer(b"".join(vectors), dtype=np.uint8).reshape(len(vectors), lengths.pop()))


def packed_sketches(found: Sequence[AnyRecord]) -> Iterator[bytes]:
    """What `sketch_of_record` says of each record of a file; raises InvalidInputError as above."""
    for start in range(0, len(found), SKETCHED_TOGETHER):
        for sketch in sketches_of_records(found[start : start + SKETCHED_TOGETHER]):
            yield sketch.tobytes()


def names_parents(data: bytes) -> bool:
    """Whether a record of a contribution's file names parents; raises InvalidInputError."""
    is_plain = not any(mark in data for mark in (b"parents", rb"\u", b"\0"))  # escapes, UTF-16
    return not is_plain and any(record.parents for record in decode_records(data))
