"""What one record is: a vector of integers 0..255 with a class label, in one canonical encoding.

Covered: the byte encoding, the JSONL form, their limits. Not covered: text (`workers.datasets.text`).
Source: `docs/formats.md`, "Records".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from genesis.keccak import keccak256
from genesis.types import Hash32
from workers.artifacts import canonical_json
from workers.datasets.parents import names_of, parse_parents
from workers.errors import InvalidInputError

MAGIC = b"OLVC\x01"
"""Vector classification, format 1."""
MAX_FEATURES = 65_536
MAX_LABEL = 65_535
MAX_RECORDS = 1_000_000
MAX_LINE_BYTES = 8 * MAX_FEATURES


@dataclass(frozen=True, slots=True)
class Record:
    """One labelled vector; `features` are one byte each, `parents` the records it was made from."""

    features: bytes
    label: int
    parents: tuple[Hash32, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.features) <= MAX_FEATURES:
            raise InvalidInputError(f"a record has 1 to {MAX_FEATURES} features, not {len(self.features)}")
        if not 0 <= self.label <= MAX_LABEL:
            raise InvalidInputError(f"label {self.label} is outside 0..{MAX_LABEL}")


def encode_record(record: Record) -> bytes:
    """Canonical bytes: magic, feature count (4 bytes), features (1 byte each), label (4 bytes)."""
    return MAGIC + len(record.features).to_bytes(4, "big") + record.features + record.label.to_bytes(4, "big")


def content_hash(record: Record) -> Hash32:
    """Keccak-256 of the canonical bytes: what a record leaf binds."""
    return keccak256(encode_record(record))


def encode_jsonl(records: Iterable[Record]) -> bytes:
    """A contribution's file: one canonical JSON object per line."""
    return b"".join(canonical_json.encode(_to_line(record)) + b"\n" for record in records)


def decode_jsonl(data: bytes) -> list[Record]:
    """The records of a contribution's file, in order; raises InvalidInputError naming the line.

    All records of a file have the same number of features.
    """
    lines = [line for line in data.split(b"\n") if line.strip()]
    if not 1 <= len(lines) <= MAX_RECORDS:
        raise InvalidInputError(f"a contribution holds 1 to {MAX_RECORDS} records, not {len(lines)}")
    records = [_from_line(line, number) for number, line in enumerate(lines, start=1)]
    if len({len(record.features) for record in records}) != 1:
        raise InvalidInputError("records of one contribution have different numbers of features")
    return records


def _to_line(record: Record) -> dict[str, object]:
    line: dict[str, object] = {"features": list(record.features), "label": record.label}
    if record.parents:
        line["parents"] = names_of(record.parents)
    return line


def _from_line(line: bytes, number: int) -> Record:
    if len(line) > MAX_LINE_BYTES:
        raise InvalidInputError(f"line {number}: longer than {MAX_LINE_BYTES} bytes")
    try:
        return _from_object(canonical_json.decode(line))
    except InvalidInputError as error:
        raise InvalidInputError(f"line {number}: {error}") from error


def _from_object(value: object) -> Record:
    if not isinstance(value, dict) or not {"features", "label"} <= set(value) <= {
        "features",
        "label",
        "parents",
    }:
        raise InvalidInputError('expected {"features": [...], "label": n} and optional "parents"')
    if type(value["label"]) is not int:
        raise InvalidInputError("label must be an integer")
    return Record(
        features=byte_vector(value["features"]),
        label=value["label"],
        parents=parse_parents(value.get("parents", [])),
    )


def byte_vector(values: object) -> bytes:
    """Integers 0..255 as bytes; raises InvalidInputError for anything else."""
    if not isinstance(values, Sequence) or isinstance(values, (str, bytes)):
        raise InvalidInputError("features must be an array")
    wrong = InvalidInputError("features must be integers 0..255")
    if not {int}.issuperset(map(type, values)):  # `bytes` would take booleans
        raise wrong
    try:
        return bytes(values)
    except ValueError:
        raise wrong from None
